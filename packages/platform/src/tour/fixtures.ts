/** The two models and their data that the tour takes along. */
import { readFileSync } from 'node:fs';
import { utf8 } from '@merlon/core';
import { fixturePath } from '../installation.ts';

/** Files by the name they get in their version. */
export type Files = Readonly<Record<string, Uint8Array>>;

/** One travelling model. */
export interface Traveller {
  readonly name: 'digits' | 'loans';
  readonly model: () => Files;
  readonly train: () => Files;
  readonly test: () => Files;
}

/** Both travellers. */
export const travellers: readonly Traveller[] = [
  {
    name: 'digits',
    model: () => ({
      'model.onnx': fixture('models/digits-cnn.onnx'),
      'schema.json': fixture('models/digits-cnn.schema.json'),
    }),
    train: () => ({ 'train.npz': fixture('data/mnist-train.npz') }),
    test: () => ({ 'test.npz': fixture('data/mnist-test.npz') }),
  },
  {
    name: 'loans',
    model: () => ({
      'model.onnx': fixture('models/loans.onnx'),
      'schema.json': fixture('models/loans.schema.json'),
    }),
    train: () => ({ 'train.csv': fixture('data/loans-train.csv') }),
    test: () => ({ 'test.csv': fixture('data/loans-test.csv') }),
  },
];

/**
 * A pickle that would run a command when it is loaded; the command only prints a word, and nothing
 * in Merlon loads pickles.
 */
export function poisonedPickle(): Uint8Array {
  return utf8("cposix\nsystem\n(S'echo inert'\ntR.");
}

function fixture(path: string): Uint8Array {
  return new Uint8Array(readFileSync(fixturePath(path)));
}
