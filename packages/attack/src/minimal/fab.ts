/**
 * FAB, the fast adaptive boundary attack (Croce and Hein 2020): steps onto the linearised decision
 * boundary, biased towards the clean row, in L∞, L2 or L1. It finds small changes rather than
 * changes of a given size. The targeted form takes one other class after the other.
 */
import type { Random } from '@merlon/core';
import { type Batch, idOf, positions, rowOf, sizeOf, subset } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import { nthLikeliest } from '../gradient/apgd.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import {
  type Bounds,
  type Budget,
  type Criterion,
  isSuccess,
  type Norm,
  untargeted,
} from '../threat.ts';
import { type HyperplaneProjector, hyperplaneProjector } from './hyperplane.ts';
import { lengthBetween, type Nearest, nearestOf } from './nearest.ts';

/** How the search goes. */
export interface FabOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Steps of one run (default 100). */
  readonly steps?: number;
  /** Runs (default 1); all but the first start at a random point. */
  readonly restarts?: number;
  /**
   * Aim at this many of the likeliest other classes, one after the other; 0 (default) takes the
   * nearest of up to nine at each step, which costs a gradient for each.
   */
  readonly targetClasses?: number;
  /** Rows leave the search once they are broken within epsilon (default); off, all are refined. */
  readonly untilWithin?: boolean;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

const biasMax = 0.1;
const overshoot = 1.05;
const backward = 0.9;
const classesTried = 9;

/** The nearest adversarial point that was met of each row; the clean row where none was. */
export async function fab(
  model: DifferentiableClassifier,
  batch: Batch,
  options: FabOptions,
): Promise<Float32Array> {
  const { budget, steps = 100, restarts = 1, targetClasses = 0, untilWithin = true } = options;
  const { criterion = untargeted } = options;
  const { norm, epsilon } = budget;
  if (norm === 'l0') {
    throw new AttackError('invalid-option', '"norm" expected "linf", "l2" or "l1", got "l0"');
  }
  const found = nearestOf(batch, norm);
  if (batch.labels.length === 0) return found.x;
  const size = sizeOf(batch);
  const { values, classes } = await model.scores(batch.x);
  const likely = (rank: number) => nthLikeliest(values, classes, rank);
  const count = Math.min(targetClasses > 0 ? targetClasses : classesTried, classes - 1);
  const others = positions(count).map((k) => likely(k + 1));
  const all = criterion.kind === 'targeted' ? [criterion.targets] : others;
  // One goal a run: the boundary to one class, or to the nearest of several.
  const goals = targetClasses > 0 ? all.map((one) => [one]) : [all];
  const total = goals.length * restarts * steps;
  let done = 0;
  const project = hyperplaneProjector(norm, size, options.bounds);
  for (let restart = 0; restart < restarts; restart++) {
    for (const [at, targets] of goals.entries()) {
      const standing = positions(batch.labels.length).filter(
        (row) => !(untilWithin && (found.distances[row] ?? 0) <= epsilon),
      );
      const random = options.random.fork(`restart ${restart} of ${at}`);
      const search = { ...options, norm, steps, criterion, untilWithin, targets, project, found };
      await oneRun(model, batch, standing, {
        ...search,
        random,
        randomStart: restart > 0,
        onStep: () => options.onStep?.(++done, total),
      });
      done = (restart * goals.length + at + 1) * steps;
    }
  }
  return found.x;
}

interface Search extends FabOptions {
  readonly norm: Exclude<Norm, 'l0'>;
  readonly steps: number;
  readonly criterion: Criterion;
  readonly untilWithin: boolean;
  readonly targets: readonly Int32Array[];
  readonly project: HyperplaneProjector;
  readonly found: Nearest;
  readonly randomStart: boolean;
}

async function oneRun(
  model: DifferentiableClassifier,
  whole: Batch,
  standing: readonly number[],
  search: Search,
): Promise<void> {
  const size = sizeOf(whole);
  const { criterion, found, budget } = search;
  let rows = standing;
  let batch = subset(whole, rows);
  let now = search.randomStart ? randomStarts(batch, rows, search) : batch.x.slice();
  for (let step = 0; step < search.steps && rows.length > 0; step++) {
    stopWhenAborted(search.signal);
    const slopes = await boundaryOf(model, now, batch.labels, rows, search);
    stepTo(now, batch.x, slopes, search);
    const answers = await model.predict(now);
    const kept: number[] = [];
    rows.forEach((row, i) => {
      if (!isSuccess(criterion, answers[i] ?? -1, whole.labels[row] ?? 0, row)) {
        kept.push(i);
        return;
      }
      const length = found.offer(row, now, i * size);
      if (search.untilWithin && length <= budget.epsilon) return;
      kept.push(i);
      for (let k = i * size; k < (i + 1) * size; k++) {
        const clean = batch.x[k] ?? 0;
        now[k] = clean + backward * ((now[k] ?? 0) - clean);
      }
    });
    if (kept.length < rows.length) {
      const next = new Float32Array(kept.length * size);
      kept.forEach((i, k) => {
        next.set(rowOf(now, i, size), k * size);
      });
      now = next;
      rows = kept.map((i) => rows[i] ?? 0);
      batch = subset(whole, rows);
    }
    search.onStep?.(step + 1, search.steps);
  }
}

