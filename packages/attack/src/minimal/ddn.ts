/**
 * DDN, decoupled direction and norm (Rony et al. 2019, algorithm 1): the direction follows the
 * gradient of the cross-entropy, the length shrinks while the point is adversarial and grows while
 * it is not. Small L2 changes in a hundred gradients.
 */
import { type Batch, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { nearestOf } from './nearest.ts';

/** How the search goes. */
export interface DdnOptions {
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Gradients of a row (default 100). */
  readonly steps?: number;
  /** First length of the change (default 1). */
  readonly firstLength?: number;
  /** By what share the length grows or shrinks at each step (default 0.05). */
  readonly pace?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** The nearest adversarial point in L2 that was met of each row; the clean row where none was. */
export async function ddn(
  model: DifferentiableClassifier,
  batch: Batch,
  options: DdnOptions,
): Promise<Float32Array> {
  const { bounds, criterion = untargeted, steps = 100, firstLength = 1, pace = 0.05 } = options;
  const size = sizeOf(batch);
  const rows = batch.labels.length;
  const found = nearestOf(batch, 'l2');
  const now = batch.x.slice();
  const radii = new Float64Array(rows).fill(firstLength);
  const furthest = furthestOf(batch, bounds);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const goals = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  const moved = new Float64Array(size);
  for (let step = 0; step < steps && rows > 0; step++) {
    stopWhenAborted(options.signal);
    const { gradient, predictions } = await model.lossGradient(now, goals);
    const length = 0.01 + (0.99 * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    for (let row = 0; row < rows; row++) {
      const start = row * size;
      const wrong = isSuccess(criterion, predictions[row] ?? -1, batch.labels[row] ?? 0, row);
      if (wrong) found.offer(row, now, start);
      const grown = (radii[row] ?? 0) * (wrong ? 1 - pace : 1 + pace);
      radii[row] = Math.min(grown, furthest[row] ?? 0);
      let squares = 0;
      for (let i = 0; i < size; i++) squares += (gradient[start + i] ?? 0) ** 2;
      const by = (toward * length) / Math.max(Math.sqrt(squares), 1e-12);
      let own = 0;
      for (let i = 0; i < size; i++) {
        const change = (now[start + i] ?? 0) - (batch.x[start + i] ?? 0);
        const next = change + by * (gradient[start + i] ?? 0);
        moved[i] = next;
        own += next * next;
      }
      const scale = (radii[row] ?? 0) / Math.max(Math.sqrt(own), 1e-12);
      for (let i = 0; i < size; i++) {
        const next = (batch.x[start + i] ?? 0) + scale * (moved[i] ?? 0);
        now[start + i] = Math.min(Math.max(next, bounds.min), bounds.max);
      }
    }
    options.onStep?.(step + 1, steps);
  }
  return found.x;
}

/** The longest change that the bounds allow of each row. */
function furthestOf(batch: Batch, { min, max }: Bounds): Float64Array {
  const size = sizeOf(batch);
  return Float64Array.from(batch.labels, (_, row) => {
    let squares = 0;
    for (let i = row * size; i < (row + 1) * size; i++) {
      const center = batch.x[i] ?? 0;
      squares += Math.max(center - min, max - center) ** 2;
    }
    return Math.sqrt(squares);
  });
}
