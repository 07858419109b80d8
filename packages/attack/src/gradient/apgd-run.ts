/**
 * One run of Auto-PGD over a batch (Croce and Hein 2020, algorithm 1; Croce and Hein 2021, section
 * 4 for L1), with the original's quirks: the first comparison of losses is with 0, and of a row's
 * adversarial points the last one counts. Rows that are broken leave the batch, which the
 * original does not do and no result depends on.
 */
import type { Batch } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier, LossGradient, LossQuery } from '../model/classifier.ts';
import type { Bounds, Norm } from '../threat.ts';
import { type Mover, mover } from './apgd-step.ts';

/** What a run works towards. */
export interface Goal {
  /** The loss, as the gradient models know it. */
  readonly query: LossQuery;
  /** Classes that the loss is taken at. */
  readonly labels: Int32Array;
  /** Whether the loss is climbed (1) or descended (−1). */
  readonly sign: 1 | -1;
  /** Whether a prediction is what the attacker wants of a row. */
  readonly succeeds: (prediction: number, row: number) => boolean;
}

/** How a run goes. */
export interface ApgdRun {
  readonly norm: Exclude<Norm, 'l0'>;
  readonly epsilon: number;
  readonly bounds: Bounds;
  readonly steps: number;
  /** Gradients averaged at each point (more than 1 for models that answer at random). */
  readonly averaged: number;
  /** Where the rows start. */
  readonly start: Float32Array;
  /** True in L1 when the start was not drawn but handed on by an earlier phase. */
  readonly handedOn?: boolean;
  /** Off while a larger ball is searched, whose successes do not count. */
  readonly dropBroken: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly onStep?: (done: number) => void;
}

/** What a run found, row by row. */
export interface ApgdFound {
  /** Points of the greatest loss. */
  readonly best: Float32Array;
  /** Adversarial points; the start where none was met. */
  readonly adversarial: Float32Array;
  readonly broken: boolean[];
  /** Rows whose gradient was zero at the start: a sign of masking. */
  readonly zeroGradient: boolean[];
  /** Rows whose loss rose above that of the start. */
  readonly rose: boolean[];
}

/** Runs over all rows of a batch; averaged × (steps + 1) gradients a row at most. */
export async function apgdRun(
  model: DifferentiableClassifier,
  batch: Batch,
  goal: Goal,
  run: ApgdRun,
): Promise<ApgdFound> {
  const state = new RunState(batch, run);
  const first = await gradientAt(model, state, goal, run);
  state.begin(first, goal);
  if (run.dropBroken) state.dropBroken();
  const plan = checkpoints(run);
  let next = plan.first;
  let since = 0;
  for (let step = 0; step < run.steps && state.rows > 0; step++) {
    stopWhenAborted(run.signal);
    state.move(step === 0 ? 1 : 0.75);
    state.take(await gradientAt(model, state, goal, run), goal);
    since++;
    if (since === next) {
      state.check(since);
      next = Math.max(next - plan.shorter, plan.least);
      since = 0;
    }
    if (run.dropBroken) state.dropBroken();
    run.onStep?.(step + 1);
  }
  state.finish();
  return state.found;
}

/** Steps to the first checkpoint, by how much each interval is shorter, and the shortest. */
function checkpoints({ norm, steps }: ApgdRun) {
  const share = (part: number): number => Math.max(Math.floor(part * steps), 1);
  if (norm === 'l1') return { first: share(0.04), shorter: 0, least: share(0.04) };
  return { first: share(0.22), shorter: share(0.03), least: share(0.06) };
}

async function gradientAt(
  model: DifferentiableClassifier,
  state: RunState,
  goal: Goal,
  { averaged }: ApgdRun,
): Promise<LossGradient> {
  const labels = state.pick(goal.labels);
  const { loss, targets } = goal.query;
  const query = { ...(loss && { loss }), ...(targets && { targets: state.pick(targets) }) };
  const last = await model.lossGradient(state.point(), labels, query);
  if (averaged === 1) return last;
  // As in the original the loss and the decision are those of the last answer alone.
  const sum = Float64Array.from(last.gradient);
  let found = last;
  for (let k = 1; k < averaged; k++) {
    found = await model.lossGradient(state.point(), labels, query);
    for (let i = 0; i < sum.length; i++) sum[i] = (sum[i] ?? 0) + (found.gradient[i] ?? 0);
  }
  return { ...found, gradient: Float32Array.from(sum, (value) => value / averaged) };
}

/** The rows still searched, packed together, and everything that is remembered of them. */
class RunState {
  rows: number;
  readonly found: ApgdFound;
  readonly #size: number;
  readonly #mover: Mover;
  readonly #position: Int32Array;
  readonly #clean: Float32Array;
  readonly #now: Float32Array;
  readonly #before: Float32Array;
  readonly #slope: Float32Array;
  readonly #best: Float32Array;
  readonly #bestSlope: Float32Array;
  readonly #lossFirst: Float64Array;
  readonly #lossBest: Float64Array;
  readonly #lossBefore: Float64Array;
  readonly #lossChecked: Float64Array;
  readonly #rises: Int32Array;
  readonly #cut: Uint8Array;
  readonly #gone: Uint8Array;

