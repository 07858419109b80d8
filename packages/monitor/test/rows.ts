/** Rows for tests: natural ones in five clusters, and the queries of small-step attacks. */
import type { Random } from '@merlon/core';
import type { BenignRows, Detector, Signal } from '../src/index.ts';

/** A row and the model's answer. */
export interface Labelled {
  readonly row: Float32Array;
  readonly label: number;
}

export const features = 20;

export function naturalRow(random: Random): Labelled {
  const label = random.integer(5);
  const row = Float32Array.from(
    { length: features },
    (_, i) => (i % 5 === label ? 1 : 0) + 0.3 * random.normal(),
  );
  return { row, label };
}

export function natural(random: Random, count: number): Labelled[] {
  return Array.from({ length: count }, () => naturalRow(random));
}

export function benign(rows: readonly Labelled[]): BenignRows {
  const x = Float32Array.from(rows.flatMap(({ row }) => [...row]));
  return { x, features: rows[0]?.row.length ?? 0, labels: rows.map(({ label }) => label) };
}

/** Steps of a given size in random directions around one row, as gradient estimates ask them. */
export function around(random: Random, count: number, size: number): Labelled[] {
  const { row, label } = naturalRow(random);
  return Array.from({ length: count }, () => ({
    row: row.map((value) => value + size * random.normal()),
    label,
  }));
}

/** Every row shown to a detector under one key; the signals with the number of their query. */
export function shown(
  detector: Detector,
  rows: readonly Labelled[],
  key = 'k',
  from = 0,
): { at: number; signal: Signal }[] {
  return rows.flatMap(({ row, label }, i) => {
    const signal = detector.observe({ atMs: from + i + 1, key, row, label });
    return signal === null ? [] : [{ at: i + 1, signal }];
  });
}

/** One row of `a`, then `share` of `b`, and so on. */
export function diluted(a: readonly Labelled[], b: readonly Labelled[], share: number): Labelled[] {
  return a.flatMap((each, i) => [each, ...b.slice(i * share, (i + 1) * share)]);
}
