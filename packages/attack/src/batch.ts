/** Rows of float32 inputs and the little arithmetic that attacks share. */

/** Inputs with their true classes, row-major; the number of rows is `labels.length`. */
export interface Batch {
  readonly x: Float32Array;
  readonly labels: Int32Array;
  /**
   * A number for each row that its randomness is drawn by (default: its position), so that a row
   * meets the same numbers whatever other rows are in its batch.
   */
  readonly ids?: Int32Array;
}

/** The rows of a batch at the given positions, keeping their randomness. */
export function subset(batch: Batch, rows: ArrayLike<number>): Batch {
  return {
    x: gather(batch.x, rows, sizeOf(batch)),
    labels: Int32Array.from(rows, (row) => batch.labels[row] ?? 0),
    ids: Int32Array.from(rows, (row) => idOf(batch, row)),
  };
}

/** The number that a row's randomness is drawn by. */
export function idOf(batch: Batch, row: number): number {
  return batch.ids?.[row] ?? row;
}

/** The rows at the given positions, copied. */
export function gather(x: Float32Array, rows: ArrayLike<number>, size: number): Float32Array {
  const out = new Float32Array(rows.length * size);
  for (let i = 0; i < rows.length; i++) {
    const start = (rows[i] ?? 0) * size;
    out.set(x.subarray(start, start + size), i * size);
  }
  return out;
}

/** Row `index` of `x`, sharing its memory. */
export function rowOf(x: Float32Array, index: number, size: number): Float32Array {
  return x.subarray(index * size, (index + 1) * size);
}

/** Number of elements of one row. */
export function sizeOf(batch: Batch): number {
  return batch.labels.length === 0 ? 0 : batch.x.length / batch.labels.length;
}

/** 0, 1, … length − 1. */
export function positions(length: number): number[] {
  const all: number[] = [];
  for (let i = 0; i < length; i++) all.push(i);
  return all;
}

/** The middle value (of an even count the lower one); undefined for none. */
export function median(values: readonly number[]): number | undefined {
  const sorted = values.toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

const word = new DataView(new ArrayBuffer(4));

/** The greatest float32 that is not above a number. */
export function floorFloat32(value: number): number {
  const near = Math.fround(value);
  return near <= value ? near : -nextAbove(-near);
}

/** The least float32 that is not below a number. */
export function ceilFloat32(value: number): number {
  return -floorFloat32(-value);
}

/** The next float32 above a finite float32. */
function nextAbove(value: number): number {
  if (value === 0) return 2 ** -149;
  word.setFloat32(0, value);
  word.setInt32(0, word.getInt32(0) + (value > 0 ? 1 : -1));
  return word.getFloat32(0);
}
