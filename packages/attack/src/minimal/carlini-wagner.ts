/**
 * The attack of Carlini and Wagner 2017 (section VI): least squared length plus a margin, over
 * inputs written as a tangent so that bounds hold by themselves, by Adam; the weight of the margin
 * is found by bisection for each row. EAD (Chen et al. 2018) adds the L1 length, by
 * shrinkage-thresholding; both share the bisection.
 */
import { type Batch, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { type Nearest, nearestOf } from './nearest.ts';
import { weightSearch } from './weight.ts';

/** How the search goes. */
export interface CarliniWagnerOptions {
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Steps of the bisection for the weight (default 9). */
  readonly searchSteps?: number;
  /** Gradients of a row at each weight (default 200). */
  readonly steps?: number;
  /** Step of Adam in tangent space (default 0.02). */
  readonly stepSize?: number;
  /** First weight (default 0.1). */
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
  const { searchSteps = 9, steps = 200, firstWeight = 0.1 } = options;
  const found = nearestOf(batch, 'l2');
  const weights = weightSearch(batch.labels.length, firstWeight);
  for (let round = 0; round < searchSteps; round++) {
    const onStep = (done: number) => options.onStep?.(round * steps + done, searchSteps * steps);
    const succeeded = await descend(model, batch, weights.values, found, {
      ...options,
      steps,
      onStep,
    });
    weights.next(succeeded);
  }
  return found.x;
}

/** The share of its range that a clean row may come near the bounds: tangents stay finite. */
const inside = 0.999999;
const patience = 10;

async function descend(
  model: DifferentiableClassifier,
  batch: Batch,
  weights: Float64Array,
  found: Nearest,
  options: CarliniWagnerOptions & { readonly steps: number },
): Promise<Uint8Array> {
  const { bounds, criterion = untargeted, steps, confidence = 0, stepSize = 0.02 } = options;
  const size = sizeOf(batch);
  const rows = batch.labels.length;
  const tangent = tangentOf(batch.x, bounds);
  const start = tangent.x.slice();
  const moments = { first: new Float64Array(start.length), second: new Float64Array(start.length) };
  const succeeded = new Uint8Array(rows);
  const before = new Float64Array(rows).fill(Number.POSITIVE_INFINITY);
  const objective = new Float64Array(rows);
  let active = Int32Array.from({ length: rows }, (_, row) => row);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const goals = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  for (let step = 0; step < steps && active.length > 0; step++) {
    stopWhenAborted(options.signal);
    const now = new Float32Array(active.length * size);
    active.forEach((row, i) => {
      for (let k = 0; k < size; k++) now[i * size + k] = tangent.value(row * size + k);
    });
    const labels = Int32Array.from(active, (row) => goals[row] ?? 0);
    const answer = await model.lossGradient(now, labels, { loss: 'margin' });
    const rates = { one: 1 - 0.9 ** (step + 1), two: 1 - 0.999 ** (step + 1), stepSize };
    active.forEach((row, i) => {
      const lead = toward * (answer.loss[i] ?? 0);
      const wrong = isSuccess(criterion, answer.predictions[i] ?? -1, batch.labels[row] ?? 0, row);
      if (wrong && lead >= confidence) {
        found.offer(row, now, i * size);
        succeeded[row] = 1;
      }
      const weight = lead < confidence ? (weights[row] ?? 0) * toward : 0;
      let squares = 0;
      for (let k = 0; k < size; k++) {
        const at = row * size + k;
        const moved = (now[i * size + k] ?? 0) - tangent.value(at, start[at] ?? 0);
        squares += moved * moved;
        const pull = 2 * moved - weight * (answer.gradient[i * size + k] ?? 0);
        adam(tangent.x, moments, at, pull * tangent.slope(at), rates);
      }
      objective[row] = squares + Math.max(confidence - lead, 0) * (weights[row] ?? 0);
    });
    if ((step + 1) % Math.max(Math.floor(steps / patience), 1) === 0) {
      // A row whose objective has stopped falling is done with this weight.
      active = active.filter((row) => {
        const falls = (objective[row] ?? 0) < 0.9999 * (before[row] ?? 0);
        before[row] = objective[row] ?? 0;
        return falls;
      });
    }
    options.onStep?.(step + 1, steps);
  }
  return succeeded;
}

/** Inputs as tangents: any real number is inside the bounds. */
function tangentOf(clean: Float32Array, { min, max }: Bounds) {
  const middle = (min + max) / 2;
  const half = (max - min) / 2;
  const x = Float64Array.from(clean, (value) => Math.atanh(((value - middle) / half) * inside));
  return {
    x,
    value: (at: number, from = x[at] ?? 0): number => middle + half * Math.tanh(from),
    slope: (at: number): number => half * (1 - Math.tanh(x[at] ?? 0) ** 2),
  };
}

/** One element's step of Adam (Kingma and Ba 2015, algorithm 1). */
function adam(
  x: Float64Array,
  moments: { readonly first: Float64Array; readonly second: Float64Array },
  at: number,
  pull: number,
  rates: { readonly one: number; readonly two: number; readonly stepSize: number },
): void {
  const first = 0.9 * (moments.first[at] ?? 0) + 0.1 * pull;
  const second = 0.999 * (moments.second[at] ?? 0) + 0.001 * pull * pull;
  moments.first[at] = first;
  moments.second[at] = second;
  const length = Math.sqrt(second / rates.two) + 1e-8;
  x[at] = (x[at] ?? 0) - (rates.stepSize * (first / rates.one)) / length;
}
