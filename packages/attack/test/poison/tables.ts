/** Rows with poison planted in known places, and the project's reference numbers. */
import { readFileSync } from 'node:fs';
import { seeded } from '@merlon/core';
import { expect } from 'vitest';
import type { LabelledFeatures } from '../../src/index.ts';

interface Table {
  readonly features: readonly number[];
  readonly labels: readonly number[];
  readonly planted: readonly number[];
}

interface Confident {
  readonly joint: readonly (readonly number[])[];
  readonly rows: readonly number[];
}

/** What NumPy and scikit-learn said (bench/poison/reference.py). */
export interface Vectors {
  readonly spectral: Table & { readonly scores: readonly number[] };
  readonly clusters: Table & {
    readonly classes: readonly {
      readonly label: number;
      readonly silhouette: number;
      readonly sizes: readonly number[];
    }[];
  };
  readonly flips: Table & {
    readonly neighbours: Confident;
    readonly probabilities: readonly number[];
    readonly given: Confident;
  };
  readonly sources: readonly {
    readonly total: number;
    readonly marked: number;
    readonly drawn: number;
    readonly seen: number;
    readonly chance: number;
  }[];
}

const file = new URL('../../../../vectors/attack/poison.json', import.meta.url);

/** The reference numbers. */
export const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

/** A table of the reference numbers as the library takes it. */
export function tableOf({ features, labels }: Table): LabelledFeatures {
  return { features: Float32Array.from(features), labels: Int32Array.from(labels) };
}

/** Rows with the positions of those that were planted. */
export interface Planted extends LabelledFeatures {
  readonly planted: readonly number[];
}

/**
 * Three classes of 120 normal rows [D = 16], shuffled; `poison` more rows in class 1 lie around one
 * other point, `far` standard deviations from its middle.
 */
export function plantedRows(seed: number, poison: number, far = 8): Planted {
  const random = seeded(seed);
  const size = 16;
  const middles = Array.from({ length: 3 * size }, () => 3 * random.normal());
  const rows: { values: number[]; label: number; planted: boolean }[] = [];
  for (let i = 0; i < 360 + poison; i++) {
    const planted = i >= 360;
    const label = planted ? 1 : i % 3;
    const values = Array.from({ length: size }, (_, k) => {
      const aside = planted ? far / Math.sqrt(size) : 0;
      return (middles[label * size + k] ?? 0) + aside + (planted ? 0.6 : 1) * random.normal();
    });
    rows.push({ values, label, planted });
  }
  const order = [...random.permutation(rows.length)].map((at) => rows[at] ?? rows[0]!);
  return {
    features: Float32Array.from(order.flatMap(({ values }) => values)),
    labels: Int32Array.from(order, ({ label }) => label),
    planted: [...order.keys()].filter((row) => order[row]?.planted),
  };
}

/** How many of the flagged rows were planted, and how many of the planted rows were flagged. */
export function marks(flagged: readonly number[], planted: readonly number[]) {
  const truth = new Set(planted);
  const right = flagged.filter((row) => truth.has(row)).length;
  return { precision: right / Math.max(1, flagged.length), recall: right / planted.length };
}

/** Bad tables, each with what is said of it. */
export const badTables: readonly (readonly [string, LabelledFeatures, string])[] = [
  ['no rows', table([], []), 'labelled rows expected, got none'],
  ['lengths', table([1, 2, 3], [0, 1]), 'features expected as many for each row, got 3 numbers'],
  ['NaN', table([1, 2, 3, Number.NaN], [0, 1]), 'features expected finite numbers: row 2 has NaN'],
  ['one class', table([1, 2, 3, 4], [4, 4]), 'labels expected two classes or more, got 4'],
  [
    'negative',
    table([1, 2, 3, 4], [4, -1]),
    'labels expected classes from 0: row 2 is of class -1',
  ],
];

function table(features: readonly number[], labels: readonly number[]): LabelledFeatures {
  return { features: Float32Array.from(features), labels: Int32Array.from(labels) };
}

/** Asserts that a call is refused with a code and a message. */
export function refused(call: () => unknown, code: string, message: string): void {
  expect(call).toThrow(
    expect.objectContaining({ code, message: expect.stringContaining(message) }),
  );
}
