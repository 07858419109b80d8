/**
 * What a point of the search costs, and where one variable can go from it: to the cheapest cell at
 * which the goal stays reached.
 */
import type { BestMoves } from './best-moves.ts';
import type { Forest } from './forest.ts';
import type { Goal } from './goal.ts';
import type { Measure } from './measure.ts';
import type { Point } from './point.ts';
import type { Profile } from './profile.ts';
import { nearestCell, type Reach } from './reach.ts';

/** What moves are made with. */
export interface Search {
  readonly forest: Forest;
  readonly reach: Reach;
  readonly measure: Measure;
  readonly goal: Goal;
  readonly profile: Profile;
}

/** Where the greatest change counts, this share of the sum of all tells ties. */
export const greatestTie = 1e-5;

/** Adds up costs of variables, or takes the greatest with a little of the sum to tell ties. */
export function costOf(search: Search, cells: Int32Array, except = -1): number {
  const { forest, reach, measure } = search;
  let total = 0;
  let most = 0;
  for (let v = 0; v < cells.length; v++) {
    if (cells[v] === reach.own[v] || v === except) continue;
    const own = reach.cost[(forest.offset[v] ?? 0) + (cells[v] ?? 0)] ?? 0;
    total += own;
    most = Math.max(most, own);
  }
  return measure.greatest ? most + total * greatestTie : total;
}

/** Variables whose cell is not the row's own. */
export function changedVariables({ reach }: Search, cells: Int32Array): number[] {
  const changed: number[] = [];
  for (let v = 0; v < cells.length; v++) if (cells[v] !== reach.own[v]) changed.push(v);
  return changed;
}

/** The cells of a variable around the row's own that cost less than a budget. */
export function affordable(search: Search, v: number, budget: number): [low: number, high: number] {
  const { forest, reach } = search;
  const from = forest.offset[v] ?? 0;
  const last = forest.last[v] ?? 0;
  const own = reach.own[v] ?? 0;
  if (budget === Number.POSITIVE_INFINITY) return [0, last];
  let low = 0;
  for (let high = own; low < high; ) {
    const middle = (low + high) >> 1;
    if ((reach.least[from + middle] ?? 0) < budget) high = middle;
    else low = middle + 1;
  }
  let high = last;
  for (let below = own; below < high; ) {
    const middle = (below + high + 1) >> 1;
    if ((reach.least[from + middle] ?? 0) < budget) below = middle;
    else high = middle - 1;
  }
  return [low, high];
}

/**
 * Moves of one variable to another cell that reach the goal, the cheapest of each variable, into
 * `found`; `variables` limits which are tried.
 */
export function cellMoves(
  search: Search,
  point: Point,
  variables: ArrayLike<number>,
  found: BestMoves,
): void {
  const { forest, reach, profile, measure, goal } = search;
  const whole = costOf(search, point.cells);
  for (let k = 0; k < variables.length; k++) {
    const v = variables[k] ?? 0;
    const from = forest.offset[v] ?? 0;
    const now = point.cells[v] ?? 0;
    const rest = now === reach.own[v] ? whole : costOf(search, point.cells, v);
    const most = found.limit();
    if (rest >= most) continue;
    const [low, high] = affordable(search, v, measure.greatest ? most : most - rest);
    if (low === high) continue;
    const count = profile.fill(point, v, low, high);
    const { start, margin } = profile;
    let best = most;
    let at = -1;
    for (let i = 0; i < count; i++) {
      if (!((margin[i] ?? 0) > goal.guard)) continue;
      const cell = nearestCell(forest, reach, v, start[i] ?? 0, (start[i + 1] ?? 0) - 1);
      if (cell < 0) continue;
      const own = reach.cost[from + cell] ?? 0;
      const cost = measure.greatest ? Math.max(rest, own * (1 + greatestTie)) : rest + own;
      if (cost >= best || cell === now) continue;
      best = cost;
      at = cell;
    }
    if (at >= 0) found.add({ cost: best, changes: [[v, at]] });
  }
}
