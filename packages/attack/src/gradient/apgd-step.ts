/** Steps of Auto-PGD in each norm: two projections, momentum, and a step length for each row. */
import { ceilFloat32, floorFloat32 } from '../batch.ts';
import { greatest } from '../select.ts';
import type { Bounds, Norm } from '../threat.ts';
import { projectL1 } from './sparse-ball.ts';

/** The rows that are moved, packed together. */
export interface Moving {
  readonly rows: number;
  /** Moved in place. */
  readonly now: Float32Array;
  /** Becomes what `now` was. */
  readonly before: Float32Array;
  readonly slope: Float32Array;
  readonly clean: Float32Array;
  /** Share of the new step; the rest is the last one. */
  readonly momentum: number;
}

/** Moves rows and keeps the lengths of their steps. */
export interface Mover {
  move(moving: Moving): void;
  /** At a checkpoint; true when the row goes back to its best point. */
  check(row: number, stuck: boolean, best: Float32Array, clean: Float32Array): boolean;
  /** Rows were packed: what was `from` is now `to`. */
  shift(from: number, to: number): void;
}

/** What a mover is made for. */
export interface MoverOptions {
  readonly norm: Exclude<Norm, 'l0'>;
  readonly epsilon: number;
  readonly bounds: Bounds;
  readonly start: Float32Array;
  readonly handedOn?: boolean;
}

/** The mover of a norm, for rows of one size. */
export function mover(
  options: MoverOptions,
  rows: number,
  size: number,
  clean: Float32Array,
): Mover {
  if (options.norm === 'linf') return linfMover(options, rows, size);
  if (options.norm === 'l2') return l2Mover(options, rows, size);
  return l1Mover(options, { rows, size, clean });
}

function halving(rows: number, first: number) {
  const lengths = new Float64Array(rows).fill(first);
  return {
    lengths,
    check: (row: number, stuck: boolean): boolean => {
      if (stuck) lengths[row] = (lengths[row] ?? 0) / 2;
      return stuck;
    },
    shift: (from: number, to: number): void => {
      lengths[to] = lengths[from] ?? 0;
    },
  };
}

function linfMover({ epsilon, bounds }: MoverOptions, rows: number, size: number): Mover {
  const { lengths, check, shift } = halving(rows, 2 * epsilon);
  const least = ceilFloat32(bounds.min);
  const most = floorFloat32(bounds.max);
  return {
    check,
    shift,
    move: ({ rows: count, now, before, slope, clean, momentum }) => {
      // The sign by its bit: processors guess every second one wrong.
      const bits = new Int32Array(slope.buffer, slope.byteOffset, slope.length);
      for (let row = 0; row < count; row++) {
        const length = lengths[row] ?? 0;
        for (let i = row * size; i < (row + 1) * size; i++) {
          const center = clean[i] ?? 0;
          const at = now[i] ?? 0;
          const low = Math.max(center - epsilon, least);
          const high = Math.min(center + epsilon, most);
          const word = bits[i] ?? 0;
          let z = (word & 0x7fffffff) === 0 ? at : at + (length + 2 * length * (word >> 31));
          z = z < low ? low : z > high ? high : z;
          let next = at + (z - at) * momentum + (at - (before[i] ?? 0)) * (1 - momentum);
          next = next < low ? low : next > high ? high : next;
          before[i] = at;
          now[i] = next;
        }
      }
    },
  };
}

