/** Randomized smoothing inside the worker. */
import { readAll, seeded } from '@merlon/core';
import { openSession, rowSize, sample } from '@merlon/graph';
import { certifyRows, HardenError, type SmoothCertificate } from '@merlon/harden';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';

/** How to certify. */
export interface CertifyOptions {
  readonly sigma: number;
  readonly n: number;
  readonly n0: number;
  readonly alpha: number;
  readonly batchRows: number;
  /** Rows of the data that are certified. */
  readonly samples: number;
  readonly seed: number;
  readonly threads: number;
}

/** What to certify on. */
export interface CertifyInput extends DataInput {
  readonly options: CertifyOptions;
}

/** Certifies the model in source `model` on the data in source `data`. */
export async function certifyTask(
  input: CertifyInput,
  context: TaskContext,
): Promise<SmoothCertificate> {
  const { seed, samples, threads, ...options } = input.options;
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const { dataset } = await datasetFrom(input, context);
  const random = seeded(seed);
  const chosen = sample(dataset, { count: samples, random: random.fork('samples') });
  if (chosen.labels.length === 0) {
    throw new HardenError('invalid-data', 'the data have no rows to certify');
  }
  const session = await openSession(bytes, { threads });
  try {
    const { x, shape, labels } = chosen;
    const rows = { x: x.subarray(0, labels.length * rowSize(chosen)), shape, labels };
    const { onProgress } = context;
    return await certifyRows(session, rows, {
      ...options,
      random: random.fork('noise'),
      onProgress,
    });
  } finally {
    await session.close();
  }
}
