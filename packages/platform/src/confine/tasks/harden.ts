/** Training of hardened models inside the worker. */
import { readAll, seeded } from '@merlon/core';
import { type Dataset, openFastest, rowSize, sample, slice } from '@merlon/graph';
import { type Batch, type TrainChoices, type TrainResult, train } from '@merlon/harden';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';

/** How to train. */
export interface HardenOptions extends Partial<TrainChoices> {
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Rows of the data that are used. */
  readonly samples: number;
  readonly seed: number;
  readonly threads: number;
}

/** What to train on. */
export interface HardenInput extends DataInput {
  readonly options: HardenOptions;
}

/** The new model. */
export interface HardenOutput
  extends Pick<TrainResult, 'model' | 'steps' | 'keptEpoch' | 'ended' | 'privacy'> {
  readonly samples: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Rows held back at most, to see which epoch withstands most. */
const heldMax = 500;

/** Trains the model in source `model` on the data in source `data`. */
export async function hardenTask(input: HardenInput, context: TaskContext): Promise<HardenOutput> {
  const { seed, samples, ...options } = input.options;
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const { dataset, schema } = await datasetFrom(input, context);
  const random = seeded(seed);
  const chosen = sample(dataset, { count: samples, random: random.fork('samples') });
  const held = heldRows(chosen.labels.length, options);
  const validation = batchOf(slice(chosen, 0, held));
  const bounds = schema?.kind === 'image' ? schema.input : rangeOf(chosen);
  const result = await train(
    {
      bounds: [bounds.min, bounds.max],
      ...options,
      ...batchOf(slice(chosen, held, chosen.labels.length)),
      ...(held > 0 && { validation }),
      model: bytes,
      random: random.fork('training'),
      onProgress: context.onProgress,
    },
    openFastest,
  );
  const mean = (part: readonly number[]): number =>
    part.reduce((sum, loss) => sum + loss, 0) / Math.max(1, part.length);
  const { model, steps, keptEpoch, ended, privacy, losses } = result;
  return {
    model,
    steps,
    keptEpoch,
    ended,
    samples: chosen.labels.length,
    firstLoss: mean(losses.slice(0, 10)),
    lastLoss: mean(losses.slice(-10)),
    ...(privacy !== undefined && { privacy }),
  };
}

/** A tenth of the rows, in whole batches where that leaves any; none where choosing would leak. */
function heldRows(
  rows: number,
  { method, batchSize }: Pick<HardenOptions, 'method' | 'batchSize'>,
): number {
  if (method === 'dp-sgd') return 0;
  const held = Math.min(heldMax, Math.floor(rows / 10));
  return held > batchSize ? held - (held % batchSize) : held;
}

function batchOf({ x, shape, labels }: Dataset): Batch {
  const size = rowSize({ shape });
  return { x: x.subarray(0, labels.length * size), shape: [...shape], labels };
}

/** [0, 1] where the data are within, else their own range. */
function rangeOf({ x }: Dataset): { readonly min: number; readonly max: number } {
  let [min, max] = [0, 1];
  for (const value of x) {
    if (value < min) min = value;
    else if (value > max) max = value;
  }
  return { min, max };
}
