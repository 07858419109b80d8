/** Flipped labels beside scikit-learn's neighbours; duplicates under two labels. */
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { conflictingDuplicates, type LabelledFeatures, labelFlips } from '../../src/index.ts';
import { nearestRows } from '../../src/poison/neighbours.ts';
import { badTables, marks, plantedRows, refused, tableOf, vectors } from './tables.ts';

/** Clean rows of which every tenth has the next class as its label. */
function flippedRows(seed: number): LabelledFeatures & { readonly planted: readonly number[] } {
  const { features, labels } = plantedRows(seed, 0);
  const flipped = labels.map((label, row) => (row % 10 === 0 ? (label + 1) % 3 : label));
  return { features, labels: flipped, planted: [...labels.keys()].filter((row) => row % 10 === 0) };
}

describe('flipped labels', () => {
  const { neighbours, given, probabilities } = vectors.flips;
  const table = tableOf(vectors.flips);
  it('by neighbours are those that scikit-learn and equations 1 to 3 tell', () => {
    const { flagged, joint, classes } = labelFlips(table);
    expect(flagged.toSorted((a, b) => a - b)).toEqual(neighbours.rows);
    expect(joint).toEqual(neighbours.joint);
    expect(classes).toEqual([0, 1, 2]);
  });
  it('by probabilities that are given are those of equations 1 to 3', () => {
    const found = labelFlips(table, { probabilities: Float32Array.from(probabilities) });
    expect(found.flagged.toSorted((a, b) => a - b)).toEqual(given.rows);
    expect(found.joint).toEqual(given.joint);
    expect(found.selfConfidence[3]).toBeCloseTo(
      probabilities[9 + (table.labels[3] ?? 0)] ?? Number.NaN,
      6,
    );
  });
  it.each([1, 2, 3, 4, 5])('are found, with the class that was meant, seed %i', (seed) => {
    const flipped = flippedRows(seed);
    const { issues, flagged, selfConfidence } = labelFlips(flipped);
    const { precision, recall } = marks(flagged, flipped.planted);
    expect(precision).toBeGreaterThanOrEqual(0.95);
    expect(recall).toBeGreaterThanOrEqual(0.9);
    for (const { row, label, suggested, ...issue } of issues) {
      expect(label).toBe(flipped.labels[row]);
      expect((suggested + 1) % 3).toBe(label);
      expect(issue.selfConfidence).toBe(selfConfidence[row]);
      expect(issue.confidence).toBeGreaterThan(issue.selfConfidence);
    }
  });
  it.each([1, 2, 3, 4, 5])('are none in clean rows, seed %i', (seed) => {
    expect(labelFlips(plantedRows(seed, 0)).flagged).toEqual([]);
  });
  it('never are of a class that no row has', () => {
    const two = { features: Float32Array.of(0, 1, 2, 3), labels: Int32Array.of(0, 0, 1, 1) };
    const sure = Float32Array.of(0.1, 0, 0.9, 0.9, 0.1, 0, 0.1, 0.9, 0, 0.2, 0.8, 0);
    const { joint, flagged } = labelFlips(two, { probabilities: sure });
    expect(flagged).toEqual([]);
    expect(joint.map((line) => line[2])).toEqual([0, 0, 0]);
  });
  it.each(badTables)('refuse bad tables: %s', (_, bad, message) => {
    refused(() => labelFlips(bad), 'invalid-data', message);
  });
  it('refuse too few rows, too many, and what are no probabilities', () => {
    const four = { features: Float32Array.of(0, 1, 2, 3), labels: Int32Array.of(0, 0, 1, 1) };
    refused(() => labelFlips(four), 'invalid-data', 'more than 10 rows expected, got 4');
    const none = { neighbours: 0 };
    const count = '"neighbours" expected a positive integer, got 0';
    refused(() => labelFlips(four, none), 'invalid-option', count);
    const lead = '"leadMin" expected a number in (0, 1), got 1';
    refused(() => labelFlips(four, { leadMin: 1 }), 'invalid-option', lead);
    const cases = [
      [[0.5, 0.5, 1], 'probabilities expected two or more a row, got 3 for 4 labels'],
      [[1, 0, 1, 0, 0.5, 0.6, 0, 1], 'shares that add to 1: row 3 has 0.500, 0.600'],
      [[1, 0, 1, 0, Number.NaN, 1, 0, 1], 'shares that add to 1: row 3 has NaN, 1.00'],
    ] as const;
    for (const [values, message] of cases) {
      const probabilities = Float32Array.from(values);
      refused(() => labelFlips(four, { probabilities }), 'invalid-data', message);
    }
    const high = { ...four, labels: Int32Array.of(0, 0, 1, 2) };
    const half = { probabilities: new Float32Array(8).fill(0.5) };
    const below = 'labels expected classes below 2: row 4 is of class 2';
    refused(() => labelFlips(high, half), 'invalid-data', below);
    const many = {
      features: new Float32Array(20_001),
      labels: Int32Array.from({ length: 20_001 }, (_, row) => row % 2),
    };
    const most = 'at most 20000 rows expected, got 20001';
    refused(() => labelFlips(many), 'invalid-data', most);
  });
});

