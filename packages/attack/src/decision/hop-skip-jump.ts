/**
 * HopSkipJump (Chen, Jordan and Wainwright 2020, algorithm 2): walks along the decision boundary
 * towards the clean row, seeing classes only. Rows start from data of another class, which noise
 * rarely hits; every loop is bounded and every query counts against a budget.
 */
import type { Random } from '@merlon/core';
import { type Batch, rowOf, sizeOf } from '../batch.ts';
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

/** How the walk goes. */
export interface HopSkipJumpOptions {
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

const poolMax = 256;
const noiseTries = 64;
const firstEvaluations = 50;
const halvingsMax = 12;

/** One candidate for each row: the nearest point of another class that was met, or the row. */
export async function hopSkipJump(
  model: Classifier,
  batch: Batch,
  options: HopSkipJumpOptions,
): Promise<Float32Array> {
  const { criterion = untargeted, bounds, queriesMax = 1000 } = options;
  const size = sizeOf(batch);
  const x = batch.x.slice();
  const starts = await startPool(model, size, options);
  for (let row = 0; row < batch.labels.length; row++) {
    stopWhenAborted(options.signal);
    const label = batch.labels[row] ?? 0;
    const clean = rowOf(batch.x, row, size);
    const succeeds = (prediction: number) => isSuccess(criterion, prediction, label, row);
    const edge = boundary(model, clean, {
      bounds,
      queriesMax,
      succeeds,
      norm: options.budget.norm,
    });
    const random = options.random.fork(`row ${row}`);
    const start = await startOf(edge, clean, starts, succeeds, { bounds, random });
    if (start !== undefined) {
      x.set(await walk(edge, clean, start, { ...options, random }), row * size);
    }
    options.onRow?.(row + 1, batch.labels.length);
  }
  return x;
}

interface Starts {
  readonly rows: readonly Float32Array[];
  readonly predictions: Int32Array;
}

async function startPool(
  model: Classifier,
  size: number,
  options: HopSkipJumpOptions,
): Promise<Starts> {
  const order = options.random.fork('pool').permutation(options.pool.rows).subarray(0, poolMax);
  const rows = [...order].map((row) => rowOf(options.pool.x, row, size));
  const x = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    x.set(row, i * size);
  });
  return { rows, predictions: await model.predict(x) };
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

async function walk(
  edge: Boundary,
  clean: Float32Array,
  start: Float32Array,
  options: HopSkipJumpOptions,
): Promise<Float32Array> {
  const { budget, bounds, random } = options;
  const away = (x: Float32Array) => distance(budget.norm, x, clean);
  let at = start;
  let best = start;
  for (let t = 1; edge.left > 0 && away(best) > budget.epsilon; t++) {
    const now = away(at);
    if (now === 0) break;
    const reach = t === 1 ? 0.1 * (bounds.max - bounds.min) : 0.01 * now;
    const count = Math.min(Math.round(firstEvaluations * Math.sqrt(t)), edge.left);
    const direction = await slope(edge, at, { count, reach, bounds, random, norm: budget.norm });
    const hop = await leap(edge, at, direction, now / Math.sqrt(t), bounds);
    if (hop === undefined) continue;
    at = await edge.approach(hop);
    if (away(at) < away(best)) best = at;
  }
  return best;
}

/** Estimates the direction in which the decision turns fastest, from ±1 answers around a point. */
async function slope(
  edge: Boundary,
  at: Float32Array,
  options: {
    readonly count: number;
    readonly reach: number;
    readonly bounds: Bounds;
    readonly random: Random;
    readonly norm: 'linf' | 'l2';
  },
): Promise<Float32Array> {
  const { count, reach, bounds, random, norm } = options;
  const tried = Array.from({ length: count }, () => {
    const drawn = at.map(() => (norm === 'l2' ? random.normal() : 2 * random.uniform() - 1));
    const length = lengthOf(drawn) || 1;
    return at.map((value, i) => clip(value + (reach * (drawn[i] ?? 0)) / length, bounds));
  });
  const answers = await edge.ask(tried);
  const mean = answers.reduce((sum, answer) => sum + (answer ? 1 : -1), 0) / Math.max(1, count);
  const found = new Float32Array(at.length);
  tried.forEach((point, k) => {
    const sign = answers[k] ? 1 : -1;
    // With equal answers everywhere the mean would cancel all of them.
    const weight = Math.abs(mean) === 1 ? sign : sign - mean;
    for (let i = 0; i < found.length; i++) {
      found[i] = (found[i] ?? 0) + weight * ((point[i] ?? 0) - (at[i] ?? 0));
    }
  });
  if (norm === 'linf') return found.map(Math.sign);
  const length = lengthOf(found) || 1;
  return found.map((value) => value / length);
}

/** The longest of ever shorter jumps that is still of another class. */
async function leap(
  edge: Boundary,
  at: Float32Array,
  direction: Float32Array,
  length: number,
  bounds: Bounds,
): Promise<Float32Array | undefined> {
  for (let k = 0; k < halvingsMax && edge.left > 0; k++) {
    const step = length / 2 ** k;
    const point = at.map((value, i) => clip(value + step * (direction[i] ?? 0), bounds));
    const [answer] = await edge.ask([point]);
    if (answer) return point;
  }
  return undefined;
}

function clip(value: number, { min, max }: Bounds): number {
  return Math.min(Math.max(value, min), max);
}

function lengthOf(x: Float32Array): number {
  return Math.sqrt(x.reduce((sum, value) => sum + value * value, 0));
}