interface Boundaries {
  /** Score of the other class less that of the right one, at the present point. */
  readonly gaps: Float64Array;
  readonly slopes: Float32Array;
}

/** The linearised boundary that is nearest to each point. */
async function boundaryOf(
  model: DifferentiableClassifier,
  now: Float32Array,
  labels: Int32Array,
  rows: readonly number[],
  { targets, norm }: Search,
): Promise<Boundaries> {
  const size = now.length / Math.max(1, rows.length);
  const gaps = new Float64Array(rows.length);
  let slopes = new Float32Array(0);
  const nearest = new Float64Array(rows.length).fill(Number.POSITIVE_INFINITY);
  for (const all of targets) {
    const own = Int32Array.from(rows, (row) => all[row] ?? 0);
    const found = await model.lossGradient(now, labels, { loss: 'difference', targets: own });
    if (targets.length === 1) {
      gaps.set(found.loss);
      return { gaps, slopes: found.gradient };
    }
    if (slopes.length === 0) slopes = new Float32Array(now.length);
    rows.forEach((_, i) => {
      const steep = dualLength(norm, found.gradient, i * size, size);
      const away = Math.abs(found.loss[i] ?? 0) / (1e-12 + steep);
      if (!(away < (nearest[i] ?? 0))) return;
      nearest[i] = away;
      gaps[i] = found.loss[i] ?? 0;
      slopes.set(rowOf(found.gradient, i, size), i * size);
    });
  }
  return { gaps, slopes };
}

/** One step of every row, in place (algorithm 1, lines 6 to 11). */
function stepTo(
  now: Float32Array,
  clean: Float32Array,
  { gaps, slopes }: Boundaries,
  { project, bounds }: Search,
): void {
  const size = now.length / Math.max(1, gaps.length);
  const fromNow = new Float64Array(size);
  const fromClean = new Float64Array(size);
  for (let row = 0; row < gaps.length; row++) {
    const start = row * size;
    const normal = { of: slopes, start };
    const gap = -(gaps[row] ?? 0);
    let between = 0;
    for (let i = start; i < start + size; i++) {
      between += (slopes[i] ?? 0) * ((now[i] ?? 0) - (clean[i] ?? 0));
    }
    const short = project.project({ of: now, start }, normal, gap, fromNow);
    const long = project.project({ of: clean, start }, normal, gap + between, fromClean);
    const a = Math.max(short, 1e-8);
    const bias = Math.min(a / (a + Math.max(long, 1e-8)), biasMax);
    for (let i = 0; i < size; i++) {
      const near = (now[start + i] ?? 0) + overshoot * (fromNow[i] ?? 0);
      const far = (clean[start + i] ?? 0) + overshoot * (fromClean[i] ?? 0);
      const next = near * (1 - bias) + far * bias;
      now[start + i] = Math.min(Math.max(next, bounds.min), bounds.max);
    }
  }
}

/** Length of a gradient in the norm that measures how fast the boundary comes. */
export function dualLength(norm: Norm, of: Float32Array, start: number, size: number): number {
  let sum = 0;
  for (let i = start; i < start + size; i++) {
    const value = Math.abs(of[i] ?? 0);
    if (norm === 'linf') sum += value;
    else if (norm === 'l2') sum += value * value;
    else sum = Math.max(sum, value);
  }
  return norm === 'l2' ? Math.sqrt(sum) : sum;
}

/** Points half as far away as the nearest adversarial one, or as epsilon if that is less. */
function randomStarts(batch: Batch, rows: readonly number[], search: Search): Float32Array {
  const size = sizeOf(batch);
  const { norm, bounds, budget, found } = search;
  const x = batch.x.slice();
  const zero = new Float32Array(size);
  rows.forEach((row, i) => {
    const random = search.random.fork(`row ${idOf(batch, i)}`);
    const drawn = zero.map(() => (norm === 'linf' ? 2 * random.uniform() - 1 : random.normal()));
    const radius = Math.min(found.distances[row] ?? 0, budget.epsilon) / 2;
    const scale = radius / (lengthBetween(norm, drawn, 0, zero, 0, size) || 1);
    for (let k = 0; k < size; k++) {
      const moved = (batch.x[i * size + k] ?? 0) + scale * (drawn[k] ?? 0);
      x[i * size + k] = Math.min(Math.max(moved, bounds.min), bounds.max);
    }
  });
  return x;
}
