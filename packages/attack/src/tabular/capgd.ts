/**
 * Constrained adaptive projected gradient descent (Simonetto, Ghamizi and Cordy 2024, "CAPGD"):
 * gradient steps on features in shares of their ranges, repaired after every step, with the step
 * halved when the loss stops rising (Croce and Hein 2020). For tables under differentiable models.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, positions, rowOf, sizeOf } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Criterion, isSuccess, untargeted } from '../threat.ts';
import type { Constraints } from './constraints.ts';
import { spanOf } from './grid.ts';

/** How the descent goes. */
export interface CapgdOptions {
  readonly constraints: Constraints;
  readonly random: Random;
  readonly criterion?: Criterion;
  /** Euclidean radius, every feature in shares of its range (default 0.5). */
  readonly radius?: number;
  /** Steps of one run (default 20). */
  readonly steps?: number;
  /** Runs: from the row, then from random points of the ball (default 3). */
  readonly runs?: number;
  readonly signal?: AbortSignal;
  readonly onStep?: (done: number, total: number) => void;
}

const momentum = 0.75;
/** Shares of the steps after which the step length is looked at. */
const checkpoints = [0.22, 0.41, 0.57, 0.7, 0.8, 0.9];

/** One candidate for each row, valid under the constraints; the row itself where none was found. */
export async function capgd(
  model: DifferentiableClassifier,
  batch: Batch,
  options: CapgdOptions,
): Promise<Float32Array> {
  const { runs = 3, steps = 20, criterion = untargeted, constraints } = options;
  const size = sizeOf(batch);
  if (batch.labels.length > 0 && size !== constraints.features.length) {
    const message = `rows expected ${constraints.features.length} features, got ${size}`;
    throw new AttackError('invalid-data', message);
  }
  const x = batch.x.slice();
  let standing = positions(batch.labels.length);
  for (let run = 0; run < runs && standing.length > 0; run++) {
    const random = options.random.fork(`run ${run}`);
    const found = await descend(model, batch, standing, {
      ...options,
      steps,
      criterion,
      start: run === 0 ? undefined : random,
      onStep: (done) => options.onStep?.(run * steps + done, runs * steps),
    });
    standing = standing.filter((row, i) => {
      const won = found[i];
      if (won !== undefined) x.set(won, row * size);
      return won === undefined;
    });
  }
  return x;
}

interface Descent extends CapgdOptions {
  readonly steps: number;
  readonly criterion: Criterion;
  readonly start: Random | undefined;
  readonly onStep: (done: number) => void;
}

/** State of one row in shares of ranges, relative to the clean row. */
interface Climber {
  /** How far each feature may go down and up. */
  readonly low: Float64Array;
  readonly high: Float64Array;
  now: Float64Array;
  before: Float64Array;
  best: Float64Array;
  bestLoss: number;
  lastLoss: number;
  rises: number;
  halved: boolean;
  bestAtCheck: number;
  step: number;
}

async function descend(
  model: DifferentiableClassifier,
  batch: Batch,
  rows: readonly number[],
  options: Descent,
): Promise<(Float32Array | undefined)[]> {
  const { constraints, criterion, steps, radius = 0.5 } = options;
  const size = sizeOf(batch);
  const scale = scalesOf(constraints);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const ground = { scale, radius, toward, equations: equationsOf(constraints, scale) };
  const found: (Float32Array | undefined)[] = rows.map(() => undefined);
  const clean = gather(batch.x, rows, size);
  const climbers = rows.map((_, i) => {
    const spans = spansOf(constraints, rowOf(clean, i, size), scale);
    return climberAt(spans, scale, radius, options.start);
  });
  const from = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  let checked = 0;
  for (let step = 0; step < steps; step++) {
    stopWhenAborted(options.signal);
    const open = positions(rows.length).filter((i) => found[i] === undefined);
    if (open.length === 0) break;
    const shown = new Float32Array(open.length * size);
    open.forEach((i, k) => {
      const own = rowOf(clean, i, size);
      shown.set(rowOfClimber(climbers[i], own, scale, constraints), k * size);
    });
    const goals = Int32Array.from(open, (i) => from[rows[i] ?? 0] ?? 0);
    const { loss, gradient, predictions } = await model.lossGradient(shown, goals);
    const check = step > 0 && step >= (checkpoints[checked] ?? 2) * steps;
    open.forEach((i, k) => {
      const row = rows[i] ?? 0;
      if (isSuccess(criterion, predictions[k] ?? -1, batch.labels[row] ?? 0, row)) {
        found[i] = rowOf(shown, k, size).slice();
        return;
      }
      const climber = climbers[i];
      if (climber === undefined) return;
      note(climber, toward * (loss[k] ?? 0));
      const since = (checkpoints[checked] ?? 1) - (checkpoints[checked - 1] ?? 0);
      if (check) halve(climber, steps * since);
      move(climber, rowOf(gradient, k, size), ground, step === 0);
    });
    if (check) checked++;
    options.onStep(step + 1);
  }
  return found;
}

/** Ranges of the features that a gradient can move; 0 for the others. */
function scalesOf({ features }: Constraints): Float64Array {
  return Float64Array.from(features, ({ mutable, type, min, max }) => {
    return mutable && type !== 'categorical' ? max - min : 0;
  });
}