describe('nearest rows', () => {
  it('are those that sorting all distances tells', () => {
    const random = seeded(5);
    const rows = Float32Array.from({ length: 40 * 3 }, () => random.normal());
    const found = nearestRows(rows, 3, 5);
    for (let row = 0; row < 40; row++) {
      const squares = Array.from({ length: 40 }, (_, other) =>
        [0, 1, 2].reduce(
          (sum, k) => sum + ((rows[row * 3 + k] ?? 0) - (rows[other * 3 + k] ?? 0)) ** 2,
          0,
        ),
      );
      const order = [...squares.keys()].filter((other) => other !== row);
      order.sort((a, b) => (squares[a] ?? 0) - (squares[b] ?? 0));
      expect([...found.subarray(row * 5, row * 5 + 5)]).toEqual(order.slice(0, 5));
    }
  });
});

describe('duplicates under two labels', () => {
  /** Clean rows, then copies of rows 0, 0, 1, 2 and 3 with the labels that are given. */
  function copied(aside: number, labels: (own: Int32Array) => readonly number[]) {
    const clean = plantedRows(1, 0);
    const copies = [0, 0, 1, 2, 3].flatMap((row) =>
      [...clean.features.subarray(row * 16, row * 16 + 16)].map((value, k) =>
        k === 0 ? value + aside : value,
      ),
    );
    return {
      features: Float32Array.from([...clean.features, ...copies]),
      labels: Int32Array.from([...clean.labels, ...labels(clean.labels)]),
    };
  }
  const other = (label = 0): number => (label + 1) % 3;
  const mixed = ([a = 0, b = 0, c = 0, d = 0]: Int32Array) => [a, other(a), other(b), c, d];
  it.each([
    ['equal', 0, 0.01, true],
    ['equal, without comparing pairs', 0, 0, true],
    ['near', 0.01, 0.01, false],
  ])('are found where they are %s', (_, aside, near, exact) => {
    const { groups, flagged } = conflictingDuplicates(copied(aside, mixed), { near });
    expect(groups.map(({ rows }) => rows)).toEqual([
      [0, 360, 361],
      [1, 362],
    ]);
    expect(groups.map((group) => group.exact)).toEqual([exact, exact]);
    // Two of three agree on row 0; on row 1 nobody can tell.
    expect(flagged).toEqual([1, 361, 362]);
  });
  it('are not where they lie apart, agree, or only near ones were not asked for', () => {
    // The two copies of row 0 are still equal.
    const rowsOf = (aside: number, near: number) =>
      conflictingDuplicates(copied(aside, mixed), { near }).groups.map(({ rows }) => rows);
    expect(rowsOf(3, 0.01)).toEqual([[360, 361]]);
    expect(rowsOf(0.01, 0)).toEqual([[360, 361]]);
    const agreeing = copied(0, ([a = 0, b = 0, c = 0, d = 0]) => [a, a, b, c, d]);
    expect(conflictingDuplicates(agreeing)).toEqual({ groups: [], flagged: [] });
  });
  it('take 0 and −0 as equal', () => {
    const table = { features: Float32Array.of(0, 5, -0), labels: Int32Array.of(0, 0, 1) };
    expect(conflictingDuplicates(table, { near: 0 }).groups[0]?.rows).toEqual([0, 2]);
  });
  it.each(badTables)('refuse bad tables: %s', (_, table, message) => {
    refused(() => conflictingDuplicates(table), 'invalid-data', message);
  });
  it('refuse a distance that is none', () => {
    const table = plantedRows(1, 0);
    for (const near of [-1, 1, Number.NaN]) {
      const message = `"near" expected a number in [0, 1), got ${near}`;
      refused(() => conflictingDuplicates(table, { near }), 'invalid-option', message);
    }
  });
});
