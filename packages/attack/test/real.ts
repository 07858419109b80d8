/** The models and data that come with the project, opened once for all tests of a run. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Dataset,
  type ImageSchema,
  openSession,
  readDataset,
  readOnnx,
  readSchema,
  type Session,
  type TableSchema,
} from '@merlon/graph';
import { type GradientSource, gradientsOfModel } from '../src/model/sessions.ts';

const root = join(import.meta.dirname, '../../..');

/** The bytes of a file of the project. */
export function projectFile(path: string): Uint8Array {
  return readFileSync(join(root, path));
}

/** The digits model, its gradient model and its test images. */
export async function openDigits(): Promise<{
  readonly session: Session;
  readonly gradient: GradientSource;
  readonly schema: ImageSchema;
  readonly data: Dataset;
}> {
  const bytes = projectFile('models/digits-cnn.onnx');
  const schema = readSchema(projectFile('models/digits-cnn.schema.json'));
  if (schema.kind !== 'image') throw new Error('digits expected a schema of images');
  const data = readDataset(projectFile('data/mnist-test.npz'), { name: 'mnist-test.npz', schema });
  const session = await openSession(bytes);
  return { session, gradient: await gradientsOfModel(readOnnx(bytes)), schema, data };
}

/** The loans model, its schema and its test rows. */
export async function openLoans(): Promise<{
  readonly session: Session;
  readonly schema: TableSchema;
  readonly data: Dataset;
}> {
  const schema = readSchema(projectFile('models/loans.schema.json'));
  if (schema.kind !== 'table') throw new Error('loans expected a schema of a table');
  const data = readDataset(projectFile('data/loans-test.csv'), { name: 'loans-test.csv', schema });
  return { session: await openSession(projectFile('models/loans.onnx')), schema, data };
}
