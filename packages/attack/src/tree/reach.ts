/** What one row can be moved to: for each cell of each variable the nearest valid value. */
import { ceilFloat32, floorFloat32 } from '../batch.ts';
import type { Constraints } from '../tabular/constraints.ts';
import type { Bounds } from '../threat.ts';
import { cellsOfRow, type Forest } from './forest.ts';
import type { Measure } from './measure.ts';

/** The cells around one row, flat as `Forest.offset` counts them. */
export interface Reach {
  readonly original: Float32Array;
  /** The row's own cell of each variable. */
  readonly own: Int32Array;
  /** Cost of moving there; infinite where no valid value lies. */
  readonly cost: Float64Array;
  /** What the cell, or the last one before it that has a valid value, costs: rises outwards. */
  readonly least: Float64Array;
  /** The value there (for groups unused). */
  readonly value: Float32Array;
  /** The next valid cell at or after, and at or before, each cell of its variable; −1 for none. */
  readonly next: Int32Array;
  readonly previous: Int32Array;
}

/** What limits values: a table's constraints, or bounds of every element. */
export interface Limits {
  readonly constraints?: Constraints;
  readonly bounds?: Bounds;
}

/** The reach of a row, or undefined when a one-hot group of it has not exactly one member. */
export function reachOf(
  forest: Forest,
  original: Float32Array,
  measure: Measure,
  { constraints, bounds }: Limits,
): Reach | undefined {
  const own = cellsOfRow(forest, original);
  if (own.includes(-1)) return undefined;
  const total = forest.offset[forest.variables.length] ?? 0;
  const cost = new Float64Array(total);
  const value = new Float32Array(total);
  const low = bounds === undefined ? Number.NEGATIVE_INFINITY : ceilFloat32(bounds.min);
  const high = bounds === undefined ? Number.POSITIVE_INFINITY : floorFloat32(bounds.max);
  forest.variables.forEach(({ columns, cells, count }, v) => {
    const from = forest.offset[v] ?? 0;
    const [column = 0] = columns;
    const at = own[v] ?? 0;
    for (let cell = 0; cell < count; cell++) {
      if (cells === undefined) {
        const fixed = constraints?.features[column]?.mutable === false;
        if (cell !== at) cost[from + cell] = fixed ? Infinity : measure.groupCost(v);
        continue;
      }
      const span = { low: cells.low[cell] ?? 0, high: cells.high[cell] ?? 0 };
      const now = original[column] ?? 0;
      let near: number;
      if (cell === at) near = now;
      else if (constraints !== undefined) near = constraints.nearest(column, now, span);
      else {
        const [least, most] = [Math.max(span.low, low), Math.min(span.high, high)];
        near = least > most ? Number.NaN : Math.min(Math.max(now, least), most);
      }
      value[from + cell] = near;
      cost[from + cell] = Number.isNaN(near) ? Infinity : measure.cost(column, near - now);
    }
  });
  const least = leastOutwards(forest, own, cost);
  return { original, own, cost, least, value, ...neighbours(forest, cost) };
}

function leastOutwards(forest: Forest, own: Int32Array, cost: Float64Array): Float64Array {
  const least = new Float64Array(cost.length);
  for (let v = 0; v < own.length; v++) {
    const from = forest.offset[v] ?? 0;
    const at = from + (own[v] ?? 0);
    const end = from + (forest.last[v] ?? 0);
    let before = 0;
    for (let cell = at + 1; cell <= end; cell++) {
      if (cost[cell] !== Infinity) before = cost[cell] ?? 0;
      least[cell] = before;
    }
    before = 0;
    for (let cell = at - 1; cell >= from; cell--) {
      if (cost[cell] !== Infinity) before = cost[cell] ?? 0;
      least[cell] = before;
    }
  }
  return least;
}

function neighbours(forest: Forest, cost: Float64Array) {
  const next = new Int32Array(cost.length);
  const previous = new Int32Array(cost.length);
  forest.variables.forEach(({ count }, v) => {
    const from = forest.offset[v] ?? 0;
    let last = -1;
    for (let cell = 0; cell < count; cell++) {
      if (cost[from + cell] !== Infinity) last = cell;
      previous[from + cell] = last;
    }
    last = -1;
    for (let cell = count - 1; cell >= 0; cell--) {
      if (cost[from + cell] !== Infinity) last = cell;
      next[from + cell] = last;
    }
  });
  return { next, previous };
}

/** The valid cell of a variable in a range that is nearest to the row's own; −1 for none. */
export function nearestCell(
  forest: Forest,
  reach: Reach,
  variable: number,
  low: number,
  high: number,
): number {
  const own = reach.own[variable] ?? 0;
  const from = forest.offset[variable] ?? 0;
  if (low > high) return -1;
  if (own < low) {
    const cell = reach.next[from + low] ?? -1;
    return cell <= high ? cell : -1;
  }
  if (own > high) {
    const cell = reach.previous[from + high] ?? -1;
    return cell >= low ? cell : -1;
  }
  return own;
}

/** The row of a point of cells: the nearest valid value of each. */
export function rowAt(forest: Forest, reach: Reach, cells: Int32Array): Float32Array {
  const row = reach.original.slice();
  forest.variables.forEach(({ columns, cells: own }, v) => {
    const cell = cells[v] ?? 0;
    if (cell === reach.own[v]) return;
    if (own !== undefined) {
      row[columns[0] ?? 0] = reach.value[(forest.offset[v] ?? 0) + cell] ?? 0;
    } else {
      columns.forEach((column, k) => {
        row[column] = k === cell ? 1 : 0;
      });
    }
  });
  return row;
}
