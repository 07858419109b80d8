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

/** One change of one variable that leads towards the goal. */
interface Change {
  readonly variable: number;
  readonly cell: number;
  readonly gain: number;
  /** What it costs beyond where the variable stands. */
  readonly extra: number;
}

const changesMax = 60;

/**
 * A climber from a row: gives cells that reach the goal, or undefined when no change helps any
 * more. The changes of the row itself are looked at once for all its climbs.
 */
export function climberOf(search: Search): (options: ClimbOptions) => Int32Array | undefined {
  const { forest, reach, goal } = search;
  let first: Change[] | undefined;
  return (options) => {
    const cells = reach.own.slice();
    for (let k = 0; k < changesMax; k++) {
      const point = pointAt(forest, goal, cells);
      if (goal.margin(point.sums) > goal.guard) return cells;
      const choice = choiceOf(options);
      if (k === 0) {
        first ??= firstChanges(search, point);
        for (const { variable, cell, gain, extra } of first) {
          if (extra < options.most) choice.offer(variable, cell, gain, extra);
        }
      } else visitChanges(search, point, options.most, choice.offer);
      const move = choice.best();
      if (move === undefined) return undefined;
      cells[move.variable] = move.cell;
    }
    return undefined;
  };
}

type Offer = (variable: number, cell: number, gain: number, extra: number) => void;

/** Keeps the change that is worth the most. */
function choiceOf({ power, without }: ClimbOptions) {
  let best = 0;
  let move: { readonly variable: number; readonly cell: number } | undefined;
  const offer: Offer = (variable, cell, gain, extra) => {
    const worth = gain / extra ** power;
    if (!(worth > best) || variable === without) return;
    best = worth;
    move = { variable, cell };
  };
  return { offer, best: () => move };
}

function firstChanges(search: Search, point: Point): Change[] {
  const found: Change[] = [];
  visitChanges(search, point, Number.POSITIVE_INFINITY, (variable, cell, gain, extra) => {
    found.push({ variable, cell, gain, extra });
  });
  return found;
}

/** Every change of one variable within a cost that leads towards the goal. */
function visitChanges(search: Search, point: Point, most: number, offer: Offer): void {
  const { forest, reach, goal, profile, measure } = search;
  const now = goal.margin(point.sums);
  const spent = costOf(search, point.cells);
  for (const v of forest.tested) {
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
      offer(v, cell, gain, Math.max((reach.cost[from + cell] ?? 0) - before, 1e-12));
    }
  }
}
