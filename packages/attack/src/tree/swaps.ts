/**
 * Moves to a tuple of leaves in which one leaf is another one (Zhang, Zhang and Hsieh 2020,
 * section 3), for the trees whose leaf alone keeps the point from the row. The tree is walked down
 * with the box that the other trees leave; what leaves the box, or costs too much, is not entered.
 */
import type { BestMoves } from './best-moves.ts';
import { costOf, type Search } from './moves.ts';
import type { Point } from './point.ts';
import { nearestCell } from './reach.ts';

/** Swaps of one leaf that come nearer and reach the goal, into `found`. */
export function leafSwaps(
  search: Search,
  point: Point,
  changed: readonly number[],
  found: BestMoves,
): void {
  const { reach } = search;
  const trees = new Set<number>();
  for (const v of changed) {
    const above = (reach.own[v] ?? 0) < (point.cells[v] ?? 0);
    const tree = (above ? point.lowTree[v] : point.highTree[v]) ?? -1;
    const alone = above
      ? (point.lowNext[v] ?? 0) < (point.low[v] ?? 0)
      : (point.highNext[v] ?? 0) > (point.high[v] ?? 0);
    if (tree >= 0 && alone) trees.add(tree);
  }
  if (trees.size === 0) return;
  const box = { low: point.low.slice(), high: point.high.slice(), cells: point.cells.slice() };
  for (const tree of trees) swapsOf(search, point, tree, box, found);
}

/** The box that the other trees leave, and the point of it that is nearest to the row. */
interface Room {
  readonly low: Int32Array;
  readonly high: Int32Array;
  readonly cells: Int32Array;
}

function swapsOf(search: Search, point: Point, tree: number, box: Room, found: BestMoves): void {
  const { forest, reach } = search;
  const { boxStart, boxVariable } = forest;
  const old = point.leaf[tree] ?? 0;
  const from = boxStart[old] ?? 0;
  const to = boxStart[old + 1] ?? 0;
  // Without the tree's own leaf, the variables that it held go as near as the other trees let them.
  for (let e = from; e < to; e++) {
    const v = boxVariable[e] ?? 0;
    if (point.lowTree[v] === tree) box.low[v] = point.lowNext[v] ?? 0;
    if (point.highTree[v] === tree) box.high[v] = point.highNext[v] ?? 0;
    const cell = nearestCell(forest, reach, v, box.low[v] ?? 0, box.high[v] ?? 0);
    if (cell >= 0) box.cells[v] = cell;
  }
  const start = costOf(search, box.cells);
  if (start < found.limit())
    walkerOf(search, point, old, box, found)(forest.roots[tree] ?? 0, start);
  for (let e = from; e < to; e++) {
    const v = boxVariable[e] ?? 0;
    box.low[v] = point.low[v] ?? 0;
    box.high[v] = point.high[v] ?? 0;
    box.cells[v] = point.cells[v] ?? 0;
  }
}

function walkerOf(search: Search, point: Point, old: number, box: Room, found: BestMoves) {
  const { forest, reach, goal, measure } = search;
  const { variable, cut, left, right, offset } = forest;
  const { rivals, worth, worthBelow, guard } = goal;
  const sums = new Float64Array(rivals);
  const without = point.sums.map((sum, r) => sum - (worth[old * rivals + r] ?? 0));
  const reaches = (worths: Float64Array, at: number): boolean => {
    for (let r = 0; r < rivals; r++) sums[r] = (without[r] ?? 0) + (worths[at * rivals + r] ?? 0);
    return goal.margin(sums) > guard;
  };
  const end = (leaf: number, cost: number): void => {
    if (leaf === old || !reaches(worth, leaf)) return;
    found.add({ cost, changes: changesOf(point.cells, box.cells) });
  };

  /** Enters a side of a node with one end of a variable's range moved there. */
  const enter = (node: number, v: number, low: number, high: number, cost: number): void => {
    const cell = nearestCell(forest, reach, v, low, high);
    if (cell < 0) return;
    const now = box.cells[v] ?? 0;
    if (cell === now) {
      walk(node, cost);
      return;
    }
    const from = offset[v] ?? 0;
    const own = reach.cost[from + cell] ?? 0;
    const next = measure.greatest
      ? Math.max(cost, own)
      : cost + own - (reach.cost[from + now] ?? 0);
    if (!(next < found.limit())) return;
    box.cells[v] = cell;
    walk(node, next);
    box.cells[v] = now;
  };

  const walk = (node: number, cost: number): void => {
    if (node < 0) {
      end(~node, cost);
      return;
    }
    if (!reaches(worthBelow, node)) return;
    const v = variable[node] ?? 0;
    const last = cut[node] ?? 0;
    const low = box.low[v] ?? 0;
    const high = box.high[v] ?? 0;
    if (low <= last) {
      box.high[v] = Math.min(high, last);
      enter(left[node] ?? 0, v, low, Math.min(high, last), cost);
      box.high[v] = high;
    }
    if (high > last) {
      box.low[v] = Math.max(low, last + 1);
      enter(right[node] ?? 0, v, Math.max(low, last + 1), high, cost);
      box.low[v] = low;
    }
  };
  return walk;
}

function changesOf(from: Int32Array, to: Int32Array): [number, number][] {
  const changes: [number, number][] = [];
  for (let v = 0; v < to.length; v++) {
    const cell = to[v] ?? 0;
    if (cell !== from[v]) changes.push([v, cell]);
  }
  return changes;
}
