/** Spectral signatures beside NumPy's singular values; planted rows found, clean ones spared. */
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { spectralSignatures } from '../../src/index.ts';
import { eigenOf } from '../../src/poison/eigen.ts';
import { principal } from '../../src/poison/principal.ts';
import { badTables, marks, plantedRows, refused, tableOf, vectors } from './tables.ts';

describe('spectral signatures', () => {
  it('score as NumPy does', () => {
    const { scores, classes } = spectralSignatures(tableOf(vectors.spectral), { seed: 1 });
    for (const [row, score] of vectors.spectral.scores.entries()) {
      expect(Math.abs((scores[row] ?? 0) - score)).toBeLessThan(1e-5);
    }
    expect(classes.map(({ label, rows }) => [label, rows])).toEqual([
      [0, 60],
      [1, 68],
    ]);
  });
  it('are the same for any seed, to rounding', () => {
    const table = plantedRows(2, 12);
    const [one, two] = [1, 2].map((seed) => spectralSignatures(table, { seed }));
    expect(one).toEqual(spectralSignatures(table, { seed: 1 }));
    expect(one?.flagged).toEqual(two?.flagged);
    for (const [row, score] of one?.scores.entries() ?? []) {
      expect(two?.scores[row]).toBeCloseTo(score, 6);
    }
  });
  it.each([1, 2, 3, 4, 5])('find what was planted, seed %i', (seed) => {
    const table = plantedRows(seed, 12);
    const { flagged, scores, classes } = spectralSignatures(table, { seed });
    const { precision, recall } = marks(flagged, table.planted);
    expect(precision).toBeGreaterThanOrEqual(0.95);
    expect(recall).toBeGreaterThanOrEqual(0.9);
    expect(classes.map((own) => own.flagged)).toEqual([0, flagged.length, 0]);
    expect(flagged).toEqual(flagged.toSorted((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0)));
    expect(classes[1]?.varianceShare).toBeGreaterThan(classes[0]?.varianceShare ?? 1);
  });
  it.each([1, 2, 3, 4, 5])('flag nothing in clean rows, seed %i', (seed) => {
    expect(spectralSignatures(plantedRows(seed, 0), { seed }).flagged).toEqual([]);
  });
  it('flag the share that the paper takes out, where one is told', () => {
    const table = plantedRows(1, 12);
    const { flagged, classes } = spectralSignatures(table, { seed: 1, share: 0.1 });
    expect(classes.map((own) => own.flagged)).toEqual([18, 20, 18]);
    expect(marks(flagged, table.planted).recall).toBe(1);
  });
  it('flag nothing where nothing varies', () => {
    const features = new Float32Array(12).fill(2);
    const labels = Int32Array.of(0, 0, 0, 1, 1, 1);
    const report = spectralSignatures({ features, labels }, { seed: 1 });
    expect(report).toMatchObject({ flagged: [], classes: [{ varianceShare: 0 }, {}] });
    expect([...report.scores]).toEqual([0, 0, 0, 0, 0, 0]);
  });
  it.each(badTables)('refuse bad tables: %s', (_, table, message) => {
    refused(() => spectralSignatures(table, { seed: 1 }), 'invalid-data', message);
  });
  it('refuse too few rows and options out of range', () => {
    const few = { features: new Float32Array(5), labels: Int32Array.of(0, 0, 0, 1, 1) };
    const rows = '3 rows of each class expected: class 1 has 2';
    refused(() => spectralSignatures(few, { seed: 1 }), 'invalid-data', rows);
    const table = plantedRows(1, 0);
    const cases = [
      [{ seed: -1 }, '"seed" expected a whole number from 0, got -1'],
      [{ seed: 1, share: 0.5 }, '"share" expected a number in (0, 0.5), got 0.5'],
      [{ seed: 1, deviations: 0 }, '"deviations" expected a number above 0, got 0'],
      [{ seed: 1, deviations: 4, share: 0.1 }, '"share" and "deviations" expected one, got both'],
    ] as const;
    for (const [options, message] of cases) {
      refused(() => spectralSignatures(table, options), 'invalid-option', message);
    }
  });
});

describe('principal directions', () => {
  it('are of length one, apart, and carry all variance where all are asked for', () => {
    const random = seeded(4);
    const rows = Float32Array.from({ length: 30 * 7 }, () => random.normal());
    const { directions, squares, squaresTotal, count } = principal(rows, 7, 20, random);
    expect(count).toBe(7);
    expect(squares.reduce((sum, value) => sum + value, 0)).toBeCloseTo(squaresTotal, 8);
    for (let i = 0; i < 7; i++) {
      for (let j = 0; j < 7; j++) {
        let sum = 0;
        for (let k = 0; k < 7; k++) {
          sum += (directions[i * 7 + k] ?? 0) * (directions[j * 7 + k] ?? 0);
        }
        expect(sum).toBeCloseTo(i === j ? 1 : 0, 10);
      }
    }
  });
  it('of a matrix with known eigenvalues are those', () => {
    const { values, vectors: found } = eigenOf(Float64Array.of(2, 1, 0, 1, 2, 0, 0, 0, 5), 3);
    for (const [i, value] of [5, 3, 1].entries()) expect(values[i]).toBeCloseTo(value, 12);
    expect(Math.abs(found[3] ?? 0)).toBeCloseTo(Math.SQRT1_2, 12);
  });
});
