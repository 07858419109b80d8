/**
 * Rows of the data that starts are taken from: their cells, and which of them reach a goal, are
 * worked out once for all attacked rows.
 */
import { rowOf } from '../batch.ts';
import type { Pool } from '../tabular/starts.ts';
import { cellsOfRow, type Forest } from './forest.ts';
import type { Goal } from './goal.ts';

/** A pool of rows and what the trees make of them. */
export interface StartPool {
  readonly rows: number;
  row(at: number): Float32Array;
  cells(at: number): Int32Array;
  /** True when the row, as it is, reaches the goal. */
  reaches(goal: Goal, at: number): boolean;
}

/** A pool read through the cells of a forest. */
export function startPool(forest: Forest, pool: Pool): StartPool {
  const known: (Int32Array | undefined)[] = new Array(pool.rows).fill(undefined);
  const answers = new Map<Goal, Int8Array>();
  const row = (at: number) => rowOf(pool.x, at, forest.width);
  const cells = (at: number): Int32Array => {
    const own = known[at] ?? cellsOfRow(forest, row(at));
    known[at] = own;
    return own;
  };
  return {
    rows: pool.rows,
    row,
    cells,
    reaches: (goal, at) => {
      const own = answers.get(goal) ?? new Int8Array(pool.rows);
      answers.set(goal, own);
      if (own[at] === 0) {
        const there = cells(at);
        own[at] = !there.includes(-1) && goal.answers(there) ? 1 : -1;
      }
      return own[at] === 1;
    },
  };
}
