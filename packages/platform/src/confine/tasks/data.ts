/** Reads data sets inside the worker: bytes come through sources, never from files. */
import { readAll } from '@merlon/core';
import { type DataSchema, type Dataset, readDataset, readSchema } from '@merlon/graph';
import type { TaskContext } from '../task.ts';

/** What a worker takes into memory at most: 2 GiB. */
export const inputBytesMax = 2 ** 31;

/** Which data, and whether a schema describes it. */
export interface DataInput {
  readonly dataName: string;
  readonly hasSchema: boolean;
  readonly label?: string;
}

/** The data set in source `data`, read by the schema in source `schema`. */
export async function datasetFrom(
  input: DataInput,
  context: TaskContext,
): Promise<{ dataset: Dataset; schema: DataSchema | null }> {
  const schema = input.hasSchema
    ? readSchema(await readAll(context.source('schema'), 1 << 24))
    : null;
  const bytes = await readAll(context.source('data'), inputBytesMax);
  const dataset = readDataset(bytes, {
    name: input.dataName,
    ...(schema === null ? {} : { schema }),
    ...(input.label === undefined ? {} : { label: input.label }),
  });
  return { dataset, schema };
}