/** How far each feature of a row may move, in shares of its range. */
function spansOf({ features }: Constraints, row: Float32Array, scale: Float64Array) {
  const share = (at: number, to: number) => {
    const range = scale[at] ?? 0;
    return range === 0 ? 0 : (to - (row[at] ?? 0)) / range;
  };
  const spans = features.map((feature, at) => spanOf(feature, row[at] ?? 0));
  return {
    low: Float64Array.from(spans, ({ low }, at) => Math.min(0, share(at, low))),
    high: Float64Array.from(spans, ({ high }, at) => Math.max(0, share(at, high))),
  };
}

function climberAt(
  spans: Pick<Climber, 'low' | 'high'>,
  scale: Float64Array,
  radius: number,
  start: Random | undefined,
): Climber {
  const now = new Float64Array(scale.length);
  if (start !== undefined) {
    for (let i = 0; i < now.length; i++) if (scale[i] !== 0) now[i] = start.normal();
    shorten(now, radius * start.uniform(), true);
    inside(now, spans);
  }
  const lowest = Number.NEGATIVE_INFINITY;
  return {
    ...spans,
    now,
    before: now.slice(),
    best: now.slice(),
    bestLoss: lowest,
    lastLoss: lowest,
    rises: 0,
    halved: false,
    bestAtCheck: lowest,
    step: 2 * radius,
  };
}

function rowOfClimber(
  climber: Climber | undefined,
  clean: Float32Array,
  scale: Float64Array,
  constraints: Constraints,
): Float32Array {
  const row = clean.map((value, i) => value + (climber?.now[i] ?? 0) * (scale[i] ?? 0));
  // What cannot be repaired is not asked about: the clean row stands in for it.
  return constraints.repair(row, clean) ? row : clean;
}

function note(climber: Climber, loss: number): void {
  if (loss > climber.lastLoss) climber.rises++;
  climber.lastLoss = loss;
  if (loss <= climber.bestLoss) return;
  climber.bestLoss = loss;
  climber.best = climber.now.slice();
}

/** Too few rises, or nothing gained since the last look: half the step, from the best point. */
function halve(climber: Climber, since: number): void {
  const stuck = !climber.halved && climber.bestLoss <= climber.bestAtCheck;
  climber.halved = climber.rises < 0.75 * since || stuck;
  if (climber.halved) {
    climber.step /= 2;
    climber.now = climber.best.slice();
    climber.before = climber.best.slice();
  }
  climber.bestAtCheck = climber.bestLoss;
  climber.rises = 0;
}

interface Ground {
  readonly scale: Float64Array;
  readonly radius: number;
  readonly toward: number;
  readonly equations: readonly Float64Array[];
}

function move(climber: Climber, gradient: Float32Array, ground: Ground, first: boolean): void {
  const { scale, radius, toward, equations } = ground;
  const { now, before } = climber;
  const slope = Float64Array.from(gradient, (value, i) => {
    const own = toward * value * (scale[i] ?? 0);
    // Where a feature cannot go any further, its slope would only take length from the others.
    const at = now[i] ?? 0;
    const blocked = own > 0 ? at >= (climber.high[i] ?? 0) : at <= (climber.low[i] ?? 0);
    return blocked ? 0 : own;
  });
  for (const equation of equations) flatten(slope, equation);
  const length = Math.hypot(...slope);
  if (!(length > 0)) return;
  const ahead = now.map((value, i) => value + (climber.step * (slope[i] ?? 0)) / length);
  inside(ahead, climber);
  shorten(ahead, radius, false);
  const weight = first ? 1 : momentum;
  const next = now.map((value, i) => {
    const step = (ahead[i] ?? 0) - value;
    return value + weight * step + (1 - weight) * (value - (before[i] ?? 0));
  });
  inside(next, climber);
  shorten(next, radius, false);
  climber.before = now;
  climber.now = next;
}

/** Takes from a slope what an equation would undo: its part across the plane of solutions. */
function flatten(slope: Float64Array, across: Float64Array): void {
  const size = across.reduce((sum, value, i) => sum + (slope[i] === 0 ? 0 : value * value), 0);
  if (!(size > 0)) return;
  const part = across.reduce((sum, value, i) => sum + value * (slope[i] ?? 0), 0) / size;
  for (let i = 0; i < slope.length; i++) {
    if (slope[i] !== 0) slope[i] = (slope[i] ?? 0) - part * (across[i] ?? 0);
  }
}

/** The normals of the equations between features, in shares of their ranges. */
function equationsOf({ sums }: Constraints, scale: Float64Array): Float64Array[] {
  return sums.flatMap(({ equal, terms }) => {
    if (!equal) return [];
    const across = new Float64Array(scale.length);
    for (const { at, factor } of terms) across[at] = factor * (scale[at] ?? 0);
    return [across];
  });
}

function inside(change: Float64Array, { low, high }: Pick<Climber, 'low' | 'high'>): void {
  for (let i = 0; i < change.length; i++) {
    change[i] = Math.min(Math.max(change[i] ?? 0, low[i] ?? 0), high[i] ?? 0);
  }
}

/** Brings a change to a length (`exactly`), or at most to it. */
function shorten(change: Float64Array, length: number, exactly: boolean): void {
  const now = Math.hypot(...change);
  if (!(now > 0) || (!exactly && now <= length)) return;
  for (let i = 0; i < change.length; i++) change[i] = ((change[i] ?? 0) * length) / now;
}
