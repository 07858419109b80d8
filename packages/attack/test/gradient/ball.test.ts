import { seeded } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ceilFloat32, floorFloat32 } from '../../src/batch.ts';
import { ball } from '../../src/gradient/ball.ts';
import { greatest } from '../../src/select.ts';
import { distance, l0, l1, l2, linf } from '../../src/threat.ts';

const unit = { min: 0, max: 1 };
const elements = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), {
  minLength: 4,
  maxLength: 4,
});
const radius = fc.double({ min: 0, max: 2, noNaN: true });

describe('ball', () => {
  it('never lets a row leave the ball or the bounds, not by one ulp', () => {
    const moves = fc.array(fc.float({ min: -3, max: 3, noNaN: true }), {
      minLength: 4,
      maxLength: 4,
    });
    fc.assert(
      fc.property(elements, moves, radius, fc.nat(3), (from, by, epsilon, which) => {
        const clean = Float32Array.from(from);
        const budget = [linf, l2, l1, l0].map((norm) => norm(epsilon))[which] ?? linf(epsilon);
        const region = ball(clean, 4, budget, unit);
        const x = clean.slice();
        region.step(x, Float32Array.from(by), 3);
        expect(distance(budget.norm, x, clean)).toBeLessThanOrEqual(epsilon);
        const start = region.randomStart(seeded(1));
        expect(distance(budget.norm, start, clean)).toBeLessThanOrEqual(epsilon);
        for (const value of [...x, ...start]) expect(value >= 0 && value <= 1).toBe(true);
      }),
      { numRuns: 500, seed: 1 },
    );
  });

  it('leaves rows inside alone and is the same when done twice', () => {
    const clean = Float32Array.of(0.5, 0.5, 0.5, 0.5);
    for (const budget of [linf(0.25), l2(0.25)]) {
      const region = ball(clean, 4, budget, unit);
      const inside = Float32Array.of(0.6, 0.5, 0.45, 0.5);
      const kept = inside.slice();
      region.project(kept);
      expect(kept).toEqual(inside);
      const far = Float32Array.of(9, -9, 0.5, 0.5);
      region.project(far);
      const once = far.slice();
      region.project(far);
      expect(far).toEqual(once);
    }
  });

  it('moves along the sign in linf and along the gradient in l2', () => {
    const clean = Float32Array.of(0.5, 0.5);
    const sign = clean.slice();
    ball(clean, 2, linf(0.25), unit).step(sign, Float32Array.of(-3, 0), 0.125);
    expect([...sign]).toEqual([0.375, 0.5]);
    const along = clean.slice();
    ball(clean, 2, l2(0.25), unit).step(along, Float32Array.of(3, 4), 0.125);
    expect(along[0]).toBeCloseTo(0.575, 6);
    expect(along[1]).toBeCloseTo(0.6, 6);
  });
});

describe('sparse regions', () => {
  const far = fc.array(fc.float({ min: -3, max: 3, noNaN: true }), { minLength: 9, maxLength: 9 });
  const from = fc.array(fc.float({ min: 0, max: 1, noNaN: true }), { minLength: 9, maxLength: 9 });

  it('projects to the nearest point of the L1 ball and the bounds', () => {
    fc.assert(
      fc.property(
        from,
        far,
        fc.double({ min: 0.01, max: 4, noNaN: true }),
        (clean, to, epsilon) => {
          const center = Float32Array.from(clean);
          const x = Float32Array.from(to);
          ball(center, 9, l1(epsilon), unit).project(x);
          // The slow twin: the threshold by two hundred bisections, in float64.
          const parts = (threshold: number) =>
            to.map((value, i) => {
              const change = Math.fround(value) - (center[i] ?? 0);
              const room = change > 0 ? 1 - (center[i] ?? 0) : (center[i] ?? 0);
              const length = Math.min(Math.max(Math.abs(change) - threshold, 0), room);
              return (center[i] ?? 0) + Math.sign(change) * length;
            });
          const sum = (threshold: number) =>
            parts(threshold).reduce((total, v, i) => total + Math.abs(v - (center[i] ?? 0)), 0);
          let [low, high] = [0, 4];
          for (let k = 0; k < 200 && sum(0) > epsilon; k++) {
            const middle = (low + high) / 2;
            if (sum(middle) > epsilon) low = middle;
            else high = middle;
          }
          const wanted = parts(sum(0) > epsilon ? high : 0);
          x.forEach((value, i) => {
            expect(value).toBeCloseTo(wanted[i] ?? 0, 5);
          });
        },
      ),
      { numRuns: 300, seed: 3 },
    );
  });

  it('keeps the greatest changes in L0 and moves the steepest elements in L1', () => {
    const clean = Float32Array.of(0.5, 0.5, 0.5, 0.5);
    const x = Float32Array.of(0.9, 0.2, 7, 0.6);
    ball(clean, 4, l0(2), unit).project(x);
    expect([...x]).toEqual([0.5, 0.5, 1, 0.5].map((v, i) => (i === 0 ? Math.fround(0.9) : v)));
    const sparse = clean.slice();
    ball(clean, 4, l1(1), unit).step(sparse, Float32Array.of(1, -9, 2, 3), 0.25);
    expect([...sparse]).toEqual([0.5, 0.25, 0.5, 0.5]);
  });

  it('selects what sorting would find', () => {
    fc.assert(
      fc.property(
        fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1 }),
        fc.nat(),
        (all, n) => {
          const rank = (n % all.length) + 1;
          const sorted = all.toSorted((a, b) => b - a);
          expect(greatest(Float64Array.from(all), all.length, rank)).toBe(sorted[rank - 1]);
        },
      ),
      { seed: 4 },
    );
  });
});

describe('rounding to float32', () => {
  it('is down or up, to a neighbour', () => {
    fc.assert(
      fc.property(fc.double({ min: -1e30, max: 1e30, noNaN: true }), (value) => {
        const low = floorFloat32(value);
        const high = ceilFloat32(value);
        expect(low <= value && value <= high).toBe(true);
        expect(Math.fround(low) === low && Math.fround(high) === high).toBe(true);
        expect(Math.fround(value) === low || Math.fround(value) === high).toBe(true);
      }),
      { seed: 1 },
    );
  });
});
