/**
 * JSMA, the saliency map attack (Papernot et al. 2016, algorithm 3): two elements at a time, those
 * that raise the target class most while they lower all others, each moved to a bound. The target
 * of a row is its second class unless one is asked for.
 */
import { type Batch, gather, positions, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import { nthLikeliest } from '../gradient/apgd.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { greatest } from '../select.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { nearestOf } from './nearest.ts';

/** How the search goes. */
export interface SaliencyOptions {
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Share of the elements that may change at most (default 0.145, the paper's). */
  readonly shareMax?: number;
  /** How far an element moves, as a share of the bounds' range (default 1). */
  readonly theta?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** Elements that are looked at in pairs: the best by either measure. */
const lookedAt = 64;

/** The first adversarial point of each row; the clean row where none was met. */
export async function saliency(
  model: DifferentiableClassifier,
  batch: Batch,
  options: SaliencyOptions,
): Promise<Float32Array> {
  const { criterion = untargeted, shareMax = 0.145, theta = 1, bounds } = options;
  const size = sizeOf(batch);
  const found = nearestOf(batch, 'l0');
  if (batch.labels.length === 0) return found.x;
  const { values, classes } = await model.scores(batch.x);
  const targets =
    criterion.kind === 'targeted' ? criterion.targets : nthLikeliest(values, classes, 1);
  const steps = Math.max(1, Math.floor((shareMax * size) / 2));
  const by = theta * (bounds.max - bounds.min);
  let rows = positions(batch.labels.length);
  let now: Float32Array = batch.x.slice();
  for (let step = 0; step < steps && rows.length > 0; step++) {
    stopWhenAborted(options.signal);
    const own = Int32Array.from(rows, (row) => targets[row] ?? 0);
    const up = await model.lossGradient(
      now,
      own,
      linear(own, classes, (same) => (same ? 1 : 0)),
    );
    const down = await model.lossGradient(
      now,
      own,
      linear(own, classes, (same) => (same ? 0 : 1)),
    );
    rows.forEach((_, i) => {
      const at = rowOf(now, i, size);
      const pull = rowOf(up.gradient, i, size);
      moveBestPair(at, pull, rowOf(down.gradient, i, size), { by, bounds });
    });
    const answers = await model.predict(now);
    const kept = positions(rows.length).filter((i) => {
      const row = rows[i] ?? 0;
      const wrong = isSuccess(criterion, answers[i] ?? -1, batch.labels[row] ?? 0, row);
      if (wrong) found.offer(row, now, i * size);
      return !wrong;
    });
    if (kept.length < rows.length) {
      now = gather(now, kept, size);
      rows = kept.map((i) => rows[i] ?? 0);
    }
    options.onStep?.(step + 1, steps);
  }
  return found.x;
}

/** The sum of some scores as a loss: those of the target, or those of all others. */
function linear(targets: Int32Array, classes: number, weigh: (same: boolean) => number) {
  const cotangent = new Float32Array(targets.length * classes);
  for (let i = 0; i < cotangent.length; i++) {
    cotangent[i] = weigh(i % classes === targets[Math.floor(i / classes)]);
  }
  return { loss: 'linear', cotangent } as const;
}

/** Moves the two elements whose change raises the target and lowers the others most. */
function moveBestPair(
  row: Float32Array,
  up: Float32Array,
  down: Float32Array,
  { by, bounds }: { readonly by: number; readonly bounds: Bounds },
): void {
  let best = 0;
  let chosen: { readonly p: number; readonly q: number; readonly sign: number } | undefined;
  for (const sign of [1, -1]) {
    const free = positions(row.length).filter((i) =>
      sign > 0 ? (row[i] ?? 0) < bounds.max : (row[i] ?? 0) > bounds.min,
    );
    const some = promising(free, up, down, sign);
    for (const [k, p] of some.entries()) {
      for (const q of some.slice(k + 1)) {
        const raised = sign * ((up[p] ?? 0) + (up[q] ?? 0));
        const lowered = -sign * ((down[p] ?? 0) + (down[q] ?? 0));
        if (!(raised > 0 && lowered > 0 && raised * lowered > best)) continue;
        best = raised * lowered;
        chosen = { p, q, sign };
      }
    }
  }
  if (chosen === undefined) return;
  for (const i of [chosen.p, chosen.q]) {
    row[i] = Math.min(Math.max((row[i] ?? 0) + chosen.sign * by, bounds.min), bounds.max);
  }
}

/** The elements that raise the target most, and those that lower the others most. */
function promising(
  free: readonly number[],
  up: Float32Array,
  down: Float32Array,
  sign: number,
): number[] {
  if (free.length <= 2 * lookedAt) return [...free];
  const rising = Float64Array.from(free, (i) => sign * (up[i] ?? 0));
  const falling = Float64Array.from(free, (i) => -sign * (down[i] ?? 0));
  const least = greatest(rising, rising.length, lookedAt);
  const most = greatest(falling, falling.length, lookedAt);
  return free.filter((i) => sign * (up[i] ?? 0) >= least || -sign * (down[i] ?? 0) >= most);
}
