/**
 * Maximum mean discrepancy with a Gaussian kernel (Gretton et al. 2012, eq. 3, unbiased) and a
 * permutation test. Bandwidth by the median distance of the pooled rows unless given.
 */
import type { Random } from '@merlon/core';
import { MonitorError } from '../error.ts';

/** Two samples of rows, row-major, and how to compare them. */
export interface DiscrepancyOptions {
  readonly a: Float32Array;
  readonly b: Float32Array;
  readonly features: number;
  readonly random: Random;
  /** σ of exp(−‖x − y‖² / 2σ²); default: the median distance of the pooled rows. */
  readonly bandwidth?: number;
  /** Relabellings drawn for the p-value (default 200). */
  readonly permutations?: number;
}

/** What came out. */
export interface Discrepancy {
  /** Unbiased squared discrepancy; slightly negative values occur when nothing differs. */
  readonly statistic: number;
  /** (1 + relabellings at least as large) / (1 + relabellings). */
  readonly pValue: number;
  readonly bandwidth: number;
}

/**
 * Compares two samples of at least two rows each; throws `bad-sample` for fewer or for rows that
 * are all equal. Cost: the square of all rows for distances and again for each relabelling.
 */
export function maximumMeanDiscrepancy(options: DiscrepancyOptions): Discrepancy {
  const { a, b, features, random, permutations = 200 } = options;
  const first = a.length / features;
  const rows = first + b.length / features;
  if (!(first >= 2 && rows - first >= 2 && Number.isInteger(first) && Number.isInteger(rows))) {
    const got = `${a.length} and ${b.length} numbers`;
    throw new MonitorError('bad-sample', `samples expected whole rows, two or more, got ${got}`);
  }
  const kernel = squaredDistances(a, b, features, rows);
  const bandwidth = options.bandwidth ?? medianDistance(kernel, rows);
  if (!(bandwidth > 0)) throw new MonitorError('bad-sample', 'samples expected rows that differ');
  for (let i = 0; i < kernel.length; i++) {
    kernel[i] = Math.exp(-(kernel[i] ?? 0) / (2 * bandwidth * bandwidth));
  }
  const inFirst = Uint8Array.from({ length: rows }, (_, row) => (row < first ? 1 : 0));
  const statistic = estimate(kernel, inFirst, first);
  let asLarge = 0;
  for (let k = 0; k < permutations; k++) {
    random.permutation(rows).forEach((row, at) => {
      inFirst[row] = at < first ? 1 : 0;
    });
    if (estimate(kernel, inFirst, first) >= statistic) asLarge++;
  }
  return { statistic, pValue: (1 + asLarge) / (1 + permutations), bandwidth };
}

function squaredDistances(
  a: Float32Array,
  b: Float32Array,
  features: number,
  rows: number,
): Float64Array {
  const all = new Float64Array(a.length + b.length);
  all.set(a);
  all.set(b, a.length);
  const found = new Float64Array(rows * rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      let sum = 0;
      for (let k = 0; k < features; k++) {
        sum += ((all[i * features + k] ?? 0) - (all[j * features + k] ?? 0)) ** 2;
      }
      found[i * rows + j] = sum;
      found[j * rows + i] = sum;
    }
  }
  return found;
}

function medianDistance(squared: Float64Array, rows: number): number {
  const pairs = new Float64Array((rows * (rows - 1)) / 2);
  let at = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) pairs[at++] = Math.sqrt(squared[i * rows + j] ?? 0);
  }
  pairs.sort();
  const middle = pairs.length >> 1;
  const upper = pairs[middle] ?? 0;
  return pairs.length % 2 === 1 ? upper : (upper + (pairs[middle - 1] ?? 0)) / 2;
}

function estimate(kernel: Float64Array, inFirst: Uint8Array, first: number): number {
  const rows = inFirst.length;
  const second = rows - first;
  let within = 0;
  let withinSecond = 0;
  let across = 0;
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < i; j++) {
      const value = kernel[i * rows + j] ?? 0;
      if (inFirst[i] !== inFirst[j]) across += value;
      else if (inFirst[i] === 1) within += value;
      else withinSecond += value;
    }
  }
  return (
    (2 * within) / (first * (first - 1)) +
    (2 * withinSecond) / (second * (second - 1)) -
    (2 * across) / (first * second)
  );
}
