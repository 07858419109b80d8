/**
 * How far the sums of an ensemble can go inside a box. Tree by tree, the best leaf that the box
 * reaches; or tighter, over groups of trees whose leaves must meet in one point (the cliques of
 * Chen, Zhang, Si, Li, Boning and Hsieh 2019, "Robustness Verification of Tree-based Models").
 */
import type { Forest } from '../forest.ts';
import type { Goal } from '../goal.ts';

/** A box of cells. */
export interface CellBox {
  readonly low: Int32Array;
  readonly high: Int32Array;
}

/** Bounds of the goal's margin in boxes. */
export interface MarginBound {
  /** At least the greatest margin of any point of the box. */
  most(box: CellBox): number;
}

/**
 * A bound that joins `together` trees at a time (1: tree by tree). For more than two classes the
 * margin against each class is bounded and the greatest taken.
 */
export function marginBound(forest: Forest, goal: Goal, together: number): MarginBound {
  const { roots } = forest;
  const worths = worthsOf(goal);
  const of = (worth: Float64Array, box: CellBox): number => {
    let total = 0;
    for (let first = 0; first < roots.length; first += together) {
      const last = Math.min(first + together, roots.length);
      total += bestTuple(forest, worth, box, first, last);
    }
    return total;
  };
  return { most: (box) => goal.margin(Float64Array.from(worths, (worth) => of(worth, box))) };
}

/** What each leaf adds to each margin, one list a margin. */
function worthsOf({ rivals, worth }: Goal): Float64Array[] {
  return Array.from({ length: rivals }, (_, r) => {
    return Float64Array.from({ length: worth.length / rivals }, (__, leaf) => {
      return worth[leaf * rivals + r] ?? 0;
    });
  });
}

/** The greatest sum of one leaf of each tree from `first` to `last` that meet inside the box. */
function bestTuple(
  forest: Forest,
  worth: Float64Array,
  box: CellBox,
  first: number,
  last: number,
): number {
  if (last - first === 1) return bestLeaf(forest, worth, box, first);
  let best = Number.NEGATIVE_INFINITY;
  for (const leaf of leavesIn(forest, box, first)) {
    const inner = meet(forest, box, leaf);
    const rest = bestTuple(forest, worth, inner, first + 1, last);
    best = Math.max(best, (worth[leaf] ?? 0) + rest);
  }
  return best;
}

function bestLeaf(forest: Forest, worth: Float64Array, box: CellBox, tree: number): number {
  let best = Number.NEGATIVE_INFINITY;
  for (const leaf of leavesIn(forest, box, tree)) best = Math.max(best, worth[leaf] ?? 0);
  return best;
}

/** The leaves of a tree that a box reaches. */
export function leavesIn(forest: Forest, box: CellBox, tree: number): number[] {
  const { variable, cut, left, right, roots } = forest;
  const found: number[] = [];
  const open = [roots[tree] ?? 0];
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node < 0) {
      found.push(~node);
      continue;
    }
    const v = variable[node] ?? 0;
    const end = cut[node] ?? 0;
    if ((box.high[v] ?? 0) > end) open.push(right[node] ?? 0);
    if ((box.low[v] ?? 0) <= end) open.push(left[node] ?? 0);
  }
  return found;
}

/** The part of a box that lies in a leaf's own. */
export function meet(forest: Forest, box: CellBox, leaf: number): CellBox {
  const low = box.low.slice();
  const high = box.high.slice();
  for (let e = forest.boxStart[leaf] ?? 0; e < (forest.boxStart[leaf + 1] ?? 0); e++) {
    const v = forest.boxVariable[e] ?? 0;
    low[v] = Math.max(low[v] ?? 0, forest.boxLow[e] ?? 0);
    high[v] = Math.min(high[v] ?? 0, forest.boxHigh[e] ?? 0);
  }
  return { low, high };
}
