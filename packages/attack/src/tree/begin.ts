/**
 * Where the search for one row begins: the cheapest changes of one variable, greedy climbs, climbs
 * without a variable that the best end hangs on, and rows of the data of another class, brought
 * under the constraints and cut back at random. Climbs lead to the nearest rows; data make sure
 * that there is a start where no single change helps.
 */
import type { Random } from '@merlon/core';
import type { Constraints } from '../tabular/constraints.ts';
import { bestMoves } from './best-moves.ts';
import { climberOf } from './climb.ts';
import { type Found, rowOfCells } from './descend.ts';
import { cellsOfRow } from './forest.ts';
import { cellMoves, costOf, type Search } from './moves.ts';
import { pointAt } from './point.ts';
import { standAt } from './stand.ts';
import type { StartPool } from './start-pool.ts';

/** What starts are made from. */
export interface BeginOptions {
  readonly constraints?: Constraints;
  readonly pool: StartPool;
  readonly random: Random;
  readonly startsMax: number;
}

/** Starts of each kind. */
interface Effort {
  readonly kicks: number;
  readonly pool: number;
}

/** Where a descent costs little, more of them are made. */
const smallLeavesMax = 5000;
const manyStarts: Effort = { kicks: 8, pool: 10 };
const fewStarts: Effort = { kicks: 3, pool: 2 };
const singles = 3;
/** How much cost counts when a change is chosen: gain for its cost, between, and gain alone. */
const powers = [1, 0.5, 0];
const poolTries = 400;

/**
 * Up to `startsMax` rows that reach the goal, one at a time; `best` tells the best end so far,
 * beyond whose cost the later starts need not look.
 */
export function* begin(
  search: Search,
  options: BeginOptions,
  best: () => Found | undefined,
): Generator<Found> {
  const { constraints, startsMax, random } = options;
  let left = startsMax;
  const most = () => best()?.cost ?? Number.POSITIVE_INFINITY;
  const start = function* (cells: Int32Array | undefined): Generator<Found> {
    const found = cells && left > 0 ? rowOfCells(search, cells, constraints) : undefined;
    if (found === undefined) return;
    left--;
    yield found;
  };
  const own = pointAt(search.forest, search.goal, search.reach.own.slice());
  const single = bestMoves(singles, most());
  cellMoves(search, own, search.forest.tested, single);
  for (const { changes } of single.list) {
    const cells = own.cells.slice();
    for (const [v, cell] of changes) cells[v] = cell;
    yield* start(cells);
  }
  const climb = climberOf(search);
  for (const power of powers) yield* start(climb({ power, most: most() }));
  const effort = search.forest.boxStart.length > smallLeavesMax ? fewStarts : manyStarts;
  const banned = new Set<number>();
  for (let k = 0; k < effort.kicks; k++) {
    const without = dearest(search, best()?.cells, banned);
    if (without === undefined) break;
    banned.add(without);
    yield* start(climb({ power: 1, most: most(), without }));
  }
  for (const cells of fromPool(search, options, effort.pool)) {
    yield* start(cutBack(search, cells, random));
  }
  const none = left === startsMax;
  for (let k = 0; none && k < poolTries && left > startsMax - 3; k++) {
    yield* start(mixture(search, random));
  }
}

/** The changed variable that costs the most, of those not yet done without. */
function dearest(
  { forest, reach }: Search,
  cells: Int32Array | undefined,
  banned: ReadonlySet<number>,
): number | undefined {
  let most = 0;
  let at: number | undefined;
  cells?.forEach((cell, v) => {
    const cost = reach.cost[(forest.offset[v] ?? 0) + cell] ?? 0;
    if (cell === reach.own[v] || banned.has(v) || !(cost > most)) return;
    most = cost;
    at = v;
  });
  return at;
}

/** Cells of rows of the data that reach the goal: half the nearest, half at random. */
function fromPool(search: Search, options: BeginOptions, count: number): Int32Array[] {
  const { forest, reach, goal, measure } = search;
  const { pool, constraints, random } = options;
  if (count <= 0 || pool.rows === 0) return [];
  const found: { cells: Int32Array; cost: number }[] = [];
  for (const at of random.permutation(pool.rows).subarray(0, poolTries)) {
    if (constraints === undefined) {
      if (!pool.reaches(goal, at)) continue;
      found.push({ cells: pool.cells(at), cost: measure.of(pool.row(at), reach.original) });
      continue;
    }
    const row = pool.row(at).slice();
    if (!constraints.repair(row, reach.original)) continue;
    const cells = cellsOfRow(forest, row);
    if (cells.includes(-1) || !goal.answers(cells)) continue;
    found.push({ cells, cost: measure.of(row, reach.original) });
  }
  const near = found.toSorted((a, b) => a.cost - b.cost).slice(0, Math.ceil(count / 2));
  const taken = new Set(near);
  const others = found.filter((each) => !taken.has(each)).slice(0, count - near.length);
  return [...near, ...others].map(({ cells }) => cells);
}

/** Puts variables back to the row's own cells in a random order while the goal stays reached. */
function cutBack(search: Search, start: Int32Array, random: Random): Int32Array {
  const { forest, reach, goal } = search;
  const { cells, keepAt } = standAt(forest, goal, start.slice());
  for (const v of random.permutation(cells.length)) {
    const own = reach.own[v] ?? 0;
    if (cells[v] !== own) keepAt(v, own);
  }
  // A cell that the row's own value cannot move to is replaced by the nearest one.
  if (costOf(search, cells) === Infinity) {
    for (let v = 0; v < cells.length; v++) {
      const from = forest.offset[v] ?? 0;
      if (reach.cost[from + (cells[v] ?? 0)] !== Infinity) continue;
      const near = reach.next[from + (cells[v] ?? 0)] ?? -1;
      const back = reach.previous[from + (cells[v] ?? 0)] ?? -1;
      cells[v] = near >= 0 ? near : back >= 0 ? back : (reach.own[v] ?? 0);
    }
  }
  return cells;
}

function mixture({ forest, reach }: Search, random: Random): Int32Array {
  return Int32Array.from(forest.variables, ({ count }, v) => {
    const own = reach.own[v] ?? 0;
    const cell = random.integer(count);
    return reach.cost[(forest.offset[v] ?? 0) + cell] === Infinity ? own : cell;
  });
}
