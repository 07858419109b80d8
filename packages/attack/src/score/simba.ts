/**
 * SimBA (Guo et al. 2019, algorithm 1): elements in random order, each moved one way or the other
 * when that lowers the margin. A handful of queries where the model is steep.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, idOf, positions, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import { ball } from '../gradient/ball.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { marginOf } from './layout.ts';

/** How the search goes. */
export interface SimbaOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most queries for a row (default 3,000). */
  readonly queriesMax?: number;
  /** How far an element moves (default: the radius in L∞, a fifth of the range elsewhere). */
  readonly stepSize?: number;
  readonly signal?: AbortSignal;
  /** Told after every round: rounds done and rounds in all. */
  readonly onRound?: (done: number, total: number) => void;
}

/** One candidate for each row, inside budget and bounds; broken rows leave the search. */
export async function simba(
  model: Classifier,
  batch: Batch,
  options: SimbaOptions,
): Promise<Float32Array> {
  const { budget, bounds, criterion = untargeted, queriesMax = 3000 } = options;
  const size = sizeOf(batch);
  const range = bounds.max - bounds.min;
  const by = options.stepSize ?? (budget.norm === 'linf' ? budget.epsilon : range / 5);
  const x = batch.x.slice();
  const walks = positions(batch.labels.length).map((row) => ({
    order: options.random.fork(`row ${idOf(batch, row)}`).permutation(size),
    /** Even numbers add, odd ones subtract; two for each element, round and round. */
    tried: 0,
    margin: Number.POSITIVE_INFINITY,
  }));
  let rows = positions(batch.labels.length);
  for (let round = 0; round < queriesMax && rows.length > 0; round++) {
    stopWhenAborted(options.signal);
    const now = gather(x, rows, size);
    if (round > 0) {
      rows.forEach((row, i) => {
        const walk = walks[row];
        if (walk === undefined) return;
        const element = walk.order[Math.floor(walk.tried / 2) % size] ?? 0;
        const at = i * size + element;
        now[at] = (now[at] ?? 0) + (walk.tried % 2 === 0 ? by : -by);
      });
      ball(gather(batch.x, rows, size), size, budget, bounds).project(now);
    }
    const { values, classes, predictions } = await model.scores(now);
    rows = rows.filter((row, i) => {
      const walk = walks[row];
      const label = batch.labels[row] ?? 0;
      const margin = marginOf(rowOf(values, i, classes), criterion, label, row);
      const better = walk === undefined || margin < walk.margin;
      if (better) x.set(rowOf(now, i, size), row * size);
      if (walk !== undefined && better) walk.margin = margin;
      // An element that helped is done with; one that did not is tried the other way.
      if (walk !== undefined && round > 0) walk.tried += better && walk.tried % 2 === 0 ? 2 : 1;
      return !isSuccess(criterion, predictions[i] ?? -1, label, row);
    });
    options.onRound?.(round + 1, queriesMax);
  }
  return x;
}
