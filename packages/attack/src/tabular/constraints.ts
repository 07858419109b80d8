/**
 * What a row of a table must satisfy to be believed: ranges, whole numbers and steps, categories,
 * one-hot groups, features that cannot change or only one way, and relations between columns. A
 * row is judged against the row that it was made from: values that were left alone are not held
 * against it.
 */
import type { FeatureSchema } from '@merlon/graph';
import { type Batch, rowOf } from '../batch.ts';
import { AttackError } from '../error.ts';
import { nearestIn, type Span, snapped, spanOf } from './grid.ts';
import { repairRow } from './repair.ts';
import {
  changeOf,
  type LinearRule,
  type RuleSource,
  type Rules,
  rulesOf,
  violationsOf,
} from './rules.ts';

/** Judges and repairs rows; made from a schema, it knows nothing of the model. */
export interface Constraints {
  readonly features: readonly FeatureSchema[];
  /** Positions of the features that may change. */
  readonly mutable: readonly number[];
  /** Positions of the members of each one-hot group. */
  readonly groups: readonly (readonly number[])[];
  /** True when columns hang together by more than groups. */
  readonly related: boolean;
  /** Positions of the columns that relations name. */
  readonly relatedColumns: readonly number[];
  /** The linear relations. */
  readonly sums: readonly LinearRule[];
  /** What is wrong with `row` as a change of `original`; empty when nothing is. */
  violations(row: Float32Array, original: Float32Array): string[];
  /** Makes a row valid in place with small moves; false when that cannot be done. */
  repair(row: Float32Array, original: Float32Array): boolean;
  /** The valid value of a feature nearest to a number. */
  snap(feature: number, value: number): number;
  /** The value in a span that a feature can change to from its own; NaN when there is none. */
  nearest(feature: number, own: number, span: Span): number;
  /** How far a row is from another. */
  distance(row: Float32Array, original: Float32Array): RowDistance;
}

/** Distance of two rows. */
export interface RowDistance {
  /** Number of features that differ; a one-hot group counts as one feature. */
  readonly changed: number;
  /** Sum of shares of the features' ranges, each at its cost; a changed category counts 1. */
  readonly ranges: number;
  /** Sum of changes in the features' own steps (thousandths of the range where there is none). */
  readonly steps: number;
}

/** The constraints of a schema. */
export function constraintsOf(schema: RuleSource): Constraints {
  const rules = rulesOf(schema);
  const { features, edges, sums, groups } = rules;
  return {
    features,
    mutable: features.flatMap((feature, i) => (feature.mutable ? [i] : [])),
    groups,
    related: edges.length + sums.length > 0,
    relatedColumns: [
      ...edges.flatMap(({ left, right }) => [left, right]),
      ...sums.flatMap(({ terms }) => terms.map(({ at }) => at)),
    ],
    sums,
    snap: (feature, value) => {
      const known = features[feature];
      return known === undefined ? value : snapped(known, value);
    },
    nearest: (feature, own, span) => nearest(features[feature], own, span),
    violations: (row, original) => violationsOf(rules, row, original),
    repair: (row, original) => repairRow(rules, row, original),
    distance: (row, original) => rowDistance(rules, row, original),
  };
}

function nearest(feature: FeatureSchema | undefined, own: number, { low, high }: Span): number {
  if (own >= low && own <= high) return own;
  if (feature === undefined || !feature.mutable) return Number.NaN;
  const free = spanOf(feature, own);
  const span = { low: Math.max(low, free.low), high: Math.min(high, free.high) };
  return nearestIn(feature, own, span);
}

function rowDistance(rules: Rules, row: Float32Array, original: Float32Array): RowDistance {
  let changed = 0;
  let ranges = 0;
  let steps = 0;
  rules.features.forEach((feature, i) => {
    const difference = (row[i] ?? 0) - (original[i] ?? 0);
    if (difference === 0 || rules.grouped.has(i)) return;
    const change = changeOf(feature, difference);
    changed++;
    ranges += change.ranges;
    steps += change.steps;
  });
  for (const group of rules.groups) {
    if (group.every((at) => row[at] === original[at])) continue;
    changed++;
    ranges += rules.features[group[0] ?? 0]?.cost ?? 1;
    steps++;
  }
  return { changed, ranges, steps };
}

const namedMax = 5;

/** Throws `invalid-data` naming the first rows that break the constraints by themselves. */
export function refuseBrokenRows(constraints: Constraints, batch: Pick<Batch, 'x'>): void {
  const size = constraints.features.length;
  const rows = size === 0 ? 0 : batch.x.length / size;
  const named: string[] = [];
  let count = 0;
  for (let row = 0; row < rows; row++) {
    const own = rowOf(batch.x, row, size);
    const [problem] = constraints.violations(own, own);
    if (problem === undefined) continue;
    count++;
    if (named.length < namedMax) named.push(`row ${row + 1} (${problem})`);
  }
  if (count === 0) return;
  const rest = count > named.length ? ` and ${count - named.length} more` : '';
  const what = count === 1 ? '1 row breaks' : `${count} rows break`;
  throw new AttackError('invalid-data', `${what} the constraints: ${named.join('; ')}${rest}`, {
    hint: 'Correct the rows, or the relations and groups of the schema.',
  });
}
