/** Adversarial fine-tuning inside the worker. */
import { readAll, seeded } from '@merlon/core';
import { openFastest, rowSize, sample } from '@merlon/graph';
import { adversarialFineTune } from '@merlon/harden';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';

/** How to train. */
export interface HardenOptions {
  readonly epsilon: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly attackSteps: number;
  readonly learningRate: number;
  readonly samples: number;
  readonly seed: number;
  readonly threads: number;
}

/** What to train on. */
export interface HardenInput extends DataInput {
  readonly options: HardenOptions;
}

/** The new model. */
export interface HardenOutput {
  readonly model: Uint8Array;
  readonly steps: number;
  readonly samples: number;
  readonly firstLoss: number;
  readonly lastLoss: number;
}

/** Trains the model in source `model` on the data in source `data`. */
export async function hardenTask(input: HardenInput, context: TaskContext): Promise<HardenOutput> {
  const { options } = input;
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const { dataset, schema } = await datasetFrom(input, context);
  const random = seeded(options.seed);
  const chosen = sample(dataset, { count: options.samples, random: random.fork('samples') });
  const range = schema?.kind === 'image' ? schema.input : { min: 0, max: 1 };
  const rows = chosen.labels.length;
  const result = await adversarialFineTune(
    {
      model: bytes,
      x: chosen.x.subarray(0, rows * rowSize(chosen)),
      shape: [...chosen.shape],
      labels: chosen.labels,
      epsilon: options.epsilon,
      attackSteps: options.attackSteps,
      stepSize: (2.5 * options.epsilon) / options.attackSteps,
      epochs: options.epochs,
      batchSize: options.batchSize,
      learningRate: options.learningRate,
      momentum: 0.9,
      weightDecay: 0,
      random: random.fork('training'),
      bounds: [range.min, range.max],
      warmUp: 0.3,
      cleanShare: 0,
      threads: options.threads,
      onProgress: context.onProgress,
    },
    openFastest,
  );
  const mean = (part: readonly number[]): number =>
    part.reduce((sum, loss) => sum + loss, 0) / Math.max(1, part.length);
  return {
    model: result.model,
    steps: result.steps,
    samples: rows,
    firstLoss: mean(result.losses.slice(0, 10)),
    lastLoss: mean(result.losses.slice(-10)),
  };
}
