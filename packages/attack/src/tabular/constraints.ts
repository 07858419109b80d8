/**
 * What a row of a table must satisfy to be believed: ranges, whole numbers and steps, categories,
 * features that cannot change, and relations between columns. A row is judged against the row
 * that it was made from: values that were left alone are not held against it.
 */
import type { FeatureSchema, TableSchema } from '@merlon/graph';
import { ceilFloat32 } from '../batch.ts';

/** Judges and repairs rows; made from a schema, it knows nothing of the model. */
export interface Constraints {
  readonly features: readonly FeatureSchema[];
  /** Positions of the features that may change. */
  readonly mutable: readonly number[];
  /** What is wrong with `row` as a change of `original`; empty when nothing is. */
  violations(row: Float32Array, original: Float32Array): string[];
  /** Makes a row valid in place with small moves; false when that cannot be done. */
  repair(row: Float32Array, original: Float32Array): boolean;
  /** The valid value of a feature nearest to a number. */
  snap(feature: number, value: number): number;
  /** How far a row is from another. */
  distance(row: Float32Array, original: Float32Array): RowDistance;
}

/** Distance of two rows. */
export interface RowDistance {
  /** Number of features that differ. */
  readonly changed: number;
  /** Sum over features of the share of the feature's range; a changed category counts 1. */
  readonly ranges: number;
}

interface Edge {
  readonly left: number;
  readonly right: number;
}

/** The constraints of a schema. */
export function constraintsOf(schema: Pick<TableSchema, 'features' | 'relations'>): Constraints {
  const { features } = schema;
  const place = new Map(features.map(({ name }, i) => [name, i]));
  const edges: Edge[] = schema.relations.flatMap(({ left, right }) => {
    const from = place.get(left);
    const to = place.get(right);
    return from === undefined || to === undefined ? [] : [{ left: from, right: to }];
  });
  const mutable = features.flatMap((feature, i) => (feature.mutable ? [i] : []));
  const snap = (feature: number, value: number): number => {
    const known = features[feature];
    return known === undefined ? value : snapped(known, value);
  };
  return {
    features,
    mutable,
    snap,
    violations: (row, original) => violations(features, edges, row, original),
    repair: (row, original) => {
      features.forEach((feature, i) => {
        const own = original[i] ?? 0;
        if (!feature.mutable) row[i] = own;
        else if (row[i] !== own) row[i] = snap(i, row[i] ?? 0);
      });
      return repairRelations(features, edges, row);
    },
    distance: (row, original) => rowDistance(features, row, original),
  };
}

function violations(
  features: readonly FeatureSchema[],
  edges: readonly Edge[],
  row: Float32Array,
  original: Float32Array,
): string[] {
  const wrong: string[] = [];
  features.forEach((feature, i) => {
    const value = row[i] ?? Number.NaN;
    const own = original[i] ?? Number.NaN;
    if (value === own) return;
    const problem = valueProblem(feature, value);
    if (!feature.mutable) wrong.push(`"${feature.name}" cannot change, got ${value} for ${own}`);
    else if (problem !== undefined) wrong.push(`"${feature.name}" expected ${problem}`);
  });
  for (const { left, right } of edges) {
    if ((row[left] ?? 0) <= (row[right] ?? 0)) continue;
    const names = `"${features[left]?.name}" ≤ "${features[right]?.name}"`;
    wrong.push(`${names} expected, got ${row[left]} and ${row[right]}`);
  }
  return wrong;
}

function valueProblem(feature: FeatureSchema, value: number): string | undefined {
  const { min, max, step } = feature;
  if (!(value >= Math.fround(min) && value <= Math.fround(max))) {
    return `a number in [${min}, ${max}], got ${value}`;
  }
  if (feature.type !== 'real' && !Number.isInteger(value)) return `an integer, got ${value}`;
  if (snapped(feature, value) === value) return undefined;
  return `${min} plus a whole number of steps of ${step}, got ${value}`;
}

/** Grid values are computed in float64 and rounded once, so that equal steps are equal numbers. */
function snapped(feature: FeatureSchema, value: number): number {
  const { min, max } = feature;
  const step = feature.type === 'categorical' ? 1 : feature.step;
  const inside = Math.min(Math.max(value, Math.fround(min)), Math.fround(max));
  if (step === undefined) return Math.fround(inside);
  const steps = Math.min(Math.round((inside - min) / step), Math.floor((max - min) / step + 1e-9));
  return Math.fround(min + Math.max(0, steps) * step);
}

function repairRelations(
  features: readonly FeatureSchema[],
  edges: readonly Edge[],
  row: Float32Array,
): boolean {
  // Chains settle after as many rounds as there are relations; a cycle that does not is refused.
  for (let round = 0; round <= edges.length; round++) {
    let settled = true;
    for (const edge of edges) {
      const left = row[edge.left] ?? 0;
      const right = row[edge.right] ?? 0;
      if (left <= right) continue;
      settled = false;
      if (lower(features, row, edge.left, right)) continue;
      if (!raise(features, row, edge.right, left)) return false;
    }
    if (settled) return true;
  }
  return false;
}

function lower(
  features: readonly FeatureSchema[],
  row: Float32Array,
  at: number,
  most: number,
): boolean {
  const feature = features[at];
  if (feature === undefined || !feature.mutable || most < feature.min) return false;
  const near = snapped(feature, most);
  row[at] = near <= most ? near : snapped(feature, near - (feature.step ?? 0));
  return (row[at] ?? 0) <= most;
}

function raise(
  features: readonly FeatureSchema[],
  row: Float32Array,
  at: number,
  least: number,
): boolean {
  const feature = features[at];
  if (feature === undefined || !feature.mutable || least > ceilFloat32(feature.max)) return false;
  const near = snapped(feature, least);
  row[at] = near >= least ? near : snapped(feature, near + (feature.step ?? 0));
  return (row[at] ?? 0) >= least;
}

function rowDistance(
  features: readonly FeatureSchema[],
  row: Float32Array,
  original: Float32Array,
): RowDistance {
  let changed = 0;
  let ranges = 0;
  features.forEach((feature, i) => {
    const difference = Math.abs((row[i] ?? 0) - (original[i] ?? 0));
    if (difference === 0) return;
    changed++;
    const range = feature.max - feature.min;
    ranges += feature.type === 'categorical' || range === 0 ? 1 : difference / range;
  });
  return { changed, ranges };
}
