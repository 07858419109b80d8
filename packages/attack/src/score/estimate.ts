/**
 * Projected ascent on gradients estimated from scores alone: NES (Ilyas et al. 2018, section 2.1)
 * draws normal directions, SPSA (Uesato et al. 2018, section 3) signs; each is asked both ways.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, idOf, positions, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import { ball } from '../gradient/ball.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { marginOf } from './layout.ts';

/** How the search goes. */
export interface EstimateOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** `normal` is NES, `signs` is SPSA. */
  readonly directions: 'normal' | 'signs';
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most queries for a row (default 2,000). */
  readonly queriesMax?: number;
  /** Directions an estimate, each asked twice (default 25). */
  readonly pairs?: number;
  /** How far to ask, as a share of the bounds' range (default 0.001 for NES, 0.01 for SPSA). */
  readonly reach?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** Elements shown to the model at once while directions are asked. */
const elementsMax = 2 ** 21;

/** One candidate for each row, inside budget and bounds; broken rows leave the search. */
export async function estimate(
  model: Classifier,
  batch: Batch,
  options: EstimateOptions,
): Promise<Float32Array> {
  const { budget, bounds, criterion = untargeted, queriesMax = 2000 } = options;
  const size = sizeOf(batch);
  const pairs = Math.max(1, Math.min(options.pairs ?? 25, Math.floor((queriesMax - 1) / 2)));
  const steps = Math.max(1, Math.floor(queriesMax / (2 * pairs + 1)));
  const x = batch.x.slice();
  const randoms = positions(batch.labels.length).map((row) =>
    options.random.fork(`row ${idOf(batch, row)}`),
  );
  let rows = positions(batch.labels.length);
  for (let step = 0; step < steps && rows.length > 0; step++) {
    stopWhenAborted(options.signal);
    const clean = gather(batch.x, rows, size);
    const now = gather(x, rows, size);
    const slope = new Float32Array(now.length);
    const group = Math.max(1, Math.floor(elementsMax / (2 * pairs * size)));
    for (let from = 0; from < rows.length; from += group) {
      const some = rows.slice(from, from + group);
      const own = { ...options, criterion, pairs, randoms };
      const part = now.subarray(from * size, (from + some.length) * size);
      slope.set(await slopesOf(model, batch, some, part, own), from * size);
    }
    ball(clean, size, budget, bounds).step(now, slope, (2.5 * budget.epsilon) / steps);
    const answers = await model.predict(now);
    rows.forEach((row, i) => {
      x.set(rowOf(now, i, size), row * size);
    });
    rows = rows.filter(
      (row, i) => !isSuccess(criterion, answers[i] ?? -1, batch.labels[row] ?? 0, row),
    );
    options.onStep?.(step + 1, steps);
  }
  return x;
}

/** Directions in which the margin falls, one for each row. */
async function slopesOf(
  model: Classifier,
  batch: Batch,
  rows: readonly number[],
  now: Float32Array,
  options: EstimateOptions & {
    readonly criterion: Criterion;
    readonly pairs: number;
    readonly randoms: readonly Random[];
  },
): Promise<Float32Array> {
  const { bounds, directions, pairs, criterion } = options;
  const size = now.length / rows.length;
  const share = options.reach ?? (directions === 'normal' ? 0.001 : 0.01);
  const reach = share * (bounds.max - bounds.min);
  const drawn = new Float32Array(now.length * pairs);
  const asked = new Float32Array(2 * drawn.length);
  rows.forEach((row, i) => {
    const random = options.randoms[row] ?? options.random;
    for (let k = 0; k < pairs; k++) {
      const at = (i * pairs + k) * size;
      for (let j = 0; j < size; j++) {
        const sign = random.uniform() < 0.5 ? -1 : 1;
        const value = directions === 'normal' ? random.normal() : sign;
        drawn[at + j] = value;
        // The model is asked outside the bounds too, by a hair: clipping would bias the estimate.
        asked[2 * at + j] = (now[i * size + j] ?? 0) + reach * value;
        asked[2 * at + size + j] = (now[i * size + j] ?? 0) - reach * value;
      }
    }
  });
  const { values, classes } = await model.scores(asked);
  const slopes = new Float32Array(now.length);
  rows.forEach((row, i) => {
    const label = batch.labels[row] ?? 0;
    for (let k = 0; k < pairs; k++) {
      const at = i * pairs + k;
      const margin = (of: number) => marginOf(rowOf(values, of, classes), criterion, label, row);
      const fall = margin(2 * at + 1) - margin(2 * at);
      for (let j = 0; j < size; j++) {
        slopes[i * size + j] = (slopes[i * size + j] ?? 0) + fall * (drawn[at * size + j] ?? 0);
      }
    }
  });
  return slopes;
}
