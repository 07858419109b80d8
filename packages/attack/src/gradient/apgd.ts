/**
 * Auto-PGD (Croce and Hein 2020, section 3; in L1: Croce and Hein 2021): projected gradient ascent
 * with momentum whose step length adapts to each row, on the cross-entropy or the difference of
 * logits ratio, untargeted or towards each of the most likely other classes in turn.
 */
import type { Random } from '@merlon/core';
import { classesMin, type Loss } from '@merlon/graph';
import { type Batch, idOf, positions, rowOf, sizeOf, subset } from '../batch.ts';
import { AttackError } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { type ApgdFound, apgdRun, type Goal } from './apgd-run.ts';
import { projectL1 } from './sparse-ball.ts';

/** How the search goes. */
export interface ApgdOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Default `cross-entropy`. */
  readonly loss?: 'cross-entropy' | 'dlr';
  /**
   * Attack towards this many of the likeliest other classes of the clean row, one after the other
   * (default 0: away from the right one). With a targeted criterion its classes are the targets.
   */
  readonly targetClasses?: number;
  /** Steps of one run (default 100). */
  readonly steps?: number;
  /** Runs from different random starts (default 1; for each target class, where there are any). */
  readonly restarts?: number;
  /** Gradients averaged at each point, for models that answer at random (default 1). */
  readonly averaged?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** What a search found. */
export interface ApgdResult {
  /** One candidate for each row, inside budget and bounds. */
  readonly x: Float32Array;
  /** Rows whose gradient was zero where a run started: a sign of masking. */
  readonly zeroGradient: readonly number[];
  /** Rows that stand and whose loss no run could raise. */
  readonly flat: readonly number[];
  /** The loss that was used, when that asked for is not defined for so few classes. */
  readonly insteadOfLoss?: Loss;
}

/** One candidate for each row; rows leave the search once they are broken. */
export async function apgd(
  model: DifferentiableClassifier,
  batch: Batch,
  options: ApgdOptions,
): Promise<ApgdResult> {
  const { budget, steps = 100, restarts = 1, targetClasses = 0 } = options;
  checkOptions(budget, steps, restarts);
  const size = sizeOf(batch);
  const x = batch.x.slice();
  const zero = new Set<number>();
  const flat = new Set<number>();
  if (batch.labels.length === 0) return { x, zeroGradient: [], flat: [] };
  const plan = await planOf(model, batch, options);
  const rounds = plan.goals.length * restarts;
  let standing = positions(batch.labels.length);
  for (let round = 0; round < rounds && standing.length > 0; round++) {
    const own = subset(batch, standing);
    const goal = plan.goals[Math.floor(round / restarts)]?.(standing);
    if (goal === undefined) break;
    const name = targetClasses > 0 ? `target ${round}` : `restart ${round}`;
    const found = await oneRound(model, own, goal, { ...options, name, round, rounds });
    standing.forEach((row, i) => {
      const from = found.broken[i] ? found.adversarial : found.best;
      x.set(rowOf(from, i, size), row * size);
      if (found.zeroGradient[i]) zero.add(row);
      if (found.rose[i]) flat.delete(row);
      else if (round === 0) flat.add(row);
    });
    standing = standing.filter((_, i) => !found.broken[i]);
  }
  const kept = new Set(standing);
  const stillFlat = [...flat].filter((row) => kept.has(row));
  const result = { x, zeroGradient: [...zero], flat: stillFlat };
  return plan.instead === undefined ? result : { ...result, insteadOfLoss: plan.instead };
}

interface Round extends ApgdOptions {
  readonly name: string;
  readonly round: number;
  readonly rounds: number;
}

async function oneRound(
  model: DifferentiableClassifier,
  batch: Batch,
  goal: Goal,
  options: Round,
): Promise<ApgdFound> {
  const { budget, bounds, steps = 100, averaged = 1, signal, round, rounds } = options;
  const { norm, epsilon } = budget;
  const onStep = (done: number) => options.onStep?.(round * steps + done, rounds * steps);
  const common = { bounds, averaged, signal };
  if (norm === 'l0') throw new AttackError('invalid-option', '"norm" expected linf, l2 or l1');
  if (norm !== 'l1') {
    const start = randomStarts(batch, options);
    const run = { ...common, norm, epsilon, steps, start, dropBroken: true, onStep };
    return apgdRun(model, batch, goal, run);
  }
  // In L1 the ball shrinks to its radius in three phases, each starting where the last one ended.
  const early = Math.ceil(0.3 * steps);
  const phases = [
    { epsilon: 3 * epsilon, steps: early },
    { epsilon: 2 * epsilon, steps: early },
    { epsilon, steps: Math.max(steps - 2 * early, 1) },
  ];
  let start = randomStarts(batch, { ...options, budget: { norm, epsilon: 3 * epsilon } });
  let done = 0;
  let found: ApgdFound | undefined;
  for (const [phase, { epsilon: radius, steps: some }] of phases.entries()) {
    const before = done;
    projectAll(start, batch, radius, bounds);
    const dropBroken = phase === phases.length - 1;
    const run = { ...common, norm, epsilon: radius, steps: some, start, dropBroken };
    const onPhase = (now: number) => onStep(before + now);
    found = await apgdRun(model, batch, goal, { ...run, handedOn: true, onStep: onPhase });
    start = found.best.slice();
    done += some;
  }
  if (found === undefined) throw new AttackError('invalid-option', '"steps" expected more');
  return found;
}

