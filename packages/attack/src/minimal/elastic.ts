/**
 * EAD, the elastic-net attack (Chen et al. 2018, algorithm 1): least L1 length plus squared L2
 * length plus a weighted margin, by iterative shrinkage-thresholding with momentum (FISTA).
 */
import { type Batch, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { type Nearest, nearestOf } from './nearest.ts';
import { weightSearch } from './weight.ts';

/** How the search goes. */
export interface ElasticOptions {
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Steps of the bisection for the weight (default 9). */
  readonly searchSteps?: number;
  /** Gradients of a row at each weight (default 100). */
  readonly steps?: number;
  /** First step length (default 0.05). */
  readonly stepSize?: number;
  /** First weight of the margin (default 0.1). */
  readonly firstWeight?: number;
  /** Share of the L1 length in what is kept least: the threshold of shrinkage (default 0.01). */
  readonly sparsity?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** The nearest adversarial point in L1 that was met of each row; the clean row where none was. */
export async function elastic(
  model: DifferentiableClassifier,
  batch: Batch,
  options: ElasticOptions,
): Promise<Float32Array> {
  const { searchSteps = 9, steps = 100, firstWeight = 0.1 } = options;
  const found = nearestOf(batch, 'l1');
  if (batch.labels.length === 0) return found.x;
  const weights = weightSearch(batch.labels.length, firstWeight);
  for (let round = 0; round < searchSteps; round++) {
    const onStep = (done: number) => options.onStep?.(round * steps + done, searchSteps * steps);
    const own = { ...options, steps, onStep };
    weights.next(await shrinkage(model, batch, weights.values, found, own));
  }
  return found.x;
}

async function shrinkage(
  model: DifferentiableClassifier,
  batch: Batch,
  weights: Float64Array,
  found: Nearest,
  options: ElasticOptions & { readonly steps: number },
): Promise<Uint8Array> {
  const { bounds, criterion = untargeted, steps, stepSize = 0.05, sparsity = 1e-2 } = options;
  const size = sizeOf(batch);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const goals = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  const succeeded = new Uint8Array(batch.labels.length);
  const ahead = batch.x.slice();
  const now = batch.x.slice();
  for (let step = 0; step < steps; step++) {
    stopWhenAborted(options.signal);
    const { gradient, loss } = await model.lossGradient(ahead, goals, { loss: 'margin' });
    const length = stepSize * Math.sqrt(1 - step / steps);
    const momentum = step / (step + 3);
    for (let i = 0; i < now.length; i++) {
      const row = Math.floor(i / size);
      const clean = batch.x[i] ?? 0;
      const weight = toward * (loss[row] ?? 0) < 0 ? toward * (weights[row] ?? 0) : 0;
      const pull = 2 * ((ahead[i] ?? 0) - clean) - weight * (gradient[i] ?? 0);
      const next = shrink((ahead[i] ?? 0) - length * pull, clean, sparsity, bounds);
      ahead[i] = next + momentum * (next - (now[i] ?? 0));
      now[i] = next;
    }
    const answers = await model.predict(now);
    for (let row = 0; row < answers.length; row++) {
      if (!isSuccess(criterion, answers[row] ?? -1, batch.labels[row] ?? 0, row)) continue;
      found.offer(row, now, row * size);
      succeeded[row] = 1;
    }
    options.onStep?.(step + 1, steps);
  }
  return succeeded;
}

/** Changes below the threshold vanish, others are shortened by it; then the bounds. */
function shrink(value: number, clean: number, by: number, { min, max }: Bounds): number {
  const change = value - clean;
  if (Math.abs(change) <= by) return clean;
  return Math.min(Math.max(value - Math.sign(change) * by, min), max);
}
