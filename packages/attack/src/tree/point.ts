/** A point of the search: its cells, the leaf of every tree, their sums, and their common box. */
import { type Forest, leafAt } from './forest.ts';
import type { Goal } from './goal.ts';

/** Where the search stands. */
export interface Point {
  readonly cells: Int32Array;
  /** Leaf of each tree. */
  readonly leaf: Int32Array;
  /** Sums of the leaves' worths [rivals]. */
  readonly sums: Float64Array;
  /** Per variable the greatest lower bound of all leaves, whose tree it is, and the second. */
  readonly low: Int32Array;
  readonly lowTree: Int32Array;
  readonly lowNext: Int32Array;
  readonly high: Int32Array;
  readonly highTree: Int32Array;
  readonly highNext: Int32Array;
}

/** The point of some cells. */
export function pointAt(forest: Forest, goal: Goal, cells: Int32Array): Point {
  const { roots, last: most } = forest;
  const { rivals, worth } = goal;
  const count = most.length;
  const last = most.slice();
  const point: Point = {
    cells,
    leaf: new Int32Array(roots.length),
    sums: new Float64Array(rivals),
    low: new Int32Array(count),
    lowTree: new Int32Array(count).fill(-1),
    lowNext: new Int32Array(count),
    high: last,
    highTree: new Int32Array(count).fill(-1),
    highNext: last.slice(),
  };
  for (let tree = 0; tree < roots.length; tree++) {
    const leaf = leafAt(forest, tree, cells);
    point.leaf[tree] = leaf;
    for (let r = 0; r < rivals; r++) {
      point.sums[r] = (point.sums[r] ?? 0) + (worth[leaf * rivals + r] ?? 0);
    }
    narrow(forest, point, tree, leaf);
  }
  return point;
}

function narrow(forest: Forest, point: Point, tree: number, leaf: number): void {
  const { boxStart, boxVariable, boxLow, boxHigh } = forest;
  const { low, lowTree, lowNext, high, highTree, highNext } = point;
  for (let e = boxStart[leaf] ?? 0; e < (boxStart[leaf + 1] ?? 0); e++) {
    const v = boxVariable[e] ?? 0;
    const least = boxLow[e] ?? 0;
    const most = boxHigh[e] ?? 0;
    if (least > (low[v] ?? 0)) {
      lowNext[v] = low[v] ?? 0;
      low[v] = least;
      lowTree[v] = tree;
    } else if (least > (lowNext[v] ?? 0)) lowNext[v] = least;
    if (most < (high[v] ?? 0)) {
      highNext[v] = high[v] ?? 0;
      high[v] = most;
      highTree[v] = tree;
    } else if (most < (highNext[v] ?? 0)) highNext[v] = most;
  }
}
