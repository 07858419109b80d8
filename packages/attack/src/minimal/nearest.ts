/** The nearest adversarial point that was met of each row: what a minimal attack hands back. */
import { type Batch, sizeOf } from '../batch.ts';
import type { Norm } from '../threat.ts';

/** Remembers the nearest point of each row. */
export interface Nearest {
  /** The nearest adversarial points; the clean row where none was met. */
  readonly x: Float32Array;
  /** Their distances; infinite where none was met. */
  readonly distances: Float64Array;
  /** Offers an adversarial point of a row; returns its distance. */
  offer(row: number, from: Float32Array, start: number): number;
}

/** A memory for the rows of a batch. */
export function nearestOf(batch: Batch, norm: Norm): Nearest {
  const size = sizeOf(batch);
  const x = batch.x.slice();
  const distances = new Float64Array(batch.labels.length).fill(Number.POSITIVE_INFINITY);
  return {
    x,
    distances,
    offer: (row, from, start) => {
      const length = lengthBetween(norm, from, start, batch.x, row * size, size);
      if (length < (distances[row] ?? 0)) {
        distances[row] = length;
        x.set(from.subarray(start, start + size), row * size);
      }
      return length;
    },
  };
}

/** The distance of two rows that lie among others. */
export function lengthBetween(
  norm: Norm,
  a: Float32Array,
  aStart: number,
  b: Float32Array,
  bStart: number,
  size: number,
): number {
  let most = 0;
  let sum = 0;
  for (let i = 0; i < size; i++) {
    const difference = Math.abs((a[aStart + i] ?? 0) - (b[bStart + i] ?? 0));
    if (norm === 'linf') most = difference > most ? difference : most;
    else if (norm === 'l2') sum += difference * difference;
    else if (norm === 'l1') sum += difference;
    else if (difference !== 0) sum++;
  }
  if (norm === 'linf') return most;
  return norm === 'l2' ? Math.sqrt(sum) : sum;
}
