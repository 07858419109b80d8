/** Tests against SciPy, scikit-learn and river; oracle/statistics.py made the figures. */
import { readFileSync } from 'node:fs';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  type AdwinState,
  adwin,
  chiSquaredTest,
  cusum,
  jensenShannonDistance,
  maximumMeanDiscrepancy,
  pageHinkley,
  populationStability,
} from '../src/index.ts';
import { chiSquaredTail } from '../src/statistics/gamma.ts';

interface Figures {
  readonly chiSquared: readonly {
    a: number[];
    b: number[];
    statistic: number;
    degrees: number;
    pValue: number;
  }[];
  readonly tail: readonly { x: number; degrees: number; tail: number }[];
  readonly divergence: readonly { a: number[]; b: number[]; psi: number; js: number }[];
  readonly discrepancy: readonly {
    a: number[];
    b: number[];
    features: number;
    bandwidth: number;
    statistic: number;
    pValue: number;
  }[];
  readonly cusum: readonly { x: number[]; drift: number; sums: number[] }[];
  readonly pageHinkley: readonly { x: number[]; threshold: number; at: number[] }[];
  readonly adwin: readonly {
    x: number[];
    delta: number;
    everyValues: number;
    at: number[];
    widths: [number, number][];
  }[];
}

const path = new URL('../../../vectors/monitor/tests.json', import.meta.url);
const figures = JSON.parse(readFileSync(path, 'utf8')) as Figures;
const near = (found: number, wanted: number): void =>
  expect(Math.abs(found - wanted)).toBeLessThanOrEqual(1e-6 * Math.abs(wanted) + 1e-12);
const bad = expect.objectContaining({ code: 'bad-sample' });

describe('two samples', () => {
  it.each(figures.chiSquared)('chi-squared $statistic', ({ a, b, ...wanted }) => {
    const found = chiSquaredTest(a, b);
    near(found.statistic, wanted.statistic);
    near(found.pValue, wanted.pValue);
    expect(found.degrees).toBe(wanted.degrees);
  });
  it.each(figures.tail)('tail of chi-squared at $x of $degrees', ({ x, degrees, tail }) => {
    near(chiSquaredTail(x, degrees), tail);
  });
  it.each(figures.divergence)('stability $psi and distance $js', ({ a, b, psi, js }) => {
    near(populationStability(a, b), psi);
    near(jensenShannonDistance(a, b), js);
    near(jensenShannonDistance(b, a), js);
  });
  it.each(figures.discrepancy)('mean discrepancy $statistic', ({ a, b, features, ...wanted }) => {
    const samples = { a: Float32Array.from(a), b: Float32Array.from(b), features };
    const found = maximumMeanDiscrepancy({ ...samples, random: seeded(1), permutations: 1000 });
    near(found.bandwidth, wanted.bandwidth);
    near(found.statistic, wanted.statistic);
    // Both p-values are drawn: 4,000 there, 1,000 here.
    const error = Math.sqrt((wanted.pValue * (1 - wanted.pValue)) / 1000);
    expect(Math.abs(found.pValue - wanted.pValue)).toBeLessThan(4 * error + 0.002);
    expect(maximumMeanDiscrepancy({ ...samples, random: seeded(1), permutations: 1000 })).toEqual(
      found,
    );
  });
  it('refuse what they cannot compare', () => {
    expect(() => chiSquaredTest([1, 2], [1])).toThrow(bad);
    expect(() => chiSquaredTest([0, 0], [1, 2])).toThrow(bad);
    expect(() => populationStability([1, Number.NaN], [1, 2])).toThrow(bad);
    const one = new Float32Array(3);
    const random = seeded(1);
    expect(() => maximumMeanDiscrepancy({ a: one, b: one, features: 3, random })).toThrow(bad);
    const equal = new Float32Array(12);
    expect(() => maximumMeanDiscrepancy({ a: equal, b: equal, features: 3, random })).toThrow(bad);
  });
});

describe('streams', () => {
  it.each(figures.cusum)('cumulative sum over $x.length values', ({ x, drift, sums }) => {
    const running = cusum({ drift, threshold: 20 });
    const alarms = x.map((value, i) => {
      const alarm = running.update(value);
      expect(Math.abs(running.sum - (sums[i] ?? 0))).toBeLessThan(1e-9);
      return alarm;
    });
    expect(alarms).toEqual(sums.map((sum) => sum > 20));
  });
  it.each(figures.pageHinkley)('Page-Hinkley tells changes at $at', ({ x, threshold, at }) => {
    let running = pageHinkley({ threshold });
    const found: number[] = [];
    for (const [i, value] of x.entries()) {
      if (running.update(value)) found.push(i);
      // A restart in the middle changes nothing.
      if (i % 97 === 0) {
        running = pageHinkley({ threshold }, JSON.parse(JSON.stringify(running.state)));
      }
    }
    expect(found).toEqual(at);
  });
  it.each(figures.adwin)('ADWIN $delta/$everyValues cuts at $at', (row) => {
    const { x, delta, everyValues, at, widths } = row;
    let window = adwin({ delta, everyValues });
    const found: number[] = [];
    for (const [i, value] of x.entries()) {
      if (window.update(value)) found.push(i);
      if (i % 100 === 99) {
        const [width = 0, mean = 0] = widths[(i - 99) / 100] ?? [];
        expect(window.width).toBe(width);
        expect(Math.abs(window.mean - mean)).toBeLessThan(1e-9);
        const state = JSON.parse(JSON.stringify(window.state)) as AdwinState;
        window = adwin({ delta, everyValues }, state);
      }
    }
    expect(found).toEqual(at);
  });
});
