/** Rows of a data set on their way through a step of training. */

/** Rows, row-major, and their shape with the number of rows first. */
export interface Rows {
  readonly x: Float32Array;
  readonly shape: readonly number[];
}

/** Rows with the class of each. */
export interface Batch extends Rows {
  readonly labels: Int32Array;
}

/** The rows at the given positions, in that order; copies them. */
export function batchOf(data: Batch, rows: Uint32Array): Batch {
  const size = sizeOf(data);
  const x = new Float32Array(rows.length * size);
  const labels = new Int32Array(rows.length);
  for (const [i, row] of rows.entries()) {
    x.set(data.x.subarray(row * size, (row + 1) * size), i * size);
    labels[i] = data.labels[row] ?? 0;
  }
  return { x, labels, shape: [rows.length, ...data.shape.slice(1)] };
}

/** Rows from `start` up to `end` (not included); shares memory. */
export function part(data: Batch, start: number, end: number): Batch {
  const size = sizeOf(data);
  const to = Math.min(end, data.labels.length);
  return {
    x: data.x.subarray(start * size, to * size),
    labels: data.labels.subarray(start, to),
    shape: [to - start, ...data.shape.slice(1)],
  };
}

/** How many rows are given the highest score for their own class. */
export function countRight(scores: Float32Array, labels: Int32Array): number {
  const classes = scores.length / Math.max(1, labels.length);
  let right = 0;
  for (let row = 0; row < labels.length; row++) {
    let best = row * classes;
    for (let k = best + 1; k < (row + 1) * classes; k++) {
      if ((scores[k] ?? 0) > (scores[best] ?? 0)) best = k;
    }
    if (best - row * classes === labels[row]) right++;
  }
  return right;
}

function sizeOf({ shape }: Rows): number {
  return shape.slice(1).reduce((product, axis) => product * axis, 1);
}
