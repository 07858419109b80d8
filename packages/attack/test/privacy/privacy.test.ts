/** Scores of membership beside SciPy's; inversion and extraction on models that are known. */
import { readFileSync } from 'node:fs';
import { seeded } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import {
  type Classifier,
  extraction,
  inversion,
  liraOffline,
  liraOnline,
  membership,
  type ReferenceShares,
  rmia,
  type ShadowSignals,
} from '../../src/index.ts';
import { areaUnder, foundAt } from '../../src/privacy/separation.ts';

interface Vectors {
  readonly lira: readonly {
    readonly rows: readonly ShadowSignals[];
    readonly online: readonly number[];
    readonly offline: readonly number[];
    readonly member: readonly boolean[];
    readonly auc: number;
  }[];
  readonly rmia: {
    readonly rows: readonly [number, number][];
    readonly population: readonly [number, number][];
    readonly cases: readonly { readonly gamma: number; readonly scores: readonly number[] }[];
  };
  readonly curve: {
    readonly members: readonly number[];
    readonly others: readonly number[];
    readonly auc: number;
    readonly rates: readonly { readonly fpr: number; readonly tpr: number }[];
  };
}

const file = new URL('../../../../vectors/attack/privacy.json', import.meta.url);
const vectors = JSON.parse(readFileSync(file, 'utf8')) as Vectors;

describe('scores beside shadow models', () => {
  it.each(vectors.lira.map((row) => [row.rows[0]?.inside.length ?? 0, row] as const))(
    'LiRA with %i models is that of SciPy',
    (_, { rows, online, offline, member, auc }) => {
      const [both, alone] = [liraOnline(rows), liraOffline(rows)];
      for (const [i, expected] of online.entries()) expect(both[i]).toBeCloseTo(expected, 9);
      for (const [i, expected] of offline.entries()) expect(alone[i]).toBeCloseTo(expected, 6);
      const [inside, outside] = [
        both.filter((_, i) => member[i]),
        both.filter((_, i) => !member[i]),
      ];
      expect(areaUnder(inside, outside)).toBeCloseTo(auc, 12);
    },
  );
  it.each(vectors.rmia.cases.map((row) => [row.gamma, row.scores] as const))(
    'RMIA with gamma %d is the share of the population',
    (gamma, scores) => {
      const pairs = (all: readonly [number, number][]): ReferenceShares[] =>
        all.map(([observed, reference]) => ({ observed, reference }));
      const found = rmia(pairs(vectors.rmia.rows), pairs(vectors.rmia.population), gamma);
      for (const [i, expected] of scores.entries()) expect(found[i]).toBeCloseTo(expected, 12);
    },
  );
  it('ask for models and for a population', () => {
    const row = { observed: 1, inside: [1, 2], outside: [1] };
    expect(() => liraOnline([row])).toThrow('two shadow models a row expected, got 1');
    expect(() => rmia([], [])).toThrow('a population of rows expected, got none');
  });
});

describe('curves of accusations', () => {
  const { members, others, auc, rates } = vectors.curve;
  const [own, rest] = [Float64Array.from(members), Float64Array.from(others)];
  it('have the area that scikit-learn tells, ties included', () => {
    expect(areaUnder(own, rest)).toBeCloseTo(auc, 12);
  });
  it.each(rates)('find as many at $fpr false alarms', ({ fpr, tpr }) => {
    expect(foundAt(own, rest, fpr) / own.length).toBeCloseTo(tpr, 12);
  });
});

/** Answers with the scores that a function gives each row. */
function modelOf(size: number, scores: (row: Float32Array) => number[]): Classifier {
  const answer = (x: Float32Array) => {
    const rows = Array.from({ length: x.length / size }, (_, i) =>
      scores(x.subarray(i * size, (i + 1) * size)),
    );
    const predictions = Int32Array.from(rows, (row) => row.indexOf(Math.max(...row)));
    return { values: Float32Array.from(rows.flat()), classes: rows[0]?.length ?? 1, predictions };
  };
  return {
    ...{ inputShape: [size], givesScores: true, queries: 0 },
    predict: async (x) => answer(x).predictions,
    scores: async (x) => answer(x),
  };
}

function rowsOf(count: number, make: (row: number) => readonly number[], classes = 2): Dataset {
  const rows = Array.from({ length: count }, (_, row) => make(row));
  return {
    x: Float32Array.from(rows.flat()),
    shape: [count, rows[0]?.length ?? 1],
    labels: Int32Array.from({ length: count }, (_, row) => row % classes),
    classes: Array.from({ length: classes }, (_, i) => String(i)),
  };
}

