/**
 * Where the search for one row begins: changes of a single feature, rows of the data carried over
 * onto what may change, and random mixtures. Noise finds no other class in tables; data do.
 */
import type { Random } from '@merlon/core';
import { rowOf } from '../batch.ts';
import type { Constraints } from './constraints.ts';

/** Rows that values are taken from. */
export interface Pool {
  readonly x: Float32Array;
  readonly rows: number;
}

/** Values tried for each feature: its categories, or spread over the pool's sorted values. */
export type FeatureValues = readonly (readonly number[])[];

/** The values to try of every feature that may change (empty for the others). */
export function featureValues(constraints: Constraints, pool: Pool, most: number): FeatureValues {
  const width = constraints.features.length;
  return constraints.features.map((feature, i) => {
    if (!feature.mutable) return [];
    if (feature.categories !== undefined) return feature.categories.map((_, k) => k);
    const seen = new Set<number>([
      constraints.snap(i, feature.min),
      constraints.snap(i, feature.max),
    ]);
    for (let row = 0; row < pool.rows; row++) {
      seen.add(constraints.snap(i, pool.x[row * width + i] ?? 0));
    }
    return spread(
      [...seen].sort((a, b) => a - b),
      most,
    );
  });
}

/**
 * Every valid row that differs from `from` in one feature (and what relations drag along), valid
 * as a change of `original`.
 */
export function singleChanges(
  from: Float32Array,
  constraints: Constraints,
  values: FeatureValues,
  original = from,
): Float32Array[] {
  const rows: Float32Array[] = [];
  for (const feature of constraints.mutable) {
    for (const value of values[feature] ?? []) {
      if (value === from[feature]) continue;
      const row = from.slice();
      row[feature] = value;
      if (constraints.repair(row, original)) rows.push(row);
    }
  }
  return rows;
}

/** Rows of the pool with what cannot change taken from `original`, the nearest first. */
export function carriedOver(
  original: Float32Array,
  constraints: Constraints,
  pool: Pool,
  most: number,
): Float32Array[] {
  const width = original.length;
  const found: { row: Float32Array; ranges: number }[] = [];
  for (let i = 0; i < pool.rows; i++) {
    const row = rowOf(pool.x, i, width).slice();
    if (!constraints.repair(row, original)) continue;
    found.push({ row, ranges: constraints.distance(row, original).ranges });
  }
  found.sort((a, b) => a.ranges - b.ranges);
  return found.slice(0, most).map(({ row }) => row);
}

/** Rows whose changeable features are drawn from the values to try. */
export function mixtures(
  original: Float32Array,
  constraints: Constraints,
  values: FeatureValues,
  options: { readonly count: number; readonly random: Random },
): Float32Array[] {
  const rows: Float32Array[] = [];
  for (let i = 0; i < options.count; i++) {
    const row = original.slice();
    for (const feature of constraints.mutable) {
      const choices = values[feature] ?? [];
      row[feature] = choices[options.random.integer(choices.length)] ?? row[feature] ?? 0;
    }
    if (constraints.repair(row, original)) rows.push(row);
  }
  return rows;
}

function spread(sorted: readonly number[], most: number): number[] {
  if (sorted.length <= most) return [...sorted];
  return Array.from({ length: most }, (_, i) => {
    return sorted[Math.round((i * (sorted.length - 1)) / (most - 1))] ?? 0;
  });
}
