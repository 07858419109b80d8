/**
 * The regions of the norms that keep changes few: L1 (the sum of changes) and L0 (their number),
 * each cut by bounds. Projections are exact on the intersection, as APGD in L1 needs (Croce and
 * Hein 2021, proposition 2.1), and find their threshold by bracketed Newton steps or selection.
 */
import type { Random } from '@merlon/core';
import { greatest } from '../select.ts';
import type { Bounds } from '../threat.ts';
import type { Ball } from './region.ts';

/** Elements that a step in L1 moves, as a share (Tramèr and Boneh 2019: sparse steps). */
const stepShare = 0.05;
const newtonStepsMax = 64;

/** The region of radius `epsilon` in L1 around each row. */
export function l1Ball(clean: Float32Array, size: number, epsilon: number, bounds: Bounds): Ball {
  const rows = clean.length / Math.max(1, size);
  const scratch = new Float64Array(size);
  const project = (x: Float32Array): void => {
    for (let row = 0; row < rows; row++) {
      projectL1(x, clean, { start: row * size, size, epsilon, bounds });
    }
  };
  return {
    project,
    step: (x, direction, length) => {
      const count = Math.max(1, Math.round(stepShare * size));
      for (let row = 0; row < rows; row++) {
        const start = row * size;
        const free = (i: number): number =>
          movable(x[i] ?? 0, length * (direction[i] ?? 0), bounds)
            ? Math.abs(direction[i] ?? 0)
            : 0;
        for (let i = 0; i < size; i++) scratch[i] = free(start + i);
        const least = Math.max(greatest(scratch, size, count), Number.MIN_VALUE);
        let moved = 0;
        for (let i = start; i < start + size; i++) if (free(i) >= least) moved++;
        for (let i = start; i < start + size; i++) {
          if (free(i) < least) continue;
          x[i] = (x[i] ?? 0) + (length / moved) * Math.sign(direction[i] ?? 0);
        }
      }
      project(x);
    },
    randomStart: (random) => {
      const x = clean.map((value) => value + epsilon * laplace(random) * (2 / size));
      project(x);
      return x;
    },
  };
}

/** The region of rows with at most `epsilon` changed elements, each anywhere in bounds. */
export function l0Ball(clean: Float32Array, size: number, epsilon: number, bounds: Bounds): Ball {
  const rows = clean.length / Math.max(1, size);
  const count = Math.min(Math.floor(epsilon), size);
  const scratch = new Float64Array(size);
  const project = (x: Float32Array): void => {
    for (let row = 0; row < rows; row++) {
      keepGreatest(x, clean, { start: row * size, size, count }, bounds, scratch);
    }
  };
  return {
    project,
    step: (x, direction, length) => {
      for (let row = 0; row < rows; row++) {
        const start = row * size;
        let sum = 0;
        for (let i = start; i < start + size; i++) sum += Math.abs(direction[i] ?? 0);
        if (!(sum > 0)) continue;
        for (let i = start; i < start + size; i++) {
          x[i] = (x[i] ?? 0) + (length * (direction[i] ?? 0)) / sum;
        }
      }
      project(x);
    },
    randomStart: (random) => {
      const x = clean.slice();
      for (let row = 0; row < rows; row++) {
        const order = random.permutation(size);
        for (let k = 0; k < count; k++) {
          x[row * size + (order[k] ?? 0)] =
            bounds.min + (bounds.max - bounds.min) * random.uniform();
        }
      }
      return x;
    },
  };
}

/** Where the row lies, and how far it may move. */
export interface RowRegion {
  readonly start: number;
  readonly size: number;
  readonly epsilon: number;
  readonly bounds: Bounds;
}

/**
 * Moves one row to the nearest point (in L2) of the L1 ball and the bounds, in place: every change
 * is shortened by one threshold and cut at its room to the bound.
 */
