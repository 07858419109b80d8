/** Bounds of shares and normal quantiles against SciPy's (scripts/make_harden_vectors.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { fairCoin, normalQuantile, shareAtLeast } from '../../src/index.ts';
import { betaShare, logGamma } from '../../src/numbers/beta.ts';
import { logErfc, normalShare } from '../../src/numbers/normal.ts';

const file = new URL('../../../../vectors/harden/bounds.json', import.meta.url);
const { shares, quantiles } = JSON.parse(readFileSync(file, 'utf8')) as {
  shares: [hits: number, trials: number, alpha: number, low: number, coin: number][];
  quantiles: [share: number, value: number][];
};

describe('bounds of shares', () => {
  it.each(shares)('%i of %i at %d', (hits, trials, alpha, low, coin) => {
    expect(Math.abs(shareAtLeast(hits, trials, alpha) - low)).toBeLessThan(1e-12);
    expect(Math.abs(fairCoin(hits, trials) - coin)).toBeLessThan(1e-9);
  });
  it('are the α-th root where all trials hit', () => {
    expect(shareAtLeast(100, 100, 0.001)).toBeCloseTo(0.001 ** 0.01, 12);
    expect(shareAtLeast(0, 100, 0.001)).toBe(0);
  });
});

describe('the normal distribution', () => {
  it.each(quantiles)('quantile of %d', (share, value) => {
    expect(Math.abs(normalQuantile(share) - value)).toBeLessThan(1e-12 * Math.max(1, -value));
  });
  it('has no quantile beyond its ends', () => {
    expect([normalQuantile(0), normalQuantile(1)]).toEqual([-Infinity, Infinity]);
  });
  it('joins series and continued fraction', () => {
    expect(logErfc(2 - 1e-12)).toBeCloseTo(logErfc(2 + 1e-12), 10);
    expect(normalShare(1.959963984540054)).toBeCloseTo(0.975, 13);
  });
});

describe('special functions', () => {
  it('log Γ is that of factorials', () => {
    let sum = 0;
    for (let n = 1; n < 60; n++) {
      expect(Math.abs(logGamma(n) - sum)).toBeLessThan(1e-12 * Math.max(1, sum));
      sum += Math.log(n);
    }
    expect(logGamma(0.5)).toBeCloseTo(Math.log(Math.PI) / 2, 13);
  });
  it('I_x(a, b) is a binomial tail for whole a and b', () => {
    // P(X ≥ 2) of three fair coins is one half.
    expect(betaShare(0.5, 2, 2)).toBeCloseTo(0.5, 14);
    expect([betaShare(0, 2, 3), betaShare(1, 2, 3)]).toEqual([0, 1]);
  });
});
