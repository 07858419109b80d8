/** Smoothing a linear classifier, whose smoothed self and true radius are known in full. */
import { seeded } from '@merlon/core';
import { openSession, type Session, type Tensor } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { certifyRow, certifyRows, radiusMax, smoothedLabel } from '../../src/index.ts';
import { data, features, fragile } from '../train/models.ts';

const weights = Float32Array.from({ length: features }, (_, i) => Math.cos(i + 1));
const norm = Math.hypot(...weights);

/** Two classes on either side of a plane through the origin. */
const plane: Session = {
  inputs: [{ name: 'x', type: 'float32', shape: [-1, features] }],
  outputs: [{ name: 'scores', type: 'float32', shape: [-1, 2] }],
  run: async ({ x }) => {
    const values = x?.data as Float32Array;
    const rows = values.length / features;
    const scores = new Float32Array(2 * rows);
    for (let row = 0; row < rows; row++) {
      scores[2 * row + 1] = weights.reduce(
        (sum, weight, i) => sum + weight * (values[row * features + i] ?? 0),
        0,
      );
    }
    return { scores: { type: 'float32', shape: [rows, 2], data: scores } satisfies Tensor };
  },
  close: async () => undefined,
};

/** A row at a distance from the plane, on the side of class 1 when it is positive. */
function rowAt(distance: number) {
  return {
    x: weights.map((weight) => ((distance * weight) / norm ** 2) * norm),
    shape: [features],
  };
}

const options = { sigma: 0.5, n: 4000, n0: 50, alpha: 0.001, batchRows: 200 };

describe('certificates', () => {
  it.each([-1.2, -0.4, -0.3, 0.35, 0.6, 0.9])(
    'stay within the true radius and come close to it, %d from the plane',
    async (distance) => {
      const random = seeded(3);
      const found = await certifyRow(plane, rowAt(distance), { ...options, random });
      const most = Math.min(Math.abs(distance), radiusMax(options));
      expect(found.label).toBe(distance > 0 ? 1 : 0);
      expect(found.radius).toBeLessThanOrEqual(Math.abs(distance));
      expect(found.radius).toBeGreaterThan(0.7 * most - 0.02);
    },
  );
  it('say nothing at the border', async () => {
    const random = seeded(4);
    const found = await certifyRow(plane, rowAt(0), { ...options, random });
    expect(found).toEqual({ label: null, radius: 0 });
    expect(await smoothedLabel(plane, rowAt(0), { ...options, random })).toBeNull();
    expect(await smoothedLabel(plane, rowAt(0.3), { ...options, random })).toBe(1);
  });
  it('reach as far as the copies allow', () => {
    expect(radiusMax({ sigma: 0.25, n: 10_000, alpha: 0.001 })).toBeCloseTo(0.7997, 3);
  });
});

describe('curves', () => {
  it('fall with the radius, begin at the smoothed accuracy, and repeat', async () => {
    const session = await openSession(fragile());
    const { x, labels, shape } = data(20, 6);
    const runs = [];
    for (const seed of [1, 1, 2]) {
      const wish = { ...options, sigma: 0.25, n: 300, random: seeded(seed) };
      runs.push(await certifyRows(session, { x, labels, shape }, wish));
    }
    await session.close();
    const [first, again, other] = runs;
    expect(first).toEqual(again);
    expect(first).not.toEqual(other);
    const shares = first?.curve.map(({ certifiedAccuracy }) => certifiedAccuracy) ?? [];
    expect(shares).toEqual([...shares].sort((a, b) => b - a));
    expect(first?.curve[0]?.radius).toBe(0);
    expect(first?.curve.length).toBeGreaterThan(4);
    const unsettled = first?.abstained ?? 1;
    expect((shares[0] ?? 2) + unsettled).toBeLessThanOrEqual(1);
  });
  it.each([
    [{ sigma: 0 }, /"sigma" expected 1e-12/],
    [{ n: 1.5, alpha: 1 }, /"alpha" expected .*; "n" expected a whole number/],
  ])('refuse %j', async (change, message) => {
    const rows = { x: new Float32Array(features), labels: Int32Array.of(0), shape: [1, features] };
    const wish = { ...options, ...change, random: seeded(1) };
    await expect(certifyRows(plane, rows, wish)).rejects.toThrow(message);
  });
  it('refuse rows of another shape', async () => {
    const rows = { x: new Float32Array(3), labels: Int32Array.of(0), shape: [1, 3] };
    const wish = { ...options, random: seeded(1) };
    await expect(certifyRows(plane, rows, wish)).rejects.toMatchObject({
      code: 'invalid-data',
      message: `rows expected [${features}], got [3]`,
    });
  });
});
