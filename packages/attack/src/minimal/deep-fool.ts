/**
 * DeepFool (Moosavi-Dezfooli, Fawzi and Frossard 2016, algorithm 2): steps onto the nearest
 * linearised boundary among the likeliest classes until the decision turns, in L2 or L∞. All rows
 * go together; rows that are over leave the batch.
 */
import { type Batch, gather, positions, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import { nthLikeliest } from '../gradient/apgd.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { dualLength } from './fab.ts';
import { nearestOf } from './nearest.ts';

/** How the search goes. */
export interface DeepFoolOptions {
  readonly norm: 'l2' | 'linf';
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Steps at most (default 50). */
  readonly steps?: number;
  /** How far beyond the boundary, as a share of the whole change (default 0.02). */
  readonly overshoot?: number;
  /** Likeliest other classes whose boundaries are tried (default 9). */
  readonly candidates?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** The first adversarial point that was met of each row; the clean row where none was. */
export async function deepFool(
  model: DifferentiableClassifier,
  batch: Batch,
  options: DeepFoolOptions,
): Promise<Float32Array> {
  const { norm, bounds, criterion = untargeted, steps = 50 } = options;
  const { overshoot = 0.02, candidates = 9 } = options;
  const size = sizeOf(batch);
  const found = nearestOf(batch, norm);
  if (batch.labels.length === 0) return found.x;
  const { values, classes } = await model.scores(batch.x);
  const targets =
    criterion.kind === 'targeted'
      ? [criterion.targets]
      : positions(Math.min(candidates, classes - 1)).map((k) =>
          nthLikeliest(values, classes, k + 1),
        );
  const change = new Float64Array(batch.x.length);
  let rows = positions(batch.labels.length);
  let now: Float32Array = batch.x.slice();
  for (let step = 0; step <= steps && rows.length > 0; step++) {
    stopWhenAborted(options.signal);
    const labels = Int32Array.from(rows, (row) => batch.labels[row] ?? 0);
    const nearest = await nearestBoundary(model, now, labels, { rows, targets, norm });
    const kept = positions(rows.length).filter((i) => {
      const row = rows[i] ?? 0;
      const answer = nearest.predictions[i] ?? -1;
      if (!isSuccess(criterion, answer, batch.labels[row] ?? 0, row)) return true;
      found.offer(row, now, i * size);
      return false;
    });
    for (const i of kept) {
      const row = rows[i] ?? 0;
      const slope = rowOf(nearest.slopes, i, size);
      const by = (nearest.gaps[i] ?? 0) + 1e-4;
      const steep = dualLength(norm, slope, 0, size) ** (norm === 'l2' ? 2 : 1) + 1e-12;
      for (let k = 0; k < size; k++) {
        const at = row * size + k;
        const direction = norm === 'l2' ? (slope[k] ?? 0) : Math.sign(slope[k] ?? 0);
        change[at] = (change[at] ?? 0) + (by / steep) * direction;
        const next = (batch.x[at] ?? 0) + (1 + overshoot) * (change[at] ?? 0);
        now[i * size + k] = Math.min(Math.max(next, bounds.min), bounds.max);
      }
    }
    if (kept.length < rows.length) {
      now = gather(now, kept, size);
      rows = kept.map((i) => rows[i] ?? 0);
    }
    options.onStep?.(Math.min(step + 1, steps), steps);
  }
  return found.x;
}

/** The boundary that is fewest steps away, and how far the scores are from it. */
async function nearestBoundary(
  model: DifferentiableClassifier,
  now: Float32Array,
  labels: Int32Array,
  of: {
    readonly rows: readonly number[];
    readonly targets: readonly Int32Array[];
    readonly norm: 'l2' | 'linf';
  },
) {
  const size = now.length / Math.max(1, labels.length);
  const slopes = new Float32Array(now.length);
  const gaps = new Float64Array(labels.length);
  const least = new Float64Array(labels.length).fill(Number.POSITIVE_INFINITY);
  const predictions = new Int32Array(labels.length);
  for (const all of of.targets) {
    const targets = Int32Array.from(of.rows, (row) => all[row] ?? 0);
    const found = await model.lossGradient(now, labels, { loss: 'difference', targets });
    predictions.set(found.predictions);
    for (let i = 0; i < labels.length; i++) {
      const gap = Math.abs(found.loss[i] ?? 0);
      const away = gap / (dualLength(of.norm, found.gradient, i * size, size) + 1e-12);
      if (!(away < (least[i] ?? 0))) continue;
      least[i] = away;
      gaps[i] = gap;
      slopes.set(rowOf(found.gradient, i, size), i * size);
    }
  }
  return { slopes, gaps, predictions };
}
