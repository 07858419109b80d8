/**
 * Model inversion by gradients (MIFace: Fredrikson, Jha and Ristenpart 2015, algorithm 1): from the
 * middle of the bounds, the input that a class is surest of. Told beside its baseline: the mean of
 * all rows, which needs no model, correlates with every class already.
 */
import type { Dataset } from '@merlon/graph';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import type { Bounds } from '../threat.ts';

/** How the search goes. */
export interface InversionOptions {
  readonly bounds: Bounds;
  /** Gradients of a class (default 200). */
  readonly steps?: number;
  /** Length of a step along the steepest element, as a share of the bounds' span (default 0.02). */
  readonly stepSize?: number;
  readonly signal?: AbortSignal;
}

/** What was reconstructed of one class. */
export interface InvertedClass {
  readonly label: number;
  /** Correlation (Pearson) of what was found with the mean of the class's rows. */
  readonly correlation: number;
  /** Correlation of the mean of all rows with that mean. */
  readonly baseline: number;
  /** Whether the model takes what was found for the class. */
  readonly reached: boolean;
  readonly x: Float32Array;
}

/** What was reconstructed; `gain` is what the attack adds to its baseline, a mean over classes. */
export interface InversionReport {
  readonly classes: readonly InvertedClass[];
  readonly correlation: number;
  readonly baseline: number;
  readonly gain: number;
}

/** Reconstructs every class that the data have. */
export async function inversion(
  model: DifferentiableClassifier,
  data: Dataset,
  options: InversionOptions,
): Promise<InversionReport> {
  const { bounds, steps = 200, stepSize = 0.02 } = options;
  const labels = Int32Array.from(new Set(data.labels)).sort();
  const size = data.x.length / Math.max(1, data.labels.length);
  const now = new Float32Array(labels.length * size).fill((bounds.min + bounds.max) / 2);
  const length = stepSize * (bounds.max - bounds.min);
  for (let step = 0; step < steps; step++) {
    stopWhenAborted(options.signal);
    const { gradient } = await model.lossGradient(now, labels);
    for (let row = 0; row < labels.length; row++) {
      let steepest = 0;
      for (let i = row * size; i < (row + 1) * size; i++) {
        steepest = Math.max(steepest, Math.abs(gradient[i] ?? 0));
      }
      if (!(steepest > 0)) continue;
      for (let i = row * size; i < (row + 1) * size; i++) {
        const moved = (now[i] ?? 0) - (length / steepest) * (gradient[i] ?? 0);
        now[i] = Math.min(Math.max(moved, bounds.min), bounds.max);
      }
    }
  }
  const predictions = await model.predict(now);
  const all = meanRow(data, null);
  const classes = [...labels].map((label, i) => {
    const mean = meanRow(data, label);
    const x = now.slice(i * size, (i + 1) * size);
    return {
      ...{ label, x, reached: predictions[i] === label },
      correlation: correlation(x, mean),
      baseline: correlation(all, mean),
    };
  });
  const over = (pick: (one: InvertedClass) => number): number =>
    classes.reduce((sum, one) => sum + pick(one), 0) / Math.max(1, classes.length);
  const [found, baseline] = [over((one) => one.correlation), over((one) => one.baseline)];
  return { classes, correlation: found, baseline, gain: found - baseline };
}

/** The mean of all rows, or of a class. */
function meanRow({ x, labels }: Dataset, label: number | null): Float32Array {
  const size = x.length / labels.length;
  const sum = new Float64Array(size);
  let count = 0;
  for (const [row, own] of labels.entries()) {
    if (label !== null && own !== label) continue;
    count++;
    for (let i = 0; i < size; i++) sum[i] = (sum[i] ?? 0) + (x[row * size + i] ?? 0);
  }
  return Float32Array.from(sum, (value) => value / Math.max(1, count));
}

/** Pearson's correlation; 0 where one side is flat. */
function correlation(a: Float32Array, b: Float32Array): number {
  const mean = (of: Float32Array): number => of.reduce((sum, value) => sum + value, 0) / of.length;
  const [left, right] = [mean(a), mean(b)];
  let [both, first, second] = [0, 0, 0];
  for (let i = 0; i < a.length; i++) {
    const [da, db] = [(a[i] ?? 0) - left, (b[i] ?? 0) - right];
    both += da * db;
    first += da * da;
    second += db * db;
  }
  return first * second > 0 ? both / Math.sqrt(first * second) : 0;
}
