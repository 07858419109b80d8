/**
 * A start by scores, where the model gives them: greedy change of one feature at a time, always
 * the one that takes most from the true class, until the decision turns. It changes few features,
 * because each change is the best one left.
 */

import type { Oracle } from '../oracle.ts';
import type { Constraints } from './constraints.ts';
import { type FeatureValues, singleChanges } from './starts.ts';

/** What the climb works on. */
export interface ClimbOptions {
  readonly original: Float32Array;
  readonly constraints: Constraints;
  readonly values: FeatureValues;
  /** How near a row of scores is to success: greater is nearer. */
  readonly progress: (scores: Float32Array) => number;
  /** Most features that may change. */
  readonly changedMax: number;
}

/** The first successful rows met, or none when no change helps any more. */
export async function climb(box: Oracle, options: ClimbOptions): Promise<Float32Array[]> {
  const { original, constraints, values } = options;
  let best = original;
  let reached = Number.NEGATIVE_INFINITY;
  for (let round = 0; round < constraints.mutable.length; round++) {
    const candidates = singleChanges(best, constraints, values, original).filter(
      (row) => constraints.distance(row, original).changed <= options.changedMax,
    );
    const { answers, scores } = await box.score(candidates);
    const won = candidates.filter((_, i) => answers[i]);
    if (won.length > 0) return won;
    let next = best;
    scores.forEach((row, i) => {
      const progress = options.progress(row);
      if (!(progress > reached)) return;
      reached = progress;
      next = candidates[i] ?? next;
    });
    if (next === best) return [];
    best = next;
  }
  return [];
}
