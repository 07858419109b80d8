/** From a point that reaches the goal down to one that no move brings nearer to the row. */
import type { Constraints } from '../tabular/constraints.ts';
import { type BestMoves, bestMoves } from './best-moves.ts';
import { cellsOfRow } from './forest.ts';
import { cellMoves, changedVariables, costOf, type Search } from './moves.ts';
import { type Point, pointAt } from './point.ts';
import { rowAt } from './reach.ts';
import { leafSwaps } from './swaps.ts';

/** A row that reaches the goal. */
export interface Found {
  readonly row: Float32Array;
  readonly cells: Int32Array;
  /** Cost of the row as it is, relations repaired. */
  readonly cost: number;
}

/** Relative gain below which a move is not worth making. */
const leastGain = 1e-9;
const stepsMax = 400;
const triedMax = 12;

/**
 * The row of some cells, repaired where relations are broken, if it is valid and reaches the goal
 * for certain.
 */
export function rowOfCells(
  search: Search,
  cells: Int32Array,
  constraints: Constraints | undefined,
): Found | undefined {
  const { forest, reach, goal, measure } = search;
  const row = rowAt(forest, reach, cells);
  if (constraints === undefined || !constraints.related) {
    return goal.reached(cells) ? { row, cells, cost: costOf(search, cells) } : undefined;
  }
  if (!constraints.repair(row, reach.original)) return undefined;
  const own = cellsOfRow(forest, row);
  if (!goal.reached(own)) return undefined;
  const sum = measure.of(row, reach.original);
  return { row, cells: own, cost: measure.greatest ? sum + costOf(search, own) * 1e-9 : sum };
}

/** How a descent goes. */
export interface DescendOptions {
  readonly constraints?: Constraints;
  /** Also tries pairs of variables once nothing simple helps. */
  readonly deep?: boolean;
  /** Points that other descents have met. */
  readonly met?: Set<string>;
}

/** The end of a descent; undefined when it comes to where another one has been. */
export function descend(search: Search, start: Found, options: DescendOptions): Found | undefined {
  let best = start;
  for (let step = 0; step < stepsMax; step++) {
    const point = pointAt(search.forest, search.goal, best.cells);
    const changed = changedVariables(search, best.cells);
    if (options.met !== undefined) {
      const key = changed.map((v) => `${v} ${best.cells[v]}`).join();
      if (options.met.has(key)) return undefined;
      options.met.add(key);
    }
    const most = best.cost * (1 - leastGain);
    const from = { search, best, most, constraints: options.constraints };
    const next =
      bestValid(from, (moves) => {
        cellMoves(search, point, byCost(search, changed, best.cells), moves);
        leafSwaps(search, point, changed, moves);
      }) ??
      (options.deep
        ? bestValid(from, (moves) => pairMoves(search, point, changed, moves))
        : undefined);
    if (next === undefined) return best;
    best = next;
  }
  return best;
}

/** The dearest first: what is found there leaves less to look at in the others. */
function byCost({ forest, reach }: Search, changed: readonly number[], cells: Int32Array) {
  const cost = (v: number) => reach.cost[(forest.offset[v] ?? 0) + (cells[v] ?? 0)] ?? 0;
  return changed.toSorted((a, b) => cost(b) - cost(a));
}

interface From {
  readonly search: Search;
  readonly best: Found;
  readonly most: number;
  readonly constraints: Constraints | undefined;
}

/**
 * The row of the cheapest move that holds. Only relations, and rarely rounding, take a move back:
 * only then further ones are kept.
 */
function bestValid(from: From, collect: (moves: BestMoves) => void): Found | undefined {
  const { search, best, most, constraints } = from;
  for (const kept of constraints?.related ? [triedMax] : [1, triedMax]) {
    const moves = bestMoves(kept, most);
    collect(moves);
    if (moves.list.length === 0) return undefined;
    for (const { changes } of moves.list) {
      const cells = best.cells.slice();
      for (const [v, cell] of changes) cells[v] = cell;
      const found = rowOfCells(search, cells, constraints);
      if (found !== undefined && found.cost < best.cost * (1 - leastGain)) return found;
    }
  }
  return undefined;
}

/** One variable goes back, wholly or by a cell, while another one makes up for it. */
function pairMoves(
  search: Search,
  point: Point,
  changed: readonly number[],
  found: BestMoves,
): void {
  const { forest, reach, goal } = search;
  for (const v of changed) {
    const now = point.cells[v] ?? 0;
    const own = reach.own[v] ?? 0;
    const from = forest.offset[v] ?? 0;
    const beside = now > own ? reach.previous[from + now - 1] : reach.next[from + now + 1];
    for (const cell of new Set([own, beside ?? own])) {
      const cells = point.cells.slice();
      cells[v] = cell;
      if (costOf(search, cells) >= found.limit()) continue;
      cellMoves(search, pointAt(forest, goal, cells), forest.tested, {
        list: [],
        limit: found.limit,
        add: ({ cost, changes }) => {
          const both = changes.some(([u]) => u === v) ? changes : [...changes, [v, cell] as const];
          found.add({ cost, changes: both });
        },
      });
    }
  }
}
