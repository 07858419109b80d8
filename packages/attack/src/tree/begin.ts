/**
 * Where the search for one row begins: the cheapest change of one variable, greedy climbs, and
 * rows of the data of another class, brought under the constraints and cut back at random.
 */
import type { Random } from '@merlon/core';
import type { Constraints } from '../tabular/constraints.ts';
import { bestMoves } from './best-moves.ts';
import { type Found, rowOfCells } from './descend.ts';
import { cellsOfRow } from './forest.ts';
import { affordable, cellMoves, costOf, type Search } from './moves.ts';
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

const climbsMax = 60;
const poolTries = 400;

/**
 * Up to `startsMax` rows that reach the goal, one at a time; `most` tells the cost of the best
 * end so far, beyond which the later, dearer starts need not look.
 */
export function* begin(
  search: Search,
  options: BeginOptions,
  most: () => number,
): Generator<Found> {
  const { constraints, startsMax, random } = options;
  let left = startsMax;
  const start = function* (cells: Int32Array | undefined): Generator<Found> {
    const found = cells && left > 0 ? rowOfCells(search, cells, constraints) : undefined;
    if (found === undefined) return;
    left--;
    yield found;
  };
  for (const cells of fromPool(search, options, startsMax - climbing)) {
    yield* start(cutBack(search, cells, random));
  }
  const own = pointAt(search.forest, search.goal, search.reach.own.slice());
  const every = search.forest.tested;
  const single = bestMoves(climbing - 2, most());
  cellMoves(search, own, every, single);
  for (const { changes } of single.list) {
    const cells = own.cells.slice();
    for (const [v, cell] of changes) cells[v] = cell;
    yield* start(cells);
  }
  for (const byCost of [true, false]) yield* start(climb(search, every, byCost, most()));
  const none = left === startsMax;
  for (let k = 0; none && k < poolTries && left > startsMax - 3; k++) {
    yield* start(mixture(search, random));
  }
}

/** Starts kept for single changes and climbs. */
const climbing = 5;

/** The change that helps most (for its cost), again and again until the goal is reached. */
function climb(
  search: Search,
  every: Int32Array,
  byCost: boolean,
  most: number,
): Int32Array | undefined {
  const { forest, reach, goal, profile, measure } = search;
  const { offset } = forest;
  const { margins } = profile;
  const cells = reach.own.slice();
  for (let k = 0; k < climbsMax; k++) {
    const point = pointAt(forest, goal, cells);
    const now = goal.margin(point.sums);
    if (now > goal.guard) return cells;
    const spent = costOf(search, cells);
    let best = 0;
    let move: [number, number] | undefined;
    for (const v of every) {
      const from = offset[v] ?? 0;
      const before = reach.cost[from + (cells[v] ?? 0)] ?? 0;
      const budget = measure.greatest ? most : most - spent + before;
      const [low, high] = affordable(search, v, budget);
      if (low === high) continue;
      profile.fill(point, v, low, high);
      for (let cell = low; cell <= high; cell++) {
        const cost = reach.cost[from + cell] ?? Infinity;
        if (cost === Infinity || cell === cells[v]) continue;
        // Beyond the goal nothing more is gained.
        const gain = Math.min(margins[from + cell] ?? 0, 2 * goal.guard) - now;
        const worth = byCost ? gain / Math.max(cost - before, 1e-12) : gain;
        if (gain > 0 && worth > best) {
          best = worth;
          move = [v, cell];
        }
      }
    }
    if (move === undefined) return undefined;
    cells[move[0]] = move[1];
  }
  return undefined;
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
