/** From a point that reaches the goal down to one that no move brings nearer to the row. */
import type { Constraints } from '../tabular/constraints.ts';
import { cellsOfRow } from './forest.ts';
import { cellMoves, changedVariables, costOf, leafSwaps, type Move, type Search } from './moves.ts';
import { type Point, pointAt } from './point.ts';
import { rowAt } from './reach.ts';

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

/** The end of a descent; `deep` also tries pairs of variables once nothing simple helps. */
export function descend(
  search: Search,
  start: Found,
  options: { readonly constraints?: Constraints; readonly deep?: boolean },
): Found {
  let best = start;
  for (let step = 0; step < stepsMax; step++) {
    const point = pointAt(search.forest, best.cells);
    const most = best.cost * (1 - leastGain);
    const simple = () => [
      ...cellMoves(search, point, most, changedVariables(search, point.cells)),
      ...leafSwaps(search, point, most),
    ];
    const next =
      firstValid(search, best, simple(), options.constraints) ??
      (options.deep
        ? firstValid(search, best, pairMoves(search, point, most), options.constraints)
        : undefined);
    if (next === undefined) return best;
    best = next;
  }
  return best;
}

function firstValid(
  search: Search,
  from: Found,
  moves: readonly Move[],
  constraints: Constraints | undefined,
): Found | undefined {
  const sorted = moves.toSorted((a, b) => a.cost - b.cost).slice(0, triedMax);
  for (const { changes } of sorted) {
    const cells = from.cells.slice();
    for (const [v, cell] of changes) cells[v] = cell;
    const found = rowOfCells(search, cells, constraints);
    if (found !== undefined && found.cost < from.cost * (1 - leastGain)) return found;
  }
  return undefined;
}

/** One variable goes back, wholly or by a cell, while another one makes up for it. */
function pairMoves(search: Search, point: Point, most: number): Move[] {
  const { forest, reach } = search;
  const found: Move[] = [];
  const all = forest.variables.keys();
  const every = [...all].filter((v) => (forest.treesOf[v]?.length ?? 0) > 0);
  for (const v of changedVariables(search, point.cells)) {
    const now = point.cells[v] ?? 0;
    const own = reach.own[v] ?? 0;
    const from = forest.offset[v] ?? 0;
    const beside = now > own ? reach.previous[from + now - 1] : reach.next[from + now + 1];
    for (const cell of new Set([own, beside ?? own])) {
      const cells = point.cells.slice();
      cells[v] = cell;
      const moved = pointAt(forest, cells);
      if (costOf(search, cells) >= most) continue;
      for (const { cost, changes } of cellMoves(search, moved, most, every)) {
        const both = changes.some(([u]) => u === v) ? changes : [...changes, [v, cell] as const];
        found.push({ cost, changes: both });
      }
    }
  }
  return found;
}
