/**
 * The Square attack (Andriushchenko et al. 2020, algorithms 1 to 3): random squares at the edge of
 * the ball, kept when the margin falls. It needs scores but no gradients, so that it also finds
 * what masked gradients hide. Each row draws its own squares, whatever other rows are searched.
 */
import type { Random } from '@merlon/core';
import { type Batch, idOf, positions, rowOf, sizeOf } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { type ImageLayout, layoutOf, marginOf } from './layout.ts';
import { linfPainter, type Painter } from './square-linf.ts';
import { lpPainter } from './square-lp.ts';

/** How the search goes. */
export interface SquareOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most queries for a row (default 5,000). */
  readonly queriesMax?: number;
  /** Share of the image that the first squares cover (default 0.8). */
  readonly firstShare?: number;
  /** Shrink the squares on the published schedule stretched to `queriesMax` (default off). */
  readonly stretched?: boolean;
  readonly signal?: AbortSignal;
  /** Told after every round: rounds done and rounds in all. */
  readonly onRound?: (done: number, total: number) => void;
}

/** One candidate for each row, inside budget and bounds; broken rows leave the search. */
export async function square(
  model: Classifier,
  batch: Batch,
  options: SquareOptions,
): Promise<Float32Array> {
  const { criterion = untargeted, queriesMax = 5000, firstShare = 0.8 } = options;
  const size = sizeOf(batch);
  const layout = layoutOf(model.inputShape);
  const out = batch.x.slice();
  const search = {
    rows: positions(batch.labels.length),
    clean: batch.x.slice(),
    best: batch.x.slice(),
    tried: batch.x.slice(),
    margins: new Float64Array(batch.labels.length).fill(Number.POSITIVE_INFINITY),
    randoms: positions(batch.labels.length).map((row) =>
      options.random.fork(`row ${idOf(batch, row)}`),
    ),
  };
  const painter = painterOf(options, layout);
  for (let round = 0; round < queriesMax && search.rows.length > 0; round++) {
    stopWhenAborted(options.signal);
    const scheduled = options.stretched ? Math.floor((round / queriesMax) * 10_000) : round;
    // The schedule counts from the first square; the stripes come before it.
    const share = firstShare * shrink(Math.max(scheduled - 1, 0));
    search.rows.forEach((row, i) => {
      const random = search.randoms[row] ?? options.random;
      const tried = rowOf(search.tried, i, size);
      const clean = rowOf(search.clean, i, size);
      if (round === 0) painter.begin(tried, clean, random);
      else painter.paint(tried, clean, random, share);
    });
    const shown = search.tried.subarray(0, search.rows.length * size);
    const { values, classes, predictions } = await model.scores(shown);
    let kept = 0;
    for (const [i, row] of [...search.rows.entries()]) {
      const label = batch.labels[row] ?? 0;
      const tried = rowOf(search.tried, i, size);
      const broken = isSuccess(criterion, predictions[i] ?? -1, label, row);
      const margin = marginOf(rowOf(values, i, classes), criterion, label, row);
      if (broken || margin < (search.margins[row] ?? 0)) {
        search.margins[row] = margin;
        search.best.set(tried, i * size);
        out.set(tried, row * size);
      } else {
        tried.set(rowOf(search.best, i, size));
      }
      if (!broken) pack(search, i, kept++, size);
    }
    search.rows.length = kept;
    options.onRound?.(round + 1, queriesMax);
  }
  return out;
}

function painterOf({ budget, bounds }: SquareOptions, layout: ImageLayout): Painter {
  if (budget.norm === 'linf') return linfPainter(budget.epsilon, bounds, layout);
  const { norm, epsilon } = budget;
  if (norm === 'l1' || norm === 'l2') return lpPainter({ norm, epsilon }, bounds, layout);
  const message = `"norm" expected "linf", "l2" or "l1", got "${norm}"`;
  throw new AttackError('invalid-option', message);
}

function pack(
  search: {
    readonly rows: number[];
    readonly clean: Float32Array;
    readonly best: Float32Array;
    readonly tried: Float32Array;
  },
  from: number,
  to: number,
  size: number,
): void {
  if (from === to) return;
  search.rows[to] = search.rows[from] ?? 0;
  for (const part of [search.clean, search.best, search.tried]) {
    part.copyWithin(to * size, from * size, (from + 1) * size);
  }
}

/** The published schedule by which squares shrink over 10,000 rounds. */
function shrink(round: number): number {
  const edges = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
  return 2 ** -edges.filter((edge) => round > edge).length;
}