/** Random points whose change has full length in the norm, cut by the bounds. */
function randomStarts(batch: Batch, options: Round): Float32Array {
  const { budget, bounds, name } = options;
  const size = sizeOf(batch);
  const x = new Float32Array(batch.x.length);
  for (let row = 0; row < batch.labels.length; row++) {
    const random = options.random.fork(name).fork(`row ${idOf(batch, row)}`);
    const start = row * size;
    let length = 0;
    for (let i = start; i < start + size; i++) {
      const drawn = budget.norm === 'linf' ? 2 * random.uniform() - 1 : random.normal();
      x[i] = drawn;
      length = budget.norm === 'linf' ? Math.max(length, Math.abs(drawn)) : length + drawn * drawn;
    }
    if (budget.norm === 'l2') length = Math.sqrt(length);
    const scale = budget.norm === 'l1' ? 1 : budget.epsilon / (length + 1e-12);
    for (let i = start; i < start + size; i++) {
      const moved = (batch.x[i] ?? 0) + scale * (x[i] ?? 0);
      x[i] = budget.norm === 'l1' ? moved : Math.min(Math.max(moved, bounds.min), bounds.max);
    }
  }
  if (budget.norm === 'l1') projectAll(x, batch, budget.epsilon, bounds);
  return x;
}

function projectAll(x: Float32Array, batch: Batch, epsilon: number, bounds: Bounds): void {
  const size = sizeOf(batch);
  for (let start = 0; start < x.length; start += size) {
    projectL1(x, batch.x, { start, size, epsilon, bounds });
  }
}

/** One goal for each class that is aimed at; each is made for the rows that still stand. */
async function planOf(model: DifferentiableClassifier, batch: Batch, options: ApgdOptions) {
  const { criterion = untargeted, targetClasses = 0, loss = 'cross-entropy' } = options;
  const { values, classes } = await model.scores(batch.x);
  const at = (from: Int32Array, rows: readonly number[]) =>
    Int32Array.from(rows, (row) => from[row] ?? 0);
  const succeedsFor = (rows: readonly number[]) => (prediction: number, i: number) => {
    const row = rows[i] ?? 0;
    return isSuccess(criterion, prediction, batch.labels[row] ?? 0, row);
  };
  const towards = (targets: Int32Array) => {
    const defined = classes >= classesMin('targeted-dlr');
    const used: Loss = defined ? 'targeted-dlr' : 'difference';
    return {
      instead: defined ? undefined : used,
      goal: (rows: readonly number[]): Goal => ({
        query: { loss: used, targets: at(targets, rows) },
        labels: at(batch.labels, rows),
        sign: 1,
        succeeds: succeedsFor(rows),
      }),
    };
  };
  if (criterion.kind === 'targeted' && (targetClasses > 0 || loss === 'dlr')) {
    const { instead, goal } = towards(criterion.targets);
    return { goals: [goal], instead };
  }
  if (targetClasses > 0) {
    const count = Math.min(targetClasses, classes - 1);
    const all = positions(count).map((k) => towards(nthLikeliest(values, classes, k + 1)));
    return { goals: all.map(({ goal }) => goal), instead: all[0]?.instead };
  }
  const used: Loss = loss === 'dlr' && classes < classesMin('dlr') ? 'margin' : loss;
  const goal = (rows: readonly number[]): Goal => ({
    query: { loss: used },
    labels: at(criterion.kind === 'targeted' ? criterion.targets : batch.labels, rows),
    sign: criterion.kind === 'targeted' ? -1 : 1,
    succeeds: succeedsFor(rows),
  });
  return { goals: [goal], instead: used === loss ? undefined : used };
}

/** For each row of scores the class that comes `rank`-th after the first. */
export function nthLikeliest(scores: Float32Array, classes: number, rank: number): Int32Array {
  return Int32Array.from({ length: scores.length / classes }, (_, row) => {
    const own = rowOf(scores, row, classes);
    const order = positions(classes).sort((a, b) => (own[b] ?? 0) - (own[a] ?? 0) || a - b);
    return order[rank] ?? 0;
  });
}

function checkOptions(budget: Budget, steps: number, restarts: number): void {
  const positive = (name: string, value: number): void => {
    if (Number.isInteger(value) && value > 0) return;
    throw new AttackError('invalid-option', `"${name}" expected a positive integer, got ${value}`);
  };
  positive('steps', steps);
  positive('restarts', restarts);
  if (budget.norm !== 'l0') return;
  throw new AttackError('invalid-option', '"norm" expected "linf", "l2" or "l1", got "l0"');
}
