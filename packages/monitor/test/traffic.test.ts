/** Detectors over all traffic: unlikely rows, changed answers, broken data. */
import { readFileSync } from 'node:fs';
import { type Random, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  auroc,
  binomialTail,
  choleskyOf,
  type Detector,
  labelDriftDetector,
  learnOutlier,
  outlierDetector,
  outlierScore,
  qualityDetector,
  shrunkCovariance,
  whiten,
} from '../src/index.ts';
import { benign, features, type Labelled, natural, shown } from './rows.ts';

const seeds = [1, 2, 3, 4, 5];
const path = new URL('../../../vectors/monitor/tests.json', import.meta.url);
const figures = JSON.parse(readFileSync(path, 'utf8')) as {
  covariance: {
    x: number[];
    features: number;
    shrinkage: number;
    covariance: number[];
    squared: number[];
  }[];
  auroc: { negative: number[]; positive: number[]; auroc: number }[];
};

describe('distances agree with scikit-learn', () => {
  it.each(figures.covariance)('Ledoit-Wolf and Mahalanobis, shrinkage $shrinkage', (wanted) => {
    const { x, features: width } = wanted;
    const rows = x.length / width;
    const mean = Float64Array.from({ length: width }, (_, i) => {
      let sum = 0;
      for (let row = 0; row < rows; row++) sum += x[row * width + i] ?? 0;
      return sum / rows;
    });
    const centred = Float64Array.from(x, (value, i) => value - (mean[i % width] ?? 0));
    const found = shrunkCovariance(centred, width);
    expect(found.shrinkage).toBeCloseTo(wanted.shrinkage, 9);
    found.values.forEach((value, i) => {
      expect(value).toBeCloseTo(wanted.covariance[i] ?? 0, 9);
    });
    const factor = choleskyOf(found);
    wanted.squared.forEach((squared, row) => {
      const white = whiten(factor, centred.subarray(row * width, (row + 1) * width));
      const own = white.reduce((sum, value) => sum + value * value, 0);
      expect(Math.abs(own - squared)).toBeLessThan(1e-6 * squared);
    });
  });
  it.each(figures.auroc)('AUROC $auroc', ({ negative, positive, auroc: wanted }) => {
    expect(auroc(negative, positive)).toBeCloseTo(wanted, 12);
  });
  it('the binomial tail is the sum it says', () => {
    // 1 − 0.7^3, and 0.3^3.
    expect(binomialTail(1, 3, 0.3)).toBeCloseTo(0.657, 12);
    expect(binomialTail(3, 3, 0.3)).toBeCloseTo(0.027, 12);
    expect(binomialTail(0, 3, 0.3)).toBe(1);
  });
  it('no covariance of no rows', () => {
    const code = expect.objectContaining({ code: 'bad-sample' });
    expect(() => shrunkCovariance(new Float64Array(), 3)).toThrow(code);
    expect(() => learnOutlier(benign(natural(seeded(1), 20)), { seed: 1 })).toThrow(code);
  });
});

const profile = learnOutlier(benign(natural(seeded(80), 1500)), { seed: 4 });
/** Every row far from all classes: twice as wide. */
const strange = (random: Random, count: number): Labelled[] =>
  natural(random, count).map(({ row, label }) => ({
    row: row.map((value) => value + 0.5 * random.normal()),
    label,
  }));

describe('outlier-share', () => {
  it('both scores tell strange rows apart, and their p-values keep their level', () => {
    const score = outlierScore(profile);
    const of = (rows: Labelled[]) => rows.flatMap(({ row, label }) => score(row, label) ?? []);
    const [usual, odd] = [of(natural(seeded(81), 1000)), of(strange(seeded(82), 1000))];
    for (const kind of ['mahalanobis', 'neighbour'] as const) {
      const area = auroc(
        usual.map((each) => each[kind]),
        odd.map((each) => each[kind]),
      );
      expect(area).toBeGreaterThan(0.95);
    }
    for (const kind of ['mahalanobisP', 'neighbourP'] as const) {
      const share = usual.filter((each) => each[kind] < 0.05).length / usual.length;
      expect(Math.abs(share - 0.05)).toBeLessThan(0.03);
    }
    expect(score(new Float32Array(features), 77)).toBeNull();
  });
  it.each(seeds)('is silent on natural rows, finds a quarter of strange ones (%i)', (seed) => {
    const random = seeded(seed);
    expect(shown(outlierDetector({ profile }), natural(random, 3000))).toEqual([]);
    const mixed = natural(random, 300).map((each, i) =>
      i % 4 === 0 ? (strange(random, 1)[0] ?? each) : each,
    );
    const [found] = shown(outlierDetector({ profile }), mixed);
    expect(found?.signal).toMatchObject({ detector: 'outlier-share', key: '' });
  });
  it('judges the representation where it was learnt from one', () => {
    const represented = { ...profile, represented: true };
    const detector = outlierDetector({ profile: represented });
    for (const { row, label } of strange(seeded(5), 300)) {
      const usual = natural(seeded(6), 1)[0];
      const seen = { atMs: 0, key: 'k', row, label, ...(usual && { features: usual.row }) };
      expect(detector.observe({ ...seen, label: usual?.label ?? 0 })).toBeNull();
    }
  });
});

