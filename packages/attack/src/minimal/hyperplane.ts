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

/** The elements of a row that can still move, one after the other. */
interface Movable {
  count: number;
  /** Place in the row. */
  readonly at: Int32Array;
  /** How far to the bound, and how much of the gap one unit of the way closes. */
  readonly rooms: Float64Array;
  readonly pulls: Float64Array;
  /** 1 or −1: where the way goes. */
  readonly signs: Float64Array;
}

/** A projector for rows of `size` elements; points lie in the box. */
export function hyperplaneProjector(
  norm: Exclude<Norm, 'l0'>,
  size: number,
  bounds: Bounds,
): HyperplaneProjector {
  // One place more: what cannot move is written there until the next one takes it.
  const floats = (): Float64Array => new Float64Array(size + 1);
  const at = new Int32Array(size + 1);
  const movable: Movable = { count: 0, at, rooms: floats(), pulls: floats(), signs: floats() };
  const order = new Int32Array(size);
  return {
    project: (point, normal, gap, out) => {
      const goal = Math.abs(gap);
      prepare(movable, { point, normal, bounds, toward: gap < 0 ? -1 : 1, size });
      out.fill(0);
      return norm === 'l1'
        ? takeSteepest(movable, goal, { order, out })
        : moveTogether(movable, goal, { norm, out });
    },
  };
}

interface Projection {
  readonly point: RowAt;
  readonly normal: RowAt;
  readonly bounds: Bounds;
  /** Along the normal, 1, or against it, −1. */
  readonly toward: 1 | -1;
  readonly size: number;
}

/** Signs by their bit, without a branch: a processor guesses every second one wrong. */
function prepare(movable: Movable, of: Projection): void {
  const { at, rooms, pulls, signs } = movable;
  const { point, normal, bounds, toward, size } = of;
  const bits = new Int32Array(normal.of.buffer, normal.of.byteOffset + 4 * normal.start, size);
  const ends = Float64Array.of(bounds.max, bounds.min);
  if (toward < 0) ends.reverse();
  let count = 0;
  for (let i = 0; i < size; i++) {
    const negative = (bits[i] ?? 0) >>> 31;
    const room = Math.abs((ends[negative] ?? 0) - (point.of[point.start + i] ?? 0));
    const pull = Math.abs(normal.of[normal.start + i] ?? 0);
    at[count] = i;
    rooms[count] = room;
    pulls[count] = pull;
    signs[count] = toward * (1 - 2 * negative);
    count += room * pull === 0 ? 0 : 1;
  }
  movable.count = count;
}

/**
 * Every element moves to its bound or by one factor times its weight: its pull in L2, along the
 * normal, and one in L∞.
 */
function moveTogether(
  { count, at, rooms, pulls, signs }: Movable,
  goal: number,
  { norm, out }: { readonly norm: 'linf' | 'l2'; readonly out: Float64Array },
): number {
  let factor = 0;
  for (let step = 0; step < newtonStepsMax; step++) {
    let reached = 0;
    let slope = 0;
    for (let k = 0; k < count; k++) {
      const [room, pull] = [rooms[k] ?? 0, pulls[k] ?? 0];
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
  let length = 0;
  for (let k = 0; k < count; k++) {
    const moved = Math.min(factor * (norm === 'l2' ? (pulls[k] ?? 0) : 1), rooms[k] ?? 0);
    length = norm === 'l2' ? length + moved * moved : Math.max(length, moved);
    out[at[k] ?? 0] = moved * (signs[k] ?? 0);
  }
  return norm === 'l2' ? Math.sqrt(length) : length;
}

/** L1: the elements of the steepest pull move to their bounds, the last one part of the way. */
function takeSteepest(
  { count, at, rooms, pulls, signs }: Movable,
  goal: number,
  { order, out }: { readonly order: Int32Array; readonly out: Float64Array },
): number {
  for (let k = 0; k < count; k++) order[k] = k;
  let low = 0;
  let high = count - 1;
  let missing = goal;
  let length = 0;
  const move = (k: number, by: number): void => {
    length += by;
    out[at[k] ?? 0] = by * (signs[k] ?? 0);
  };
  const moveAll = (end: number): void => {
    for (let k = low; k < end; k++) move(order[k] ?? 0, rooms[order[k] ?? 0] ?? 0);
  };
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
      moveAll(split);
      move(pivot, Math.max(missing - without, 0) / (pulls[pivot] ?? 1));
      return length;
    }
    if (gain > missing) {
      const only = order[split] ?? 0;
      move(only, missing / (pulls[only] ?? 1));
      return length;
    }
    moveAll(split + 1);
    missing -= gain;
    low = split + 1;
  }
  return length;
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
