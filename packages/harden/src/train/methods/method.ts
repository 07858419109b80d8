/** A method of training: what it does with one batch. All else is the same for all. */
import type { Random } from '@merlon/core';
import type { Batch } from '../batch.ts';
import type { Gradients, Network } from '../network.ts';
import type { TrainSettings } from '../request.ts';

/** What a step is given. */
export interface StepContext {
  readonly settings: TrainSettings;
  readonly network: Network;
  readonly random: Random;
  /** Steps taken before this one. */
  readonly step: number;
  /** Share of the whole radius at this time of the run, from 0 to 1. */
  readonly grown: number;
  /** Moves the weights against a gradient. */
  readonly update: (gradients: Gradients) => void;
}

/** How a step went. */
export interface StepFigures {
  /** Mean loss over the rows. */
  readonly loss: number;
  /** Rows, as they were trained on, that the model was right about. */
  readonly right: number;
}

/** A method with what it keeps between steps. */
export interface Method {
  /** Positions of the rows of a step; without it batches are parts of a random order. */
  readonly draw?: (step: number) => Uint32Array;
  /** Trains on one batch; calls `update` once or more. */
  step(context: StepContext, batch: Batch): Promise<StepFigures>;
}

/** The mean of numbers, 0 of none. */
export function meanOf(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] ?? 0;
  return values.length === 0 ? 0 : sum / values.length;
}