  constructor(batch: Batch, run: ApgdRun) {
    const rows = batch.labels.length;
    this.rows = rows;
    this.#size = rows === 0 ? 1 : batch.x.length / rows;
    this.#clean = batch.x.slice();
    this.#now = run.start.slice();
    this.#before = run.start.slice();
    this.#best = run.start.slice();
    this.#slope = new Float32Array(batch.x.length);
    this.#bestSlope = new Float32Array(batch.x.length);
    this.#mover = mover(run, rows, this.#size, this.#clean);
    this.#position = Int32Array.from({ length: rows }, (_, i) => i);
    this.#lossFirst = new Float64Array(rows);
    this.#lossBest = new Float64Array(rows);
    this.#lossBefore = new Float64Array(rows);
    this.#lossChecked = new Float64Array(rows);
    this.#rises = new Int32Array(rows);
    this.#cut = new Uint8Array(rows).fill(1);
    this.#gone = new Uint8Array(rows);
    this.found = {
      best: run.start.slice(),
      adversarial: run.start.slice(),
      broken: new Array<boolean>(rows).fill(false),
      zeroGradient: new Array<boolean>(rows).fill(false),
      rose: new Array<boolean>(rows).fill(false),
    };
  }

  point(): Float32Array {
    return this.#now.subarray(0, this.rows * this.#size);
  }

  pick(values: Int32Array): Int32Array {
    const out = new Int32Array(this.rows);
    for (let i = 0; i < this.rows; i++) out[i] = values[this.#position[i] ?? 0] ?? 0;
    return out;
  }

  begin(first: LossGradient, goal: Goal): void {
    this.#store(first.gradient, goal.sign);
    for (let i = 0; i < this.rows; i++) {
      const loss = goal.sign * (first.loss[i] ?? 0);
      this.#lossFirst[i] = loss;
      this.#lossBest[i] = loss;
      this.#lossChecked[i] = loss;
      this.#keepBest(i);
      const own = first.gradient.subarray(i * this.#size, (i + 1) * this.#size);
      this.found.zeroGradient[i] = own.every((value) => value === 0);
      this.#judge(i, first.predictions[i] ?? -1, goal);
    }
  }

  move(momentum: number): void {
    this.#mover.move({
      rows: this.rows,
      now: this.#now,
      before: this.#before,
      slope: this.#slope,
      clean: this.#clean,
      momentum,
    });
  }

  take(next: LossGradient, goal: Goal): void {
    this.#store(next.gradient, goal.sign);
    for (let i = 0; i < this.rows; i++) {
      const loss = goal.sign * (next.loss[i] ?? 0);
      if (loss > (this.#lossBefore[i] ?? 0)) this.#rises[i] = (this.#rises[i] ?? 0) + 1;
      this.#lossBefore[i] = loss;
      if (loss > (this.#lossBest[i] ?? 0)) {
        this.#lossBest[i] = loss;
        this.#keepBest(i);
      }
      this.#judge(i, next.predictions[i] ?? -1, goal);
    }
  }

  /** Halves the steps of rows that oscillate or stand still, and takes them back to their best. */
  check(interval: number): void {
    for (let i = 0; i < this.rows; i++) {
      const still = this.#cut[i] === 0 && (this.#lossChecked[i] ?? 0) >= (this.#lossBest[i] ?? 0);
      const stuck = (this.#rises[i] ?? 0) <= 0.75 * interval || still;
      if (this.#mover.check(i, stuck, this.#best, this.#clean)) {
        const from = i * this.#size;
        this.#now.set(this.#best.subarray(from, from + this.#size), from);
        this.#slope.set(this.#bestSlope.subarray(from, from + this.#size), from);
      }
      this.#cut[i] = stuck ? 1 : 0;
      this.#lossChecked[i] = this.#lossBest[i] ?? 0;
      this.#rises[i] = 0;
    }
  }

  dropBroken(): void {
    let kept = 0;
    for (let i = 0; i < this.rows; i++) {
      if (this.#gone[i] === 1) this.#leave(i);
      else this.#shift(i, kept++);
    }
    this.rows = kept;
  }

  finish(): void {
    for (let i = 0; i < this.rows; i++) this.#leave(i);
  }

  #store(gradient: Float32Array, sign: 1 | -1): void {
    if (sign === 1) this.#slope.set(gradient);
    else for (let i = 0; i < gradient.length; i++) this.#slope[i] = -(gradient[i] ?? 0);
  }

  #keepBest(i: number): void {
    const from = i * this.#size;
    const to = from + this.#size;
    this.#best.set(this.#now.subarray(from, to), from);
    this.#bestSlope.set(this.#slope.subarray(from, to), from);
  }

  #judge(i: number, prediction: number, goal: Goal): void {
    const position = this.#position[i] ?? 0;
    if (!goal.succeeds(prediction, position)) return;
    this.#gone[i] = 1;
    this.found.broken[position] = true;
    const own = this.#now.subarray(i * this.#size, (i + 1) * this.#size);
    this.found.adversarial.set(own, position * this.#size);
  }

  #leave(i: number): void {
    const position = this.#position[i] ?? 0;
    const own = this.#best.subarray(i * this.#size, (i + 1) * this.#size);
    this.found.best.set(own, position * this.#size);
    this.found.rose[position] =
      this.#gone[i] === 1 || (this.#lossBest[i] ?? 0) > (this.#lossFirst[i] ?? 0);
  }

  #shift(from: number, to: number): void {
    if (from === to) return;
    const size = this.#size;
    const whole = [this.#clean, this.#now, this.#before, this.#slope, this.#best, this.#bestSlope];
    for (const rows of whole) rows.copyWithin(to * size, from * size, (from + 1) * size);
    const single = [this.#lossFirst, this.#lossBest, this.#lossBefore, this.#lossChecked];
    for (const values of single) values[to] = values[from] ?? 0;
    this.#position[to] = this.#position[from] ?? 0;
    this.#rises[to] = this.#rises[from] ?? 0;
    this.#cut[to] = this.#cut[from] ?? 0;
    this.#gone[to] = this.#gone[from] ?? 0;
    this.#mover.shift(from, to);
  }
}
