/**
 * The least change that brings a point of a box onto a hyperplane, in each norm (Croce and Hein
 * 2020, FAB, section 2.2). The original sorts the elements for every projection; here L∞ and L2
 * take Newton steps on a concave function of one number, and L1 selects, all in linear time.
 */
import type { Bounds, Norm } from '../threat.ts';

/** A row among rows. */
export interface RowAt {
  readonly of: Float32Array;
  readonly start: number;
}

/** Finds changes of rows of one size; keeps its scratch memory. */
export interface HyperplaneProjector {
  /**
   * Writes to `out` the least `d` with `normal · d = gap` and `point + d` in the box; where there
   * is none, the `d` that comes nearest. Returns the length of `d` in the norm.
   */
  project(point: RowAt, normal: RowAt, gap: number, out: Float64Array): number;
}

const newtonStepsMax = 200;

/** A projector for rows of `size` elements. */
export function hyperplaneProjector(
  norm: Exclude<Norm, 'l0'>,
  size: number,
  bounds: Bounds,
): HyperplaneProjector {
  const rooms = new Float64Array(size);
  const pulls = new Float64Array(size);
  const order = new Int32Array(size);
  const prepare = (point: RowAt, normal: RowAt, sign: number): void => {
    for (let i = 0; i < size; i++) {
      const pull = sign * (normal.of[normal.start + i] ?? 0);
      const at = point.of[point.start + i] ?? 0;
      pulls[i] = Math.abs(pull);
      rooms[i] = pull === 0 ? 0 : Math.max(pull > 0 ? bounds.max - at : at - bounds.min, 0);
    }
  };
  return {
    project: (point, normal, gap, out) => {
      const sign = gap < 0 ? -1 : 1;
      const goal = Math.abs(gap);
      prepare(point, normal, sign);
      if (norm === 'l1') takeSteepest(pulls, rooms, goal, { order, out });
      else moveTogether(pulls, rooms, goal, { norm, out });
      let length = 0;
      for (let i = 0; i < size; i++) {
        const moved = out[i] ?? 0;
        if (norm === 'linf') length = Math.max(length, moved);
        else length += norm === 'l1' ? moved : moved * moved;
        out[i] = moved * sign * Math.sign(normal.of[normal.start + i] ?? 0);
      }
      return norm === 'l2' ? Math.sqrt(length) : length;
    },
  };
}

/**
 * Every element moves to its bound or by one factor times its weight: its pull in L2, along the
 * normal, and one in L∞.
 */
function moveTogether(
  pulls: Float64Array,
  rooms: Float64Array,
  goal: number,
  of: { readonly norm: 'linf' | 'l2'; readonly out: Float64Array },
): void {
  const { norm, out } = of;
  let factor = 0;
  for (let step = 0; step < newtonStepsMax; step++) {
    let reached = 0;
    let slope = 0;
    for (let i = 0; i < pulls.length; i++) {
      const room = rooms[i] ?? 0;
      const pull = pulls[i] ?? 0;
      const weight = norm === 'l2' ? pull : 1;
      const moved = factor * weight;
      if (moved < room) slope += pull * weight;
      reached += pull * (moved < room ? moved : room);
    }
    const missing = goal - reached;
    if (!(slope > 0)) {
      factor = Number.POSITIVE_INFINITY;
      break;
    }
    if (missing <= 1e-12 * goal) break;
    factor += missing / slope;
  }
  for (let i = 0; i < pulls.length; i++) {
    const pull = pulls[i] ?? 0;
    const weight = norm === 'l2' ? pull : 1;
    out[i] = pull > 0 ? Math.min(factor * weight, rooms[i] ?? 0) : 0;
  }
}

/** L1: the elements of the steepest pull move to their bounds, the last one part of the way. */
function takeSteepest(
  pulls: Float64Array,
  rooms: Float64Array,
  goal: number,
  { order, out }: { readonly order: Int32Array; readonly out: Float64Array },
): void {
  for (let i = 0; i < order.length; i++) order[i] = i;
  out.fill(0);
  let low = 0;
  let high = order.length - 1;
  let missing = goal;
  while (low <= high) {
    const split = partition(pulls, order, low, high);
    let gain = 0;
    for (let k = low; k <= split; k++) {
      const i = order[k] ?? 0;
      gain += (pulls[i] ?? 0) * (rooms[i] ?? 0);
    }
    if (gain > missing && split > low) {
      high = split - 1;
      // The pivot itself is the shallowest of this part: try without it first.
      const pivot = order[split] ?? 0;
      const without = gain - (pulls[pivot] ?? 0) * (rooms[pivot] ?? 0);
      if (without > missing) continue;
      for (let k = low; k < split; k++) out[order[k] ?? 0] = rooms[order[k] ?? 0] ?? 0;
      out[pivot] = Math.max(missing - without, 0) / (pulls[pivot] ?? 1);
      return;
    }
    if (gain > missing) {
      const only = order[split] ?? 0;
      out[only] = missing / (pulls[only] ?? 1);
      return;
    }
    for (let k = low; k <= split; k++) out[order[k] ?? 0] = rooms[order[k] ?? 0] ?? 0;
    missing -= gain;
    low = split + 1;
  }
}

/** Puts the steeper elements first; returns where the pivot came to lie. */
function partition(pulls: Float64Array, order: Int32Array, low: number, high: number): number {
  const middle = (low + high) >> 1;
  const pivot = order[middle] ?? 0;
  const value = pulls[pivot] ?? 0;
  order[middle] = order[high] ?? 0;
  let at = low;
  for (let k = low; k < high; k++) {
    const i = order[k] ?? 0;
    // Equal pulls go to either side in turn, so that flat gradients stay linear.
    const before = (pulls[i] ?? 0) > value || ((pulls[i] ?? 0) === value && k % 2 === 0);
    if (!before) continue;
    order[k] = order[at] ?? 0;
    order[at++] = i;
  }
  order[high] = order[at] ?? 0;
  order[at] = pivot;
  return at;
}
