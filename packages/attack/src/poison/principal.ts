/**
 * Principal directions of rows by power iteration on a block of vectors, each time turned to the
 * best directions within the block (Rayleigh and Ritz; Halko, Martinsson and Tropp 2011, section
 * 4.5). A few vectors more than asked for make close directions converge.
 */
import type { Random } from '@merlon/core';
import { eigenOf } from './eigen.ts';

/** Directions of the greatest variance, and where the rows lie along them. */
export interface Principal {
  /** [directions, D], row-major, each of length one; the greatest variance first. */
  readonly directions: Float64Array;
  /** Squared singular values of the centred rows, one a direction. */
  readonly squares: Float64Array;
  /** Sum of the squared singular values of all directions. */
  readonly squaresTotal: number;
  /** The centred rows along the directions, [rows, directions]. */
  readonly projections: Float64Array;
  /** Directions that were found: at most what was asked for, the rows, and D. */
  readonly count: number;
}

const extraVectors = 8;
const roundsMax = 300;
/** Of what a direction may still turn by, as a share of the greatest squared singular value. */
const tolerance = 1e-9;

/**
 * The `wanted` principal directions of rows [N, width]. Costs about 4·N·D·(wanted + 8)
 * multiplications a round, mostly for a few tens of rounds and for 300 at most, so that directions
 * of equal variance end in one of many right answers.
 */
export function principal(
  rows: Float32Array,
  width: number,
  wanted: number,
  random: Random,
): Principal {
  const centred = centre(rows, width);
  const most = Math.min(width, rows.length / width);
  const count = Math.min(wanted, most);
  const block = Math.min(count + extraVectors, most);
  let basis = Float64Array.from({ length: block * width }, () => random.normal());
  orthonormalise(basis, width);
  let squares = new Float64Array(block);
  for (let round = 0; round < roundsMax; round++) {
    const found = turned(centred, basis, width, block);
    basis = found.basis;
    squares = found.squares;
    const next = backward(centred, forward(centred, basis, width, block), width, block);
    if (isStill(next, { basis, squares, width, count }) || round + 1 === roundsMax) break;
    basis = next;
    orthonormalise(basis, width);
  }
  const directions = basis.slice(0, count * width);
  return {
    ...{ directions, count, squares: squares.slice(0, count) },
    squaresTotal: centred.reduce((sum, value) => sum + value * value, 0),
    projections: forward(centred, directions, width, count),
  };
}

function centre(rows: Float32Array, width: number): Float64Array {
  const mean = new Float64Array(width);
  for (let i = 0; i < rows.length; i++) mean[i % width] = (mean[i % width] ?? 0) + (rows[i] ?? 0);
  const count = rows.length / width;
  return Float64Array.from(rows, (value, i) => value - (mean[i % width] ?? 0) / count);
}

/** Rows × basisᵀ: [rows, block]. */
function forward(rows: Float64Array, basis: Float64Array, width: number, block: number) {
  const count = rows.length / width;
  const out = new Float64Array(count * block);
  for (let row = 0; row < count; row++) {
    const from = row * width;
    for (let k = 0; k < block; k++) {
      let sum = 0;
      for (let i = 0; i < width; i++) sum += (rows[from + i] ?? 0) * (basis[k * width + i] ?? 0);
      out[row * block + k] = sum;
    }
  }
  return out;
}

/** Projectionsᵀ × rows: [block, D]. */
function backward(rows: Float64Array, projections: Float64Array, width: number, block: number) {
  const out = new Float64Array(block * width);
  for (let row = 0; row < rows.length / width; row++) {
    const from = row * width;
    for (let k = 0; k < block; k++) {
      const weight = projections[row * block + k] ?? 0;
      const to = k * width;
      for (let i = 0; i < width; i++) {
        out[to + i] = (out[to + i] ?? 0) + weight * (rows[from + i] ?? 0);
      }
    }
  }
  return out;
}

/** The same span, turned to the directions of greatest variance within it. */
function turned(rows: Float64Array, basis: Float64Array, width: number, block: number) {
  const along = forward(rows, basis, width, block);
  const inner = backward(along, along, block, block);
  const { values, vectors } = eigenOf(inner, block);
  const out = new Float64Array(basis.length);
  for (let k = 0; k < block; k++) {
    for (let j = 0; j < block; j++) {
      const weight = vectors[k * block + j] ?? 0;
      for (let i = 0; i < width; i++) {
        const at = k * width + i;
        out[at] = (out[at] ?? 0) + weight * (basis[j * width + i] ?? 0);
      }
    }
  }
  return { basis: out, squares: values };
}

/** Whether the wanted directions come back as they went in, but for their length. */
function isStill(
  next: Float64Array,
  now: {
    readonly basis: Float64Array;
    readonly squares: Float64Array;
    readonly width: number;
    readonly count: number;
  },
): boolean {
  const { basis, squares, width, count } = now;
  const allowed = (tolerance * (squares[0] ?? 0)) ** 2;
  for (let k = 0; k < count; k++) {
    let left = 0;
    for (let i = k * width; i < (k + 1) * width; i++) {
      left += ((next[i] ?? 0) - (squares[k] ?? 0) * (basis[i] ?? 0)) ** 2;
    }
    if (left > allowed) return false;
  }
  return true;
}

/** Gram and Schmidt, twice over against rounding; vectors that vanish stay zero. */
function orthonormalise(basis: Float64Array, width: number): void {
  const vectors = Array.from({ length: basis.length / width }, (_, k) =>
    basis.subarray(k * width, (k + 1) * width),
  );
  for (const [k, own] of vectors.entries()) {
    const before = Math.sqrt(dot(own, own));
    for (let pass = 0; pass < 2; pass++) {
      for (const other of vectors.slice(0, k)) {
        const along = dot(own, other);
        for (let i = 0; i < width; i++) own[i] = (own[i] ?? 0) - along * (other[i] ?? 0);
      }
    }
    const length = Math.sqrt(dot(own, own));
    const scale = length > 1e-14 * before ? 1 / length : 0;
    for (let i = 0; i < width; i++) own[i] = (own[i] ?? 0) * scale;
  }
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += (a[i] ?? 0) * (b[i] ?? 0);
  return sum;
}
