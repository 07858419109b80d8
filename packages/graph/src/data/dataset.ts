/** Samples with their labels, and the ways to take part of them. */
import type { Random } from '@merlon/core';
import type { FeatureSchema } from './schema.ts';

/** A data set in memory, row-major. */
export interface Dataset {
  /** All elements; finite. */
  readonly x: Float32Array;
  /** The number of samples, then the shape of one sample. */
  readonly shape: readonly number[];
  /** Class of each sample, a position in `classes`. */
  readonly labels: Int32Array;
  readonly classes: readonly string[];
  /** Meaning of the columns, for tables. */
  readonly features?: readonly FeatureSchema[];
}

/** The samples at the given positions, in that order; copies them. */
export function pick(dataset: Dataset, rows: ArrayLike<number>): Dataset {
  const size = rowSize(dataset);
  const x = new Float32Array(rows.length * size);
  const labels = new Int32Array(rows.length);
  for (let i = 0; i < rows.length; i++) {
    const row = rows[i] ?? 0;
    if (!(row >= 0 && row < dataset.labels.length)) {
      throw new RangeError(`row expected in [0, ${dataset.labels.length}), got ${row}`);
    }
    x.set(dataset.x.subarray(row * size, (row + 1) * size), i * size);
    labels[i] = dataset.labels[row] ?? 0;
  }
  return { ...dataset, x, labels, shape: [rows.length, ...dataset.shape.slice(1)] };
}

/** Samples from `start` up to `end` (not included), clipped to what there is; shares memory. */
export function slice(dataset: Dataset, start: number, end: number): Dataset {
  const size = rowSize(dataset);
  const from = Math.min(Math.max(0, start), dataset.labels.length);
  const to = Math.min(Math.max(from, end), dataset.labels.length);
  return {
    ...dataset,
    x: dataset.x.subarray(from * size, to * size),
    labels: dataset.labels.subarray(from, to),
    shape: [to - from, ...dataset.shape.slice(1)],
  };
}

/** How many samples to draw, and how. */
export interface SampleOptions {
  readonly count: number;
  readonly random: Random;
  /** Take turns between the classes, as long as each has samples left (default false). */
  readonly balanced?: boolean;
}

/** Draws without repeating; all samples, shuffled, when fewer than `count` exist. */
export function sample(dataset: Dataset, options: SampleOptions): Dataset {
  const order = options.random.permutation(dataset.labels.length);
  const chosen = options.balanced ? takeTurns(order, dataset.labels) : order;
  return pick(dataset, chosen.subarray(0, options.count));
}

/** Number of elements of one sample. */
export function rowSize(dataset: Pick<Dataset, 'shape'>): number {
  return dataset.shape.slice(1).reduce((product, size) => product * size, 1);
}

function takeTurns(order: Uint32Array, labels: Int32Array): Uint32Array {
  const seen = new Map<number, number>();
  const turn = new Float64Array(labels.length);
  for (const row of order) {
    const label = labels[row] ?? 0;
    const before = seen.get(label) ?? 0;
    turn[row] = before;
    seen.set(label, before + 1);
  }
  // Stable sort: inside a turn the shuffled order stays.
  return order.slice().sort((a, b) => (turn[a] ?? 0) - (turn[b] ?? 0));
}
