import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { kolmogorovSmirnov, shapiroWilk } from '../src/index.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../../vectors/monitor/statistics.json', import.meta.url), 'utf8'),
) as {
  shapiro: { kind: string; x: number[]; w: number }[];
  ks: { a: number[]; b: number[]; statistic: number; tail: number }[];
};
const sorted = (values: number[]): Float64Array => Float64Array.from(values).sort();

describe('statistics agree with SciPy', () => {
  it.each(vectors.shapiro)('Shapiro-Wilk, $kind', ({ x, w }) => {
    expect(shapiroWilk(Float64Array.from(x))).toBeCloseTo(w, 6);
  });
  it.each(vectors.ks)('Kolmogorov-Smirnov $statistic', ({ a, b, statistic, tail }) => {
    const found = kolmogorovSmirnov(sorted(a), sorted(b));
    expect(found.statistic).toBeCloseTo(statistic, 12);
    expect(Math.abs(found.pValue - tail)).toBeLessThan(1e-9 + tail * 1e-6);
  });
  it('refuses samples that say nothing', () => {
    const code = expect.objectContaining({ code: 'bad-sample' });
    expect(() => shapiroWilk(new Float64Array(5))).toThrow(code);
    expect(() => shapiroWilk(new Float64Array(50).fill(3))).toThrow(code);
  });
});