export function projectL1(x: Float32Array, clean: Float32Array, region: RowRegion): void {
  const { start, size, epsilon, bounds } = region;
  const end = start + size;
  const threshold = changesAbove(0, x, clean, region).sum <= epsilon ? 0 : solve(x, clean, region);
  for (let i = start; i < end; i++) {
    const center = clean[i] ?? 0;
    const change = (x[i] ?? 0) - center;
    const length = Math.min(Math.abs(change) - threshold, roomOf(change, center, bounds));
    if (length > 0 && (threshold > 0 || length < Math.abs(change))) {
      // Less half a unit in the last place, so that rounding to float32 never lengthens a change.
      const inward = length - halfUlp * Math.max(Math.abs(center), Math.abs(x[i] ?? 0));
      x[i] = center + Math.sign(change) * Math.max(inward, 0);
    } else if (!(length > 0)) {
      x[i] = center;
    }
  }
}

const halfUlp = 2 ** -24 * 1.0001;

/** The threshold at which what is left of the changes adds up to epsilon. */
function solve(x: Float32Array, clean: Float32Array, region: RowRegion): number {
  let low = 0;
  let high = 0;
  for (let i = region.start; i < region.start + region.size; i++) {
    high = Math.max(high, Math.abs((x[i] ?? 0) - (clean[i] ?? 0)));
  }
  let at = 0;
  for (let step = 0; step < newtonStepsMax && high - low > 1e-15 * high; step++) {
    const { sum, sloping } = changesAbove(at, x, clean, region);
    if (sum > region.epsilon) low = at;
    else high = at;
    if (Math.abs(sum - region.epsilon) <= 1e-12 * region.epsilon) return at;
    const newton = at + (sum - region.epsilon) / Math.max(sloping, 1);
    at = sloping > 0 && newton > low && newton < high ? newton : (low + high) / 2;
  }
  return high;
}

/** What a threshold leaves of the changes, and how many of them shrink with it. */
function changesAbove(
  threshold: number,
  x: Float32Array,
  clean: Float32Array,
  { start, size, bounds }: RowRegion,
): { sum: number; sloping: number } {
  let sum = 0;
  let sloping = 0;
  for (let i = start; i < start + size; i++) {
    const center = clean[i] ?? 0;
    const change = (x[i] ?? 0) - center;
    const length = Math.abs(change) - threshold;
    if (!(length > 0)) continue;
    const room = roomOf(change, center, bounds);
    if (length < room) sloping++;
    sum += Math.min(length, room);
  }
  return { sum, sloping };
}

/** How far an element may move from its clean value in the direction of a change. */
function roomOf(change: number, center: number, { min, max }: Bounds): number {
  return Math.max(change > 0 ? max - center : center - min, 0);
}

function movable(value: number, by: number, { min, max }: Bounds): boolean {
  return by > 0 ? value < max : by < 0 && value > min;
}

/** Keeps the changes that matter most, each as far as the bounds let it. */
function keepGreatest(
  x: Float32Array,
  clean: Float32Array,
  of: { readonly start: number; readonly size: number; readonly count: number },
  bounds: Bounds,
  scratch: Float64Array,
): void {
  const { start, size, count } = of;
  let changed = 0;
  for (let i = 0; i < size; i++) {
    const at = start + i;
    x[at] = Math.min(Math.max(x[at] ?? 0, bounds.min), bounds.max);
    const change = Math.abs((x[at] ?? 0) - (clean[at] ?? 0));
    scratch[i] = change;
    if (change > 0) changed++;
  }
  if (changed <= count) return;
  const least = count === 0 ? Number.POSITIVE_INFINITY : greatest(scratch, size, count);
  let above = 0;
  for (let i = 0; i < size; i++) if ((scratch[i] ?? 0) > least) above++;
  // Equal changes are kept from the first on, as many as there is room for.
  let equal = count - above;
  for (let i = start; i < start + size; i++) {
    const change = Math.abs((x[i] ?? 0) - (clean[i] ?? 0));
    if (change > least || (change === least && equal-- > 0)) continue;
    x[i] = clean[i] ?? 0;
  }
}

/** A number of the two-sided exponential distribution. */
function laplace(random: Random): number {
  const uniform = random.uniform() - 0.5;
  return -Math.sign(uniform) * Math.log(1 - 2 * Math.abs(uniform));
}
