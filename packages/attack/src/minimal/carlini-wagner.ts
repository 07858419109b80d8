/**
 * The attack of Carlini and Wagner 2017 (section VI): least squared length plus a margin, over
 * inputs written as a tangent so that bounds hold by themselves, by Adam; the weight of the margin
 * is found by bisection for each row, each weight going on from the nearest point known.
 */
import { type Batch, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier, LossGradient } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { type Nearest, nearestOf } from './nearest.ts';
import { weightSearch } from './weight.ts';

/** How the search goes. */
export interface CarliniWagnerOptions {
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Steps of the bisection for the weight (default 6). */
  readonly searchSteps?: number;
  /** Gradients of a row at each weight (default 150). */
  readonly steps?: number;
  /** Step of Adam in tangent space at the first weight (default 0.1). */
  readonly stepSize?: number;
  /** First weight (default 1). */
  readonly firstWeight?: number;
  /** By how much the wrong class must lead (default 0). */
  readonly confidence?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** The nearest adversarial point in L2 that was met of each row; the clean row where none was. */
export async function carliniWagner(
  model: DifferentiableClassifier,
  batch: Batch,
  options: CarliniWagnerOptions,
): Promise<Float32Array> {
  const { searchSteps = 6, steps = 150, firstWeight = 1 } = options;
  const found = nearestOf(batch, 'l2');
  const weights = weightSearch(batch.labels.length, firstWeight);
  for (let round = 0; round < searchSteps; round++) {
    const onStep = (done: number) => options.onStep?.(round * steps + done, searchSteps * steps);
    // What is known gets nearer with shorter steps.
    const stepSize = (options.stepSize ?? 0.1) * 0.7 ** round;
    const own = { ...options, steps, stepSize, onStep };
    const succeeded = await descend(model, batch, weights.values, found, own);
    weights.next(succeeded);
  }
  return found.x;
}

/** The share of its range that a clean row may come near the bounds: tangents stay finite. */
const inside = 0.9999;
const patience = 10;

interface Descent extends CarliniWagnerOptions {
  readonly steps: number;
  readonly stepSize: number;
  readonly onStep: (done: number) => void;
}

/** Runs Adam at the present weights, from the nearest points known; returns which rows succeed. */
async function descend(
  model: DifferentiableClassifier,
  batch: Batch,
  weights: Float64Array,
  found: Nearest,
  options: Descent,
): Promise<Uint8Array> {
  const { bounds, criterion = untargeted, steps, stepSize } = options;
  const size = sizeOf(batch);
  const rows = batch.labels.length;
  const middle = (bounds.min + bounds.max) / 2;
  const half = (bounds.max - bounds.min) / 2;
  const tangent = Float64Array.from(found.x, (value) =>
    Math.atanh(((value - middle) / half) * inside),
  );
  const first = new Float64Array(tangent.length);
  const second = new Float64Array(tangent.length);
  const state = { tangent, first, second, middle, half };
  const succeeded = new Uint8Array(rows);
  const before = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const best = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const goals = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  let active = Int32Array.from({ length: rows }, (_, row) => row);
  for (let step = 0; step < steps && active.length > 0; step++) {
    stopWhenAborted(options.signal);
    const now = new Float32Array(active.length * size);
    active.forEach((row, i) => {
      for (let k = 0; k < size; k++) {
        now[i * size + k] = middle + half * Math.tanh(tangent[row * size + k] ?? 0);
      }
    });
    const labels = Int32Array.from(active, (row) => goals[row] ?? 0);
    const answer = await model.lossGradient(now, labels, { loss: 'margin' });
    // Steps shorten towards the end, where the boundary is followed.
    const length = stepSize * (1 - (0.9 * step) / steps);
    active.forEach((row, i) => {
      const wrong = isSuccess(criterion, answer.predictions[i] ?? -1, batch.labels[row] ?? 0, row);
      const own = { row, i, now, answer, wrong, weight: weights[row] ?? 0, step, length };
      const { objective, leads } = stepRow(batch, state, own, options);
      if (leads) {
        found.offer(row, now, i * size);
        succeeded[row] = 1;
      }
      best[row] = Math.min(best[row] ?? 0, objective);
    });
    if ((step + 1) % Math.max(Math.floor(steps / patience), 1) === 0) {
      // A row whose objective has stopped falling is done with this weight.
      active = active.filter((row) => {
        const falls = (best[row] ?? 0) < 0.9999 * (before[row] ?? 0);
        before[row] = best[row] ?? 0;
        return falls;
      });
    }
    options.onStep(step + 1);
  }
  return succeeded;
}

interface State {
  /** Inputs as tangents: any real number is inside the bounds. */
  readonly tangent: Float64Array;
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly middle: number;
  readonly half: number;
}

/** One row's step; its objective, and whether it is adversarial by the confidence asked for. */
function stepRow(
  batch: Batch,
  state: State,
  of: {
    readonly row: number;
    readonly i: number;
    readonly now: Float32Array;
    readonly answer: LossGradient;
    readonly wrong: boolean;
    readonly weight: number;
    readonly step: number;
    readonly length: number;
  },
  { criterion = untargeted, confidence = 0 }: CarliniWagnerOptions,
): { objective: number; leads: boolean } {
  const { row, i, now, answer } = of;
  const size = sizeOf(batch);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const lead = toward * (answer.loss[i] ?? 0);
  const weight = lead < confidence ? of.weight * toward : 0;
  const rates = {
    one: 1 - 0.9 ** (of.step + 1),
    two: 1 - 0.999 ** (of.step + 1),
    stepSize: of.length,
  };
  let squares = 0;
  for (let k = 0; k < size; k++) {
    const at = row * size + k;
    const value = now[i * size + k] ?? 0;
    const moved = value - (batch.x[at] ?? 0);
    squares += moved * moved;
    const pull = 2 * moved - weight * (answer.gradient[i * size + k] ?? 0);
    // The slope of the tangent, from its value: no second hyperbola.
    const slope = state.half * (1 - ((value - state.middle) / state.half) ** 2);
    adam(state, at, pull * slope, rates);
  }
  const objective = squares + Math.max(confidence - lead, 0) * of.weight;
  return { objective, leads: of.wrong && lead >= confidence };
}

/** One element's step of Adam (Kingma and Ba 2015, algorithm 1). */
function adam(
  state: State,
  at: number,
  pull: number,
  rates: { readonly one: number; readonly two: number; readonly stepSize: number },
): void {
  const first = 0.9 * (state.first[at] ?? 0) + 0.1 * pull;
  const second = 0.999 * (state.second[at] ?? 0) + 0.001 * pull * pull;
  state.first[at] = first;
  state.second[at] = second;
  const length = Math.sqrt(second / rates.two) + 1e-8;
  const moved = (rates.stepSize * (first / rates.one)) / length;
  state.tangent[at] = (state.tangent[at] ?? 0) - moved;
}
