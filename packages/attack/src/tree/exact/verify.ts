/**
 * Robustness of tree ensembles, proved row by row: the least change that turns the model, or a
 * distance below which none does. Relations between columns are kept by every row that is given;
 * what they cost beyond the boxes of the trees is not bounded, so that with them a proof may end
 * with a gap between `lower` and `upper`, and is exact only where both meet.
 */
import { type Batch, rowOf, sizeOf } from '../../batch.ts';
import { AttackError, stopWhenAborted } from '../../error.ts';
import type { Constraints } from '../../tabular/constraints.ts';
import type { Bounds } from '../../threat.ts';
import { cellsOfRow, type Forest } from '../forest.ts';
import { goalOf } from '../goal.ts';
import { type MeasureName, measureOf } from '../measure.ts';
import { reachOf, rowAt } from '../reach.ts';
import { proveRow, type Relations, type Task } from './prove.ts';

/** How the proof goes. */
export interface VerifyOptions {
  readonly measure: MeasureName;
  readonly constraints?: Constraints;
  readonly bounds?: Bounds;
  /** Trees that are bounded together (default 2); more is tighter and slower. */
  readonly together?: number;
  /** Boxes opened for a row before the search gives up with what it knows (default 20,000). */
  readonly boxesMax?: number;
  /** Only rows that turn within this distance matter; the search ends there (default: none). */
  readonly within?: number;
  readonly signal?: AbortSignal;
}

/** What is known of one row. */
export interface Proof {
  /** No change below this distance turns the model; infinite when none does at all. */
  readonly lower: number;
  /** Distance of `x`; infinite when there is none. */
  readonly upper: number;
  /** True when lower and upper are one number (or nothing turns the row); else they are bounds. */
  readonly exact: boolean;
  /** The nearest row that turns the model, once it is found. */
  readonly x?: Float32Array;
  /** Boxes opened. */
  readonly boxes: number;
}

/** Proofs for rows that the model gets right; a row that is wrong already has distance 0. */
export function verifyTrees(forest: Forest, batch: Batch, options: VerifyOptions): Proof[] {
  const size = sizeOf(batch);
  if (batch.labels.length > 0 && size !== forest.width) {
    throw new AttackError('invalid-data', `rows expected ${forest.width} features, got ${size}`);
  }
  const measure = measureOf(options.measure, options.constraints);
  return Array.from(batch.labels, (label, row) => {
    stopWhenAborted(options.signal);
    const original = rowOf(batch.x, row, size);
    const { constraints, bounds } = options;
    const limits = constraints ? { constraints } : { ...(bounds && { bounds }) };
    const reach = reachOf(forest, original, measure, limits);
    if (reach === undefined) {
      const message = `row ${row + 1} has a group without exactly one member`;
      throw new AttackError('invalid-data', message);
    }
    const { together = 2, boxesMax = 20_000, within = Number.POSITIVE_INFINITY } = options;
    const plain = { forest, reach, measure, goal: goalOf(forest, label) };
    const relations = constraints?.related ? relationsOf(plain, constraints) : undefined;
    const task = { ...plain, ...(relations && { relations }) };
    const { cells, settled, ...proof } = proveRow(task, { together, boxesMax, within });
    const x = cells === undefined ? settled?.row : rowAt(forest, reach, cells);
    if (x === undefined) return { ...proof, upper: Number.POSITIVE_INFINITY };
    const met = proof.exact && cells !== undefined;
    return { ...proof, upper: met ? proof.lower : measure.distance(measure.of(x, original)), x };
  });
}

/** Relations of a table, seen from one row. */
function relationsOf(task: Task, constraints: Constraints): Relations {
  const { forest, reach, measure, goal } = task;
  const { original } = reach;
  const columns = new Set(constraints.relatedColumns);
  return {
    variables: [...forest.variables.keys()].filter((v) =>
      forest.variables[v]?.columns.some((column) => columns.has(column)),
    ),
    hold: (cells) => constraints.violations(rowAt(forest, reach, cells), original).length === 0,
    settle: (cells) => {
      const row = rowAt(forest, reach, cells);
      if (!constraints.repair(row, original)) return undefined;
      if (!goal.answers(cellsOfRow(forest, row))) return undefined;
      return { row, cost: measure.of(row, original) };
    },
  };
}
