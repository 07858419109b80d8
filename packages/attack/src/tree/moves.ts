/**
 * Where the search can go from a point: to a tuple of leaves in which one leaf is another one
 * (Zhang, Zhang and Hsieh 2020, section 3, restricted to trees whose leaf keeps the point from the
 * row), or to another cell of one variable.
 */
import type { Forest } from './forest.ts';
import type { Goal } from './goal.ts';
import type { Measure } from './measure.ts';
import type { Point } from './point.ts';
import type { Profile } from './profile.ts';
import { nearestCell, type Reach } from './reach.ts';

/** A point that reaches the goal, and what it costs. */
export interface Move {
  readonly cost: number;
  /** Variables and the cells that they move to. */
  readonly changes: readonly (readonly [variable: number, cell: number])[];
}

/** What moves are made with. */
export interface Search {
  readonly forest: Forest;
  readonly reach: Reach;
  readonly measure: Measure;
  readonly goal: Goal;
  readonly profile: Profile;
}

/** Adds up costs of variables, or takes the greatest with a little of the sum to tell ties. */
export function costOf(search: Search, cells: Int32Array): number {
  const { forest, reach, measure } = search;
  let total = 0;
  let most = 0;
  for (let v = 0; v < cells.length; v++) {
    if (cells[v] === reach.own[v]) continue;
    const own = reach.cost[(forest.offset[v] ?? 0) + (cells[v] ?? 0)] ?? 0;
    total += own;
    most = Math.max(most, own);
  }
  return measure.greatest ? most + total * greatestTie : total;
}

const greatestTie = 1e-5;

/** Variables whose cell is not the row's own. */
export function changedVariables({ reach }: Search, cells: Int32Array): number[] {
  const changed: number[] = [];
  for (let v = 0; v < cells.length; v++) if (cells[v] !== reach.own[v]) changed.push(v);
  return changed;
}

/** Swaps of one leaf that come nearer than `most` and reach the goal. */
export function leafSwaps(search: Search, point: Point, most: number): Move[] {
  const { forest, reach } = search;
  const trees = new Set<number>();
  for (const v of changedVariables(search, point.cells)) {
    const above = (reach.own[v] ?? 0) < (point.cells[v] ?? 0);
    const tree = (above ? point.lowTree[v] : point.highTree[v]) ?? -1;
    const alone = above
      ? (point.lowNext[v] ?? 0) < (point.low[v] ?? 0)
      : (point.highNext[v] ?? 0) > (point.high[v] ?? 0);
    if (tree >= 0 && alone) trees.add(tree);
  }
  const found: Move[] = [];
  const sums = new Float64Array(forest.targets);
  for (const tree of trees) swapsOf(search, point, tree, most, sums, found);
  return found;
}

