/** Optimizers by their names. */
import type { Memory } from '../checkpoint/memory.ts';
import { adamW } from './adamw.ts';
import type { Optimizer, OptimizerName, OptimizerOptions, Trained } from './optimizer.ts';
import { sgd } from './sgd.ts';

/** The optimizer of a name over weights; it keeps their moments, in `memory` if given. */
export function optimizerOf(
  name: OptimizerName,
  weights: Trained,
  options: OptimizerOptions,
  memory?: Memory,
): Optimizer {
  return { sgd, adamw: adamW }[name](weights, options, memory);
}
