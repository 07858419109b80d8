import { seeded } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ceilFloat32, floorFloat32 } from '../../src/batch.ts';
import { ball } from '../../src/gradient/ball.ts';
import { distance, l2, linf } from '../../src/threat.ts';

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
      fc.property(elements, moves, radius, fc.boolean(), (from, by, epsilon, round) => {
        const clean = Float32Array.from(from);
        const budget = round ? l2(epsilon) : linf(epsilon);
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
