import { seeded } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  applyInputGuards,
  applyOutputGuards,
  type GuardConfig,
  parseGuardConfig,
  tightenGuards,
} from '../src/index.ts';

const range = { min: [0, 0], max: [1, 10], margin: 0.1 };
const best = (row: ArrayLike<number>): number =>
  Array.from(row).indexOf(Math.max(...Array.from(row)));

describe('input guards', () => {
  const guards: GuardConfig = { input: { range, rounding: { steps: [0, 1] } } };
  it('snap features and leave the caller’s rows alone', () => {
    const x = Float32Array.from([0.5, 2.4, 1.05, 10.6]);
    const { x: guarded, refused } = applyInputGuards(guards, x, 2, 2);
    expect(refused).toBeNull();
    expect([...guarded]).toEqual([0.5, 2, Math.fround(1.05), 11]);
    expect(x[1]).toBeCloseTo(2.4, 6);
  });
  it('refuse what lies outside, and what is no number, by its place', () => {
    const at = (value: number) =>
      applyInputGuards(guards, Float32Array.from([0, 1, 0, value]), 2, 2);
    expect(at(11.5).refused).toEqual({ row: 1, feature: 1, reason: 'expected 0 to 10, got 11.5' });
    expect(at(Number.NaN).refused?.reason).toBe('expected a finite number, got NaN');
    const bare = applyInputGuards({}, Float32Array.from([Number.POSITIVE_INFINITY]), 1, 1);
    expect(bare.refused?.reason).toBe('expected a finite number, got Infinity');
  });
  it('repeat their noise from the seed, and need one', () => {
    const noisy: GuardConfig = { input: { noise: { sigma: 0.1 } } };
    const x = new Float32Array(100);
    const once = applyInputGuards(noisy, x, 100, 1, seeded(1)).x;
    expect(once).toEqual(applyInputGuards(noisy, x, 100, 1, seeded(1)).x);
    expect(once).not.toEqual(applyInputGuards(noisy, x, 100, 1, seeded(2)).x);
    expect(() => applyInputGuards(noisy, x, 100, 1)).toThrow('noise needs a source of randomness');
  });
  it('keep counts and categories whole under noise', () => {
    const noisy: GuardConfig = { input: { noise: { sigma: 3 }, rounding: { steps: [1] } } };
    const { x } = applyInputGuards(noisy, new Float32Array(50), 50, 1, seeded(3));
    expect([...x].every(Number.isInteger)).toBe(true);
    expect(new Set(x).size).toBeGreaterThan(5);
  });
  it('refuse to guard a model of another width', () => {
    expect(() => applyInputGuards(guards, new Float32Array(3), 1, 3)).toThrow(
      'guards do not fit the model: expected 3 features, got 2',
    );
  });
});

describe('output guards', () => {
  it('never change which class is greatest', () => {
    const score = fc.oneof(
      fc.double({ min: -20, max: 20, noNaN: true }),
      fc.double({ min: 0, max: 1, noNaN: true }),
      fc.integer({ min: -3, max: 3 }).map((value) => value / 10),
      fc.float({ noNaN: true }),
    );
    const config = fc.record({
      decimals: fc.integer({ min: 0, max: 4 }),
      topK: fc.integer({ min: 1, max: 4 }),
      labelOnly: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(score, { minLength: 2, maxLength: 8 }), config, (row, output) => {
        const scores = Float32Array.from(row);
        const guarded = applyOutputGuards({ output }, scores, 1, row.length);
        expect(best(guarded)).toBe(best(scores));
        expect(scores).toEqual(Float32Array.from(row));
      }),
      { seed: 3, numRuns: 2000 },
    );
  });
  it('keep the decimals that they are told', () => {
    const scores = Float32Array.from([0.12345, 0.87655]);
    const guarded = applyOutputGuards({ output: { decimals: 2 } }, scores, 1, 2);
    expect([...guarded]).toEqual([Math.fround(0.12), Math.fround(0.88)]);
  });
  it('tell shares as shares, where many are equal after rounding', () => {
    const rounded = (...scores: number[]): number[] => {
      const guarded = applyOutputGuards(
        { output: { decimals: 1 } },
        Float32Array.from(scores),
        1,
        scores.length,
      );
      return [...guarded].map((score) => Number(score.toFixed(3)));
    };
    expect(rounded(0.02, 0.03, 0.01)).toEqual([0, 0.1, 0]);
    expect(rounded(0.96, 0.98, 0.2)).toEqual([0.9, 1, 0.2]);
    expect(rounded(-7.01, -7.02, -9)).toEqual([-6.9, -7, -9]);
  });
  it('refuse scores that are no numbers', () => {
    expect(() => applyOutputGuards({}, Float32Array.of(1, 2, 0, Number.NaN), 2, 2)).toThrow(
      expect.objectContaining({ code: 'invalid-data', message: 'row 1: score 1 is not a number' }),
    );
  });
  it('get stricter by level', () => {
    const shown = (level: 1 | 2 | 3): number[] => {
      const config = tightenGuards({ output: { decimals: 2 } }, level);
      const scores = Float32Array.from([0.12, 0.55, 0.33]);
      return [...applyOutputGuards(config, scores, 1, 3)].map((s) => Number(s.toFixed(3)));
    };
    expect(shown(1)).toEqual([0.1, 0.6, 0.3]);
    expect(shown(2)).toEqual([0, 0.6, 0]);
    expect(shown(3)).toEqual([0, 1, 0]);
  });
});

describe('guards as data', () => {
  it('tell every fault at once', () => {
    const bad = {
      input: { range: { min: [2], max: [1], margin: -1 }, rounding: { steps: ['a'] }, blur: 1 },
      output: { decimals: 1.5, labelOnly: 'yes' },
      extra: {},
    };
    expect(() => parseGuardConfig(bad)).toThrow(
      expect.objectContaining({
        code: 'bad-guards',
        message: [
          'guards expected input, output, got "extra"',
          'input expected range, rounding, noise, got "blur"',
          '"range.min" exceeds "range.max" at feature 0',
          '"range.margin" expected a number ≥ 0',
          '"rounding.steps" expected numbers ≥ 0',
          '"decimals" expected an integer from 0 to 9, got 1.5',
          '"labelOnly" expected true or false, got "yes"',
        ].join('; '),
      }),
    );
    const typo = {
      input: {
        range: { min: [0], max: [1], margin: 0, step: 1 },
        rounding: { steps: [1, 1], step: 1 },
        noise: { sigma: 0, seed: 1 },
      },
    };
    expect(() => parseGuardConfig(typo)).toThrow(
      [
        '"range" expected min, max, margin, got "step"',
        '"rounding" expected steps, got "step"',
        '"rounding.steps" expected 1 numbers as in "range", got 2',
        '"noise" expected sigma, got "seed"',
      ].join('; '),
    );
    expect(() => parseGuardConfig('none')).toThrow('guards expected an object');
  });
});
