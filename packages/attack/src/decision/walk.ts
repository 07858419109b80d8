/**
 * What attacks by decisions share: a walk for each row that starts from data of another class,
 * which noise rarely hits (forests, one-hot columns), and ends when its queries are spent.
 */
import type { Random } from '@merlon/core';
import { type Batch, idOf, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';
import {
  type Bounds,
  type Criterion,
  distance,
  isSuccess,
  type L2,
  type Linf,
  untargeted,
} from '../threat.ts';
import { type Boundary, boundary } from './boundary.ts';

/** How a walk goes. */
export interface WalkOptions {
  /** The walk of a row ends once it is within epsilon. */
  readonly budget: Linf | L2;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Rows of the data to start from. */
  readonly pool: { readonly x: Float32Array; readonly rows: number };
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most queries for a row (default 1,000). */
  readonly queriesMax?: number;
  readonly signal?: AbortSignal;
  /** Told after every row: rows done and rows in all. */
  readonly onRow?: (done: number, total: number) => void;
}

/** One row's walk. */
export interface Walk {
  readonly edge: Boundary;
  readonly clean: Float32Array;
  /** A point on the other side, near the boundary. */
  readonly start: Float32Array;
  readonly random: Random;
  readonly bounds: Bounds;
  readonly norm: 'linf' | 'l2';
  /** True while there are queries left and the point is not near enough. */
  goesOn(best: Float32Array): boolean;
  /** Distance from the clean row. */
  away(x: Float32Array): number;
}

const poolMax = 256;
const poolPartsMax = 16;
const noiseTries = 64;

/** What starts are looked for with. */
export type StartOptions = Pick<WalkOptions, 'bounds' | 'random' | 'pool' | 'criterion'>;

/** Most queries that the start of one row takes. */
export const startQueriesMax = 84;

/**
 * A point of another class for each row, as near as bisection brings it; undefined where neither
 * data nor noise are of another class.
 */
export async function startRows(
  model: Classifier,
  batch: Batch,
  options: StartOptions,
): Promise<(Float32Array | undefined)[]> {
  const { criterion = untargeted, bounds, random } = options;
  const size = sizeOf(batch);
  const starts = batch.labels.length === 0 ? none : await startPool(model, size, options);
  const found: (Float32Array | undefined)[] = [];
  for (let row = 0; row < batch.labels.length; row++) {
    const clean = rowOf(batch.x, row, size);
    const label = batch.labels[row] ?? 0;
    const succeeds = (prediction: number) => isSuccess(criterion, prediction, label, row);
    const limits = { bounds, queriesMax: startQueriesMax, succeeds, norm: 'l2' as const };
    const edge = boundary(model, clean, limits);
    const own = random.fork(`start ${idOf(batch, row)}`);
    found.push(await startOf(edge, clean, starts, succeeds, { bounds, random: own }));
  }
  return found;
}

/** One candidate for each row: what its walk found, or the row where no start was found. */
export async function walkRows(
  model: Classifier,
  batch: Batch,
  options: WalkOptions,
  walk: (walk: Walk) => Promise<Float32Array>,
): Promise<Float32Array> {
  const { criterion = untargeted, bounds, queriesMax = 1000, budget } = options;
  const size = sizeOf(batch);
  const x = batch.x.slice();
  const starts = batch.labels.length === 0 ? none : await startPool(model, size, options);
  for (let row = 0; row < batch.labels.length; row++) {
    stopWhenAborted(options.signal);
    const label = batch.labels[row] ?? 0;
    const clean = rowOf(batch.x, row, size);
    const succeeds = (prediction: number) => isSuccess(criterion, prediction, label, row);
    const edge = boundary(model, clean, { bounds, queriesMax, succeeds, norm: budget.norm });
    const random = options.random.fork(`row ${idOf(batch, row)}`);
    const start = await startOf(edge, clean, starts, succeeds, { bounds, random });
    if (start !== undefined) {
      const away = (point: Float32Array) => distance(budget.norm, point, clean);
      const goesOn = (best: Float32Array) => {
        stopWhenAborted(options.signal);
        return edge.left > 0 && away(best) > budget.epsilon && away(best) > 0;
      };
      const own = { edge, clean, start, random, bounds, norm: budget.norm, goesOn, away };
      const ended = await walk(own);
      const { nearest = ended } = edge;
      x.set(away(nearest) < away(ended) ? nearest : ended, row * size);
    }
    options.onRow?.(row + 1, batch.labels.length);
  }
  return x;
}

interface Starts {
  readonly rows: readonly Float32Array[];
  readonly predictions: readonly number[];
}

const none: Starts = { rows: [], predictions: [] };

/** Rows of the data with their answers; more of them while all are of one class. */
async function startPool(model: Classifier, size: number, options: StartOptions): Promise<Starts> {
  const order = options.random.fork('pool').permutation(options.pool.rows);
  const rows: Float32Array[] = [];
  const predictions: number[] = [];
  for (let part = 0; part < poolPartsMax; part++) {
    const own = [...order.subarray(part * poolMax, (part + 1) * poolMax)];
    if (own.length === 0 || new Set(predictions).size > 1) break;
    const x = new Float32Array(own.length * size);
    own.forEach((row, i) => {
      const from = rowOf(options.pool.x, row, size);
      x.set(from, i * size);
      rows.push(from);
    });
    predictions.push(...(await model.predict(x)));
  }
  return { rows, predictions };
}

async function startOf(
  edge: Boundary,
  clean: Float32Array,
  starts: Starts,
  succeeds: (prediction: number) => boolean,
  options: { readonly bounds: Bounds; readonly random: Random },
): Promise<Float32Array | undefined> {
  const [nearest] = starts.rows
    .filter((_, i) => succeeds(starts.predictions[i] ?? -1))
    .map((row) => ({ row, away: distance('l2', row, clean) }))
    .sort((a, b) => a.away - b.away);
  if (nearest !== undefined) return edge.approach(nearest.row);
  const { min, max } = options.bounds;
  const drawn = Array.from({ length: noiseTries }, () =>
    clean.map(() => min + (max - min) * options.random.uniform()),
  );
  const answers = await edge.ask(drawn);
  const hit = drawn[answers.indexOf(true)];
  return hit === undefined ? undefined : edge.approach(hit);
}

/** A number inside bounds. */
export function clip(value: number, { min, max }: Bounds): number {
  return Math.min(Math.max(value, min), max);
}

/** Euclidean length. */
export function lengthOf(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}

/** A normal direction of Euclidean length 1. */
export function randomDirection(size: number, random: Random): Float32Array {
  const drawn = Float32Array.from({ length: size }, () => random.normal());
  const length = lengthOf(drawn) || 1;
  return drawn.map((value) => value / length);
}
