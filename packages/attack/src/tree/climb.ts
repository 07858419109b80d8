/** A greedy way to the goal: one change of one variable after another, the most helpful first. */
import { affordable, costOf, type Search } from './moves.ts';
import { type Point, pointAt } from './point.ts';
import { nearestCell } from './reach.ts';

/** How a climb chooses. */
export interface ClimbOptions {
  /** How much the cost of a change counts against its gain: 0 not at all, 1 in proportion. */
  readonly power: number;
  /** Cost beyond which nothing matters. */
  readonly most: number;
  /** A variable that stays as it is. */
  readonly without?: number;
}

const changesMax = 60;

/** Cells that reach the goal; undefined when no change helps any more. */
export function climb(search: Search, options: ClimbOptions): Int32Array | undefined {
  const { forest, reach, goal } = search;
  const cells = reach.own.slice();
  for (let k = 0; k < changesMax; k++) {
    const point = pointAt(forest, goal, cells);
    if (goal.margin(point.sums) > goal.guard) return cells;
    const move = mostHelpful(search, point, options);
    if (move === undefined) return undefined;
    cells[move.variable] = move.cell;
  }
  return undefined;
}

function mostHelpful(search: Search, point: Point, { power, most, without }: ClimbOptions) {
  const { forest, reach, goal, profile, measure } = search;
  const now = goal.margin(point.sums);
  const spent = costOf(search, point.cells);
  let best = 0;
  let move: { variable: number; cell: number } | undefined;
  for (const v of forest.tested) {
    if (v === without) continue;
    const from = forest.offset[v] ?? 0;
    const at = point.cells[v] ?? 0;
    const before = reach.cost[from + at] ?? 0;
    const [low, high] = affordable(search, v, measure.greatest ? most : most - spent + before);
    if (low === high) continue;
    const count = profile.fill(point, v, low, high);
    const { start, margin } = profile;
    for (let i = 0; i < count; i++) {
      // Beyond the goal nothing more is gained.
      const gain = Math.min(margin[i] ?? 0, 2 * goal.guard) - now;
      if (!(gain > 0)) continue;
      const cell = nearestCell(forest, reach, v, start[i] ?? 0, (start[i + 1] ?? 0) - 1);
      if (cell < 0 || cell === at) continue;
      const extra = Math.max((reach.cost[from + cell] ?? 0) - before, 1e-12);
      const worth = gain / extra ** power;
      if (!(worth > best)) continue;
      best = worth;
      move = { variable: v, cell };
    }
  }
  return move;
}
