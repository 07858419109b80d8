/** Optimizers by their names. */
import { adamW } from './adamw.ts';
import type { Optimizer, OptimizerName, OptimizerOptions, Trained } from './optimizer.ts';
import { sgd } from './sgd.ts';

/** The optimizer of a name over weights; it keeps their moments. */
export function optimizerOf(
  name: OptimizerName,
  weights: Trained,
  options: OptimizerOptions,
): Optimizer {
  return { sgd, adamw: adamW }[name](weights, options);
}