describe('drift-labels', () => {
  const labels = natural(seeded(90), 2000).map(({ label }) => label);
  const make = (saved?: Uint8Array) => labelDriftDetector({ labels, ...(saved && { saved }) });
  it.each(seeds)('is silent on natural answers, finds a changed mixture (seed %i)', (seed) => {
    const rows = natural(seeded(seed), 4000);
    expect(shown(make(), rows)).toEqual([]);
    const fewer = rows.filter(({ label }, i) => label < 2 || i % 3 === 0);
    const [found] = shown(make(), fewer);
    expect(found?.at).toBeLessThanOrEqual(400);
    expect(found?.signal.statistic).toBeLessThan(1e-5);
  });
  it('finds classes that were never seen', () => {
    const rows = natural(seeded(3), 400).map(({ row }) => ({ row, label: 9 }));
    expect(shown(make(), rows)[0]?.signal.detail).toMatchObject({ unknownClasses: 200 });
  });
  it('needs benign answers', () => {
    expect(() => labelDriftDetector({ labels: [] })).toThrow(
      expect.objectContaining({ code: 'bad-sample' }),
    );
  });
});

describe('data-quality', () => {
  const reference = benign(natural(seeded(95), 2000));
  const names = Array.from({ length: features }, (_, i) => `column-${i}`);
  const make = (): Detector => qualityDetector({ reference, featureNames: names });
  const changed = (change: (row: Float32Array, i: number) => void): Labelled[] =>
    natural(seeded(96), 500).map((each, i) => {
      change(each.row, i);
      return each;
    });
  it.each(seeds)('is silent on natural rows (seed %i)', (seed) => {
    expect(shown(make(), natural(seeded(seed), 2000))).toEqual([]);
  });
  it.each([Number.NaN, Number.POSITIVE_INFINITY])('finds rows with %f', (value) => {
    const rows = changed((row, i) => {
      if (i % 20 === 0) row[3] = value;
    });
    const [found] = shown(make(), rows);
    expect(found?.signal.detail).toEqual({ fault: 'broken', feature: 'column-3', rows: 200 });
  });
  it('finds values out of range', () => {
    const rows = changed((row, i) => {
      if (i % 4 === 0) row[6] = 50;
    });
    const [found, ...more] = shown(make(), rows);
    expect(found?.signal.detail).toMatchObject({ fault: 'outside', feature: 'column-6' });
    expect(found?.signal.statistic).toBeCloseTo(0.25, 1);
    expect(more).toEqual([]);
  });
  it('finds a feature that stands still, but not one that did so in training', () => {
    const rows = changed((row) => {
      row[11] = 0.5;
    });
    const [found] = shown(make(), rows);
    expect(found?.signal.detail).toMatchObject({ fault: 'constant', feature: 'column-11' });
    const still = natural(seeded(97), 500);
    for (const { row } of still) row[11] = 0.5;
    const calm = qualityDetector({ reference: benign(still), outsideMax: 1 });
    expect(shown(calm, rows)).toEqual([]);
  });
});

describe('state outlasts a restart', () => {
  const labels = natural(seeded(90), 2000).map(({ label }) => label);
  const reference = benign(natural(seeded(95), 500));
  const detectors: Record<string, (saved?: Uint8Array) => Detector> = {
    outlier: (saved) => outlierDetector({ profile, ...(saved && { saved }) }),
    labels: (saved) => labelDriftDetector({ labels, ...(saved && { saved }) }),
    quality: (saved) => qualityDetector({ reference, ...(saved && { saved }) }),
  };
  it.each(Object.entries(detectors))('%s says the same as if it had run on', (_, make) => {
    const random = seeded(21);
    const odd = strange(random, 400).map(({ row }) => ({ row: row.map((v) => 9 * v), label: 1 }));
    const rows = [...natural(random, 250), ...odd];
    const wanted = shown(make(), rows);
    expect(wanted).toHaveLength(1);
    for (const cut of [3, 199, 260, 300]) {
      const before = make();
      const first = shown(before, rows.slice(0, cut));
      const second = shown(make(before.save?.()), rows.slice(cut), 'k', cut);
      const all = [...first, ...second.map(({ at, signal }) => ({ at: at + cut, signal }))];
      expect(all).toEqual(wanted);
    }
  });
});