describe('membership', () => {
  const random = seeded(3);
  const plain = (count: number) => rowsOf(count, () => [random.normal(), random.normal()]);
  it('is nothing where members are answered like others', async () => {
    const model = modelOf(2, ([a = 0, b = 0]) => [a, b]);
    const report = await membership(model, plain(600), plain(600));
    expect(report.auc).toBeGreaterThan(0.45);
    expect(report.auc).toBeLessThan(0.55);
    expect(report.aucInterval[0]).toBeLessThan(0.5);
    expect(report.aucInterval[1]).toBeGreaterThan(0.5);
    expect(report.tprAtFpr001).toBeLessThan(0.02);
  });
  it.each([
    ['scores', (sure: number) => [sure, -sure]],
    ['shares', (sure: number) => [1 / (1 + Math.exp(-sure)), 1 / (1 + Math.exp(sure))]],
  ])('is found by %s where members are answered with more confidence', async (_, answer) => {
    const known = new Set<number>();
    const members = plain(400);
    for (let row = 0; row < 400; row++) known.add(members.x[2 * row] ?? 0);
    const model = modelOf(2, ([a = 0, b = 0]) => answer((known.has(a) ? 6 : 1) + b / 4));
    const same = { ...members, labels: members.labels.map(() => 0) };
    const others = plain(400);
    const report = await membership(model, same, { ...others, labels: others.labels.map(() => 0) });
    expect(report.auc).toBeGreaterThan(0.99);
    expect(report.tprAtFpr001).toBeGreaterThan(0.9);
    expect(report.intervals.tprAtFpr001.low).toBeGreaterThan(0.85);
    expect(report.balancedAccuracy).toBeGreaterThan(0.99);
  });
  it('refuses labels that the model does not have, and no rows', async () => {
    const model = modelOf(2, ([a = 0, b = 0]) => [a, b]);
    const five = rowsOf(10, () => [0, 0], 5);
    await expect(membership(model, five, five)).rejects.toThrow('expected classes below 2: row 3');
    const none = { ...five, x: new Float32Array(0), labels: new Int32Array(0) };
    await expect(membership(model, none, five)).rejects.toThrow('expected rows, got none');
  });
});

describe('inversion', () => {
  it('finds the corner that a linear model is surest of, beside its baseline', async () => {
    const weights = [
      [1, -1, 1, 0.5],
      [-1, 1, 0.5, -1],
    ];
    const score = (row: Float32Array, k: number) =>
      row.reduce((sum, value, i) => sum + value * (weights[k]?.[i] ?? 0), 0);
    const plain = modelOf(4, (row) => [score(row, 0), score(row, 1)]);
    const model = {
      ...plain,
      lossGradient: async (x: Float32Array, labels: Int32Array) => ({
        ...(await plain.scores(x)),
        scores: new Float32Array(0),
        loss: new Float32Array(labels.length),
        gradient: Float32Array.from(x, (_, i) => {
          const label = labels[Math.floor(i / 4)] ?? 0;
          return (weights[1 - label]?.[i % 4] ?? 0) - (weights[label]?.[i % 4] ?? 0);
        }),
      }),
    };
    const data = rowsOf(40, (row) => (row % 2 === 0 ? [1, 0, 1, 1] : [0, 1, 0, 0]));
    const report = await inversion(model, data, { bounds: { min: 0, max: 1 } });
    expect(report.classes.map(({ x }) => [...x])).toEqual([
      [1, 0, 1, 1],
      [0, 1, 0, 0],
    ]);
    expect(report.classes.every(({ reached }) => reached)).toBe(true);
    expect(report.correlation).toBeCloseTo(1, 6);
    // The mean of all rows is flat here.
    expect([report.baseline, report.gain]).toEqual([0, report.correlation]);
  });
});

describe('extraction', () => {
  it('agrees more the more it asks, and beside a baseline', async () => {
    const random = seeded(9);
    const model = modelOf(3, ([a = 0, b = 0, c = 0]) => [a + b - c, c]);
    const data = rowsOf(1500, () => [random.normal(), random.normal(), random.normal()]);
    const report = await extraction(model, data, { random: seeded(1), queries: [20, 900] });
    expect(report.heldBack).toBe(500);
    expect(report.curve.map(({ queries }) => queries)).toEqual([20, 900]);
    expect(report.agreement).toBeGreaterThan(0.95);
    expect(report.curve[0]?.agreement).toBeLessThan(report.agreement);
    expect(report.baseline).toBeLessThan(0.75);
    const again = await extraction(model, data, { random: seeded(1), queries: [20, 900] });
    expect(again).toEqual(report);
  });
  it('asks for rows', async () => {
    const model = modelOf(1, ([a = 0]) => [a, -a]);
    const found = extraction(
      model,
      rowsOf(2, () => [1]),
      { random: seeded(1) },
    );
    await expect(found).rejects.toThrow('three rows or more, got 2');
  });
});
