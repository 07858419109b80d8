/** Activation clusters beside scikit-learn's; planted rows found, clean ones spared. */
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { activationClusters } from '../../src/index.ts';
import { silhouetteOf, twoMeans } from '../../src/poison/clusters.ts';
import { badTables, marks, plantedRows, refused, tableOf, vectors } from './tables.ts';

describe('activation clusters', () => {
  it('are those of scikit-learn, and as far apart', () => {
    const { classes, flagged } = activationClusters(tableOf(vectors.clusters), { seed: 1 });
    expect(classes).toHaveLength(vectors.clusters.classes.length);
    for (const [i, { label, sizes, silhouette }] of vectors.clusters.classes.entries()) {
      expect(classes[i]).toMatchObject({ label, sizes: sizes.toReversed() });
      expect(Math.abs((classes[i]?.silhouette ?? 0) - silhouette)).toBeLessThan(1e-5);
    }
    expect(flagged).toEqual(vectors.clusters.planted);
  });
  it('are the same for a seed, and for another one', () => {
    const table = plantedRows(2, 30);
    const one = activationClusters(table, { seed: 1 });
    expect(activationClusters(table, { seed: 1 })).toEqual(one);
    expect(activationClusters(table, { seed: 9 }).flagged).toEqual(one.flagged);
  });
  it.each([1, 2, 3, 4, 5])('find what was planted, seed %i', (seed) => {
    const table = plantedRows(seed, 30);
    const { flagged, classes } = activationClusters(table, { seed });
    const { precision, recall } = marks(flagged, table.planted);
    expect(precision).toBeGreaterThanOrEqual(0.95);
    expect(recall).toBeGreaterThanOrEqual(0.95);
    expect(classes.map(({ suspicious }) => suspicious)).toEqual([false, true, false]);
    expect(classes[1]?.share).toBeCloseTo(0.2, 1);
  });
  it.each([1, 2, 3, 4, 5])('flag nothing in clean rows, seed %i', (seed) => {
    const { flagged, classes } = activationClusters(plantedRows(seed, 0), { seed });
    expect(flagged).toEqual([]);
    for (const { silhouette } of classes) expect(silhouette).toBeLessThan(0.2);
  });
  it('take the silhouette over a sample where a class is large', () => {
    const table = plantedRows(3, 30);
    const whole = activationClusters(table, { seed: 1 });
    const sampled = activationClusters(table, { seed: 1, silhouetteRowsMax: 60 });
    expect(sampled.flagged).toEqual(whole.flagged);
    expect(sampled.classes[1]?.silhouette).not.toBe(whole.classes[1]?.silhouette);
    expect(sampled.classes[1]?.silhouette).toBeCloseTo(whole.classes[1]?.silhouette ?? 0, 1);
  });
  it('are one where all rows are alike', () => {
    const features = new Float32Array(16).fill(3);
    const labels = Int32Array.of(0, 0, 0, 0, 1, 1, 1, 1);
    const { flagged, classes } = activationClusters({ features, labels }, { seed: 1 });
    expect(flagged).toEqual([]);
    expect(classes[0]).toMatchObject({ sizes: [4, 0], silhouette: 0, suspicious: false });
  });
  it.each(badTables)('refuse bad tables: %s', (_, table, message) => {
    refused(() => activationClusters(table, { seed: 1 }), 'invalid-data', message);
  });
  it('refuse too few rows and options out of range', () => {
    const few = { features: new Float32Array(7), labels: Int32Array.of(0, 0, 0, 0, 1, 1, 1) };
    const rows = '4 rows of each class expected: class 1 has 3';
    refused(() => activationClusters(few, { seed: 1 }), 'invalid-data', rows);
    const table = plantedRows(1, 0);
    const cases = [
      [{ seed: 0.5 }, '"seed" expected a whole number from 0, got 0.5'],
      [{ seed: 1, components: 0 }, '"components" expected a positive integer, got 0'],
      [{ seed: 1, shareMax: 0.6 }, '"shareMax" expected a number in (0, 0.5), got 0.6'],
      [{ seed: 1, silhouetteMin: 1 }, '"silhouetteMin" expected a number in (0, 1), got 1'],
    ] as const;
    for (const [options, message] of cases) {
      refused(() => activationClusters(table, options), 'invalid-option', message);
    }
  });
});

describe('two clusters', () => {
  it('of two heaps are the heaps, and their silhouette is that of its definition', () => {
    const rows = Float64Array.of(0, 1, 2, 10, 12);
    const sides = twoMeans(rows, 1, seeded(1));
    expect(new Set(sides.subarray(0, 3)).size).toBe(1);
    expect(new Set(sides.subarray(3)).size).toBe(1);
    expect(sides[0]).not.toBe(sides[4]);
    const [a, b, c] = [1 - 1.5 / 11, 1 - 1 / 10, 1 - 1.5 / 9];
    const [d, e] = [1 - 2 / 9, 1 - 2 / 11];
    expect(silhouetteOf(rows, 1, sides)).toBeCloseTo((a + b + c + d + e) / 5, 12);
  });
  it('have a silhouette of 0 where a row is alone, and where one is empty', () => {
    expect(silhouetteOf(Float64Array.of(0, 0, 5), 1, Uint8Array.of(0, 0, 1))).toBeCloseTo(2 / 3);
    expect(silhouetteOf(Float64Array.of(0, 1), 1, Uint8Array.of(0, 0))).toBe(0);
  });
});
