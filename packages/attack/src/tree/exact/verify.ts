/**
 * Robustness of tree ensembles, proved row by row: the least change that turns the model, or a
 * distance below which none does. Relations between columns are not looked at: with them, the
 * result is a lower bound.
 */
import { type Batch, rowOf, sizeOf } from '../../batch.ts';
import { AttackError, stopWhenAborted } from '../../error.ts';
import type { Constraints } from '../../tabular/constraints.ts';
import type { Bounds } from '../../threat.ts';
import type { Forest } from '../forest.ts';
import { goalOf } from '../goal.ts';
import { type MeasureName, measureOf } from '../measure.ts';
import { reachOf, rowAt } from '../reach.ts';
import { proveRow } from './prove.ts';

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
  /** True when lower and upper are one number (or nothing turns the row). */
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
    const task = { forest, reach, measure, goal: goalOf(forest, label) };
    const { cells, ...proof } = proveRow(task, { together, boxesMax, within });
    const none = Number.POSITIVE_INFINITY;
    if (cells === undefined) return { ...proof, upper: none };
    const x = rowAt(forest, reach, cells);
    if ((constraints?.violations(x, original) ?? []).length === 0) {
      return { ...proof, upper: proof.lower, x };
    }
    return { ...proof, upper: none, exact: false };
  });
}
