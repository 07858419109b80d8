/**
 * Projected gradient descent on the loss (Madry et al. 2018, section 2.1): many small steps, each
 * followed by a projection. Rows that are broken leave the batch, so that later steps and
 * restarts cost only what is still standing.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, idOf, positions, rowOf, sizeOf } from '../batch.ts';
import { AttackError } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { ball } from './ball.ts';

/** How the search goes. */
export interface PgdOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Gradient steps of one run (default 40). */
  readonly steps?: number;
  /** Length of a step (default 2.5·epsilon/steps, the rule of Madry et al.). */
  readonly stepSize?: number;
  /**
   * Share of the steps so far that each step keeps (default 0); gradients are added up with an L1
   * length of one each (Dong et al. 2018, equation 6).
   */
  readonly momentum?: number;
  /** Runs that start at random points; 0, the default, is one run from the clean rows. */
  readonly restarts?: number;
  /** Needed with restarts. */
  readonly random?: Random;
  /**
   * Stop a row at its first wrong answer (default). Off, every row takes all its steps and the
   * last point counts, as the textbook has it: slower, never stronger.
   */
  readonly untilBroken?: boolean;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** What a run of PGD found. */
export interface PgdResult {
  /** One candidate for each row, inside budget and bounds. */
  readonly x: Float32Array;
  /** Rows whose gradient was zero everywhere when they were last seen: a sign of masking. */
  readonly zeroGradient: readonly number[];
}

/** One candidate for each row; at most steps × max(1, restarts) gradients a row. */
export async function pgd(
  model: DifferentiableClassifier,
  batch: Batch,
  options: PgdOptions,
): Promise<PgdResult> {
  const { restarts = 0, random, steps = 40, criterion = untargeted } = options;
  if (!(Number.isInteger(steps) && steps > 0)) {
    throw new AttackError('invalid-option', `"steps" expected a positive integer, got ${steps}`);
  }
  if (restarts > 0 && random === undefined) {
    throw new AttackError('invalid-option', '"random" expected with restarts, got none');
  }
  const size = sizeOf(batch);
  const x = batch.x.slice();
  const zero = new Set<number>();
  const runs = Math.max(1, restarts);
  let standing = positions(batch.labels.length);
  for (let run = 0; run < runs && standing.length > 0; run++) {
    const own = random?.fork(`restart ${run}`);
    const start = restarts > 0 && own !== undefined ? own : undefined;
    const onStep = (done: number) => options.onStep?.(run * steps + done, runs * steps);
    const found = await descend(model, batch, standing, { ...options, steps, start, onStep });
    standing.forEach((row, i) => {
      x.set(rowOf(found.x, i, size), row * size);
      if (found.zero.has(i)) zero.add(row);
      else zero.delete(row);
    });
    if (run + 1 < runs) standing = await stillStanding(model, batch, x, standing, criterion);
  }
  return { x, zeroGradient: [...zero] };
}

interface Descent extends PgdOptions {
  readonly steps: number;
  readonly start: Random | undefined;
  readonly onStep: (done: number) => void;
}

async function descend(
  model: DifferentiableClassifier,
  batch: Batch,
  rows: readonly number[],
  options: Descent,
): Promise<{ x: Float32Array; zero: Set<number> }> {
  const { budget, bounds, steps, criterion = untargeted, untilBroken = true } = options;
  const size = sizeOf(batch);
  const toward = criterion.kind === 'targeted';
  const length = (options.stepSize ?? (2.5 * budget.epsilon) / steps) * (toward ? -1 : 1);
  const clean = gather(batch.x, rows, size);
  let region = ball(clean, size, budget, bounds);
  let now: Float32Array = clean.slice();
  if (options.start !== undefined) {
    for (const [i, row] of rows.entries()) {
      // Each row draws its own start, whatever other rows are in the batch.
      const random = options.start.fork(`row ${idOf(batch, row)}`);
      const own = ball(rowOf(clean, i, size), size, budget, bounds);
      now.set(own.randomStart(random), i * size);
    }
  }
  const x = now.slice();
  const zero = new Set<number>();
  let active = positions(rows.length);
  let original = rows;
  let labels = goals(batch, criterion, original);
  let pace: Float32Array | undefined;
  const save = () => {
    for (const [i, at] of active.entries()) x.set(rowOf(now, i, size), at * size);
  };
  for (let step = 0; step < steps && active.length > 0; step++) {
    const found = await model.lossGradient(now, labels);
    let slope = found.gradient;
    const stands = (i: number): boolean => {
      const row = original[i] ?? 0;
      return !isSuccess(criterion, found.predictions[i] ?? -1, batch.labels[row] ?? 0, row);
    };
    const keep = untilBroken ? positions(active.length).filter(stands) : active;
    if (keep.length < active.length) {
      save();
      now = gather(now, keep, size);
      slope = gather(slope, keep, size);
      if (pace !== undefined) pace = gather(pace, keep, size);
      active = keep.map((i) => active[i] ?? 0);
      original = active.map((at) => rows[at] ?? 0);
      labels = goals(batch, criterion, original);
      region = ball(gather(clean, active, size), size, budget, bounds);
    }
    if (options.momentum) pace = gathered(pace, slope, size, options.momentum);
    region.step(now, pace ?? slope, length);
    for (const [i, at] of active.entries()) {
      if (isZero(slope, i * size, size)) zero.add(at);
      else zero.delete(at);
    }
    options.onStep(step + 1);
  }
  save();
  return { x, zero };
}

function goals(batch: Batch, criterion: Criterion, rows: readonly number[]): Int32Array {
  const from = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  const own = new Int32Array(rows.length);
  for (let i = 0; i < own.length; i++) own[i] = from[rows[i] ?? 0] ?? 0;
  return own;
}

async function stillStanding(
  model: DifferentiableClassifier,
  batch: Batch,
  x: Float32Array,
  rows: readonly number[],
  criterion: Criterion,
): Promise<number[]> {
  const answers = await model.predict(gather(x, rows, sizeOf(batch)));
  return rows.filter(
    (row, i) => !isSuccess(criterion, answers[i] ?? -1, batch.labels[row] ?? 0, row),
  );
}

/** The steps so far, weakened, plus the present gradient with an L1 length of one. */
function gathered(
  pace: Float32Array | undefined,
  slope: Float32Array,
  size: number,
  kept: number,
): Float32Array {
  const next = pace ?? new Float32Array(slope.length);
  for (let start = 0; start < slope.length; start += size) {
    let sum = 0;
    for (let i = start; i < start + size; i++) sum += Math.abs(slope[i] ?? 0);
    for (let i = start; i < start + size; i++) {
      next[i] = kept * (next[i] ?? 0) + (sum > 0 ? (slope[i] ?? 0) / sum : 0);
    }
  }
  return next;
}

function isZero(slope: Float32Array, start: number, size: number): boolean {
  for (let i = start; i < start + size; i++) if (slope[i] !== 0) return false;
  return true;
}
