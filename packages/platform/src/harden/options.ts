/** What hardening is given unless it is told otherwise: one table for people, pipes and jobs. */
import type { OptimizerName, TrainingMethod } from '@merlon/harden';

/** Numbers that every method needs. */
export interface UsualNumbers {
  readonly epochs: number;
  /** Rows of a step. */
  readonly batchSize: number;
  /** Rows of the data that are used. */
  readonly samples: number;
  readonly learningRate: number;
  /** Steps of the inner attack. */
  readonly attackSteps: number;
}

/** Norm to which private training shortens the gradient of a row. */
export const clipNormUsual = 0.1;

/** Chance that a promise of privacy fails. */
export const deltaUsual = 1e-5;

/** Steps between checkpoints. */
export const checkpointEvery = 50;

const usual: UsualNumbers = {
  epochs: 4,
  batchSize: 50,
  samples: 6000,
  learningRate: 0.08,
  attackSteps: 4,
};
const adamWRate = 0.001;
const others: Readonly<Partial<Record<TrainingMethod, UsualNumbers>>> = {
  // Privacy is cheap in large batches of many rows, with long steps along short gradients.
  'dp-sgd': { ...usual, epochs: 12, batchSize: 1024, samples: 10_000_000, learningRate: 2 },
};

/** The usual numbers of a method and an optimizer. */
export function usualNumbers(method: TrainingMethod, optimizer: OptimizerName): UsualNumbers {
  const common = others[method] ?? usual;
  return optimizer === 'adamw' ? { ...common, learningRate: adamWRate } : common;
}
