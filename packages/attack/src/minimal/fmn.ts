/**
 * FMN, fast minimum norm (Pintor et al. 2021, algorithm 1): steps of equal length on the difference
 * of logits, and a radius that follows the distance to the boundary, in L∞, L2, L1 or L0.
 */
import { type Batch, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import { ball } from '../gradient/ball.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, type Norm, untargeted } from '../threat.ts';
import { dualLength } from './fab.ts';
import { lengthBetween, nearestOf } from './nearest.ts';

/** How the search goes. */
export interface FmnOptions {
  readonly norm: Norm;
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Gradients of a row (default 100). */
  readonly steps?: number;
  /** Length of the first step (default 1); it falls to a hundredth. */
  readonly firstStep?: number;
  /** By what share the radius grows or shrinks at first (default 0.05). */
  readonly pace?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** The nearest adversarial point that was met of each row; the clean row where none was. */
export async function fmn(
  model: DifferentiableClassifier,
  batch: Batch,
  options: FmnOptions,
): Promise<Float32Array> {
  const { norm, bounds, criterion = untargeted, steps = 100 } = options;
  const { firstStep = 1, pace = 0.05 } = options;
  const size = sizeOf(batch);
  const rows = batch.labels.length;
  const found = nearestOf(batch, norm);
  const now = batch.x.slice();
  const radii = new Float64Array(rows).fill(norm === 'l0' ? 1 : Number.POSITIVE_INFINITY);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const goals = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  const annealed = (first: number, last: number, step: number): number =>
    last + ((first - last) * (1 + Math.cos((Math.PI * step) / steps))) / 2;
  for (let step = 0; step < steps && rows > 0; step++) {
    stopWhenAborted(options.signal);
    const { gradient, loss, predictions } = await model.lossGradient(now, goals, {
      loss: 'margin',
    });
    const length = annealed(firstStep, firstStep / 100, step) * toward;
    const rate = annealed(pace, 0.001, step);
    for (let row = 0; row < rows; row++) {
      const start = row * size;
      const wrong = isSuccess(criterion, predictions[row] ?? -1, batch.labels[row] ?? 0, row);
      const away = lengthBetween(norm, now, start, batch.x, start, size);
      if (wrong) found.offer(row, now, start);
      const least = found.distances[row] ?? 0;
      const own = radii[row] ?? 0;
      let next: number;
      if (wrong) next = shrunk(norm, Math.min(own, least), rate);
      else if (Number.isFinite(least)) next = grown(norm, own, rate);
      else if (norm === 'l0') next = grown(norm, own, rate);
      else {
        const steep = dualLength(norm, gradient, start, size) + 1e-12;
        // A little more than the estimate, or a row would come to rest on the boundary itself.
        next = (1 + rate) * away + ((1 + pace) * Math.abs(loss[row] ?? 0)) / steep;
      }
      radii[row] = next;
      stepRow(now, gradient, start, size, length);
      const clean = batch.x.subarray(start, start + size);
      const radius = Number.isFinite(next) ? next : Number.MAX_VALUE;
      ball(clean, size, { norm, epsilon: radius }, bounds).project(
        now.subarray(start, start + size),
      );
    }
    options.onStep?.(step + 1, steps);
  }
  return found.x;
}

/** L0 radii are whole numbers and change by one at least. */
function shrunk(norm: Norm, radius: number, rate: number): number {
  const next = radius * (1 - rate);
  return norm === 'l0' ? Math.max(Math.min(radius - 1, Math.floor(next)), 0) : next;
}

function grown(norm: Norm, radius: number, rate: number): number {
  const next = radius * (1 + rate);
  return norm === 'l0' ? Math.max(radius + 1, Math.floor(next)) : next;
}

/** One step along the gradient, of the same Euclidean length in every norm. */
function stepRow(
  now: Float32Array,
  gradient: Float32Array,
  start: number,
  size: number,
  length: number,
): void {
  let squares = 0;
  for (let i = start; i < start + size; i++) squares += (gradient[i] ?? 0) ** 2;
  const by = length / Math.max(Math.sqrt(squares), 1e-12);
  for (let i = start; i < start + size; i++) now[i] = (now[i] ?? 0) + by * (gradient[i] ?? 0);
}