function l2Mover({ epsilon, bounds }: MoverOptions, rows: number, size: number): Mover {
  const { lengths, check, shift } = halving(rows, 2 * epsilon);
  const z = new Float64Array(size);
  /** Into the ball first, then the bounds, as the original has it. */
  const project = (clean: Float32Array, start: number): void => {
    let squares = 0;
    for (let i = 0; i < size; i++) squares += ((z[i] ?? 0) - (clean[start + i] ?? 0)) ** 2;
    const norm = Math.sqrt(squares);
    const scale = norm > epsilon ? epsilon / norm : 1;
    for (let i = 0; i < size; i++) {
      const center = clean[start + i] ?? 0;
      const value = center + ((z[i] ?? 0) - center) * scale;
      z[i] = value < bounds.min ? bounds.min : value > bounds.max ? bounds.max : value;
    }
  };
  return {
    check,
    shift,
    move: ({ rows: count, now, before, slope, clean, momentum }) => {
      for (let row = 0; row < count; row++) {
        const start = row * size;
        let squares = 0;
        for (let i = 0; i < size; i++) squares += (slope[start + i] ?? 0) ** 2;
        const by = (lengths[row] ?? 0) / (Math.sqrt(squares) + 1e-12);
        for (let i = 0; i < size; i++) z[i] = (now[start + i] ?? 0) + by * (slope[start + i] ?? 0);
        project(clean, start);
        for (let i = 0; i < size; i++) {
          const at = now[start + i] ?? 0;
          const last = at - (before[start + i] ?? 0);
          z[i] = at + ((z[i] ?? 0) - at) * momentum + last * (1 - momentum);
        }
        project(clean, start);
        for (let i = 0; i < size; i++) {
          before[start + i] = now[start + i] ?? 0;
          now[start + i] = z[i] ?? 0;
        }
      }
    },
  };
}

const sparsityFirst = 0.2;
const sparsityShrink = 1.5;
const lengthShrink = 1.5;
const lengthLeast = 0.1;

function l1Mover(
  { epsilon, bounds, start, handedOn }: MoverOptions,
  of: { readonly rows: number; readonly size: number; readonly clean: Float32Array },
): Mover {
  const { rows, size } = of;
  const lengths = new Float64Array(rows).fill(epsilon);
  const shares = new Float64Array(rows).fill(sparsityFirst);
  const changed = new Float64Array(rows).fill(size);
  const scratch = new Float64Array(size);
  if (handedOn) {
    for (let row = 0; row < rows; row++) {
      changed[row] = changesOf(start, of.clean, row, size);
      shares[row] = (changed[row] ?? 0) / size / sparsityShrink;
    }
  }
  return {
    check: (row, _, best, clean) => {
      const now = changesOf(best, clean, row, size);
      const sparser = now / (changed[row] ?? 1) < 0.95;
      shares[row] = now / size / sparsityShrink;
      const next = sparser ? epsilon : (lengths[row] ?? 0) / lengthShrink;
      lengths[row] = Math.max(next, epsilon * lengthLeast);
      changed[row] = now;
      return sparser;
    },
    shift: (from, to) => {
      for (const values of [lengths, shares, changed]) values[to] = values[from] ?? 0;
    },
    move: ({ rows: count, now, before, slope, clean }) => {
      for (let row = 0; row < count; row++) {
        const from = row * size;
        for (let i = 0; i < size; i++) scratch[i] = Math.abs(slope[from + i] ?? 0);
        // The original indexes the sorted magnitudes from below.
        const below = Math.min(Math.max(Math.floor((1 - (shares[row] ?? 0)) * size), 0), size - 1);
        const least = greatest(scratch, size, size - below);
        let moved = 0;
        for (let i = from; i < from + size; i++) {
          const g = Math.abs(slope[i] ?? 0);
          if (g >= least && g > 0) moved++;
        }
        for (let i = from; i < from + size; i++) {
          const g = slope[i] ?? 0;
          before[i] = now[i] ?? 0;
          if (Math.abs(g) < least || g === 0) continue;
          now[i] = (now[i] ?? 0) + ((lengths[row] ?? 0) / (moved + 1e-10)) * Math.sign(g);
        }
        projectL1(now, clean, { start: from, size, epsilon, bounds });
      }
    },
  };
}

function changesOf(x: Float32Array, clean: Float32Array, row: number, size: number): number {
  let changed = 0;
  for (let i = row * size; i < (row + 1) * size; i++) if (x[i] !== clean[i]) changed++;
  return changed;
}