function swapsOf(
  search: Search,
  point: Point,
  tree: number,
  most: number,
  sums: Float64Array,
  found: Move[],
): void {
  const { forest, reach, goal } = search;
  const { boxStart, boxVariable, boxLow, boxHigh, weight, targets, leafStart } = forest;
  const old = point.leaf[tree] ?? 0;
  const lowOf = (v: number) => (point.lowTree[v] === tree ? point.lowNext[v] : point.low[v]) ?? 0;
  const highOf = (v: number) =>
    (point.highTree[v] === tree ? point.highNext[v] : point.high[v]) ?? 0;
  // Without the tree's own leaf, the variables that it held go as near as the other trees let them.
  const relaxed = point.cells.slice();
  for (let e = boxStart[old] ?? 0; e < (boxStart[old + 1] ?? 0); e++) {
    const v = boxVariable[e] ?? 0;
    const cell = nearestCell(forest, reach, v, lowOf(v), highOf(v));
    if (cell >= 0) relaxed[v] = cell;
  }
  const start = costOf(search, relaxed);
  for (let leaf = leafStart[tree] ?? 0; leaf < (leafStart[tree + 1] ?? 0); leaf++) {
    if (leaf === old) continue;
    let possible = true;
    let added = start;
    for (let e = boxStart[leaf] ?? 0; possible && e < (boxStart[leaf + 1] ?? 0); e++) {
      const v = boxVariable[e] ?? 0;
      const low = Math.max(boxLow[e] ?? 0, lowOf(v));
      const high = Math.min(boxHigh[e] ?? 0, highOf(v));
      const cell = low > high ? -1 : nearestCell(forest, reach, v, low, high);
      possible = cell >= 0;
      if (!possible || cell === relaxed[v]) continue;
      const from = forest.offset[v] ?? 0;
      const more = (reach.cost[from + cell] ?? 0) - (reach.cost[from + (relaxed[v] ?? 0)] ?? 0);
      added = search.measure.greatest
        ? Math.max(added, reach.cost[from + cell] ?? 0)
        : added + more;
      if (added >= most) possible = false;
    }
    if (!possible) continue;
    for (let k = 0; k < targets; k++) {
      const swapped = (weight[leaf * targets + k] ?? 0) - (weight[old * targets + k] ?? 0);
      sums[k] = (point.sums[k] ?? 0) + swapped;
    }
    if (!(goal.margin(sums) > goal.guard)) continue;
    const move = swapTo(search, relaxed, leaf, lowOf, highOf, point.cells);
    if (move.cost < most) found.push(move);
  }
}

function swapTo(
  search: Search,
  relaxed: Int32Array,
  leaf: number,
  lowOf: (v: number) => number,
  highOf: (v: number) => number,
  from: Int32Array,
): Move {
  const { forest, reach } = search;
  const { boxStart, boxVariable, boxLow, boxHigh } = forest;
  const cells = relaxed.slice();
  for (let e = boxStart[leaf] ?? 0; e < (boxStart[leaf + 1] ?? 0); e++) {
    const v = boxVariable[e] ?? 0;
    const low = Math.max(boxLow[e] ?? 0, lowOf(v));
    cells[v] = nearestCell(forest, reach, v, low, Math.min(boxHigh[e] ?? 0, highOf(v)));
  }
  return { cost: costOf(search, cells), changes: changesOf(from, cells) };
}

function changesOf(from: Int32Array, to: Int32Array): [number, number][] {
  const changes: [number, number][] = [];
  to.forEach((cell, v) => {
    if (cell !== from[v]) changes.push([v, cell]);
  });
  return changes;
}

/**
 * Moves of one variable to another cell that come nearer than `most` and reach the goal, the
 * cheapest of each variable; `variables` limits which are tried.
 */
export function cellMoves(
  search: Search,
  point: Point,
  most: number,
  variables: Iterable<number>,
): Move[] {
  const { forest, reach, goal, profile, measure } = search;
  const { targets, offset } = forest;
  const found: Move[] = [];
  for (const v of variables) {
    const from = offset[v] ?? 0;
    const count = (offset[v + 1] ?? 0) - from;
    if (count < 2) continue;
    profile.fill(point.cells, point.sums, point.leaf, v);
    const trial = point.cells.slice();
    trial[v] = reach.own[v] ?? 0;
    const rest = costOf(search, trial);
    let best = most;
    let at = -1;
    for (let cell = 0; cell < count; cell++) {
      const own = reach.cost[from + cell] ?? 0;
      if (own === Infinity || cell === point.cells[v]) continue;
      const cost = measure.greatest ? Math.max(rest, own * (1 + greatestTie)) : rest + own;
      if (cost >= best) continue;
      const start = (from + cell) * targets;
      if (!(goal.margin(profile.sums.subarray(start, start + targets)) > goal.guard)) continue;
      best = cost;
      at = cell;
    }
    if (at < 0) continue;
    trial[v] = at;
    const cost = costOf(search, trial);
    if (cost < most) found.push({ cost, changes: [[v, at]] });
  }
  return found;
}
