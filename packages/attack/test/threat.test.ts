import { describe, expect, it } from 'vitest';
import {
  bounds,
  distance,
  isSuccess,
  l0,
  l2,
  linf,
  parseEpsilon,
  targeted,
  untargeted,
} from '../src/threat.ts';

describe('threat model', () => {
  it('measures distances in each norm', () => {
    const a = Float32Array.of(0, 1, 2);
    const b = Float32Array.of(3, 1, -2);
    expect(distance('linf', a, b)).toBe(4);
    expect(distance('l2', a, b)).toBe(5);
    expect(distance('l0', a, b)).toBe(2);
  });

  it('knows what success is', () => {
    expect(isSuccess(untargeted, 1, 1, 0)).toBe(false);
    expect(isSuccess(untargeted, -1, 1, 0)).toBe(true);
    const goal = targeted(Int32Array.of(2));
    expect(isSuccess(goal, 0, 1, 0)).toBe(false);
    expect(isSuccess(goal, 2, 1, 0)).toBe(true);
  });

  it('reads radii as numbers and fractions', () => {
    expect(parseEpsilon('8/255')).toBe(8 / 255);
    expect(parseEpsilon(' .3 ')).toBe(0.3);
    for (const text of ['', 'x', '-1', '1/0', '1/2/3', '1e9999', 'NaN']) {
      expect(() => parseEpsilon(text)).toThrow(`a fraction such as 8/255, got "${text}"`);
    }
  });

  it.each([
    [() => linf(-1), '"epsilon" expected a number ≥ 0, got -1'],
    [() => l2(Number.POSITIVE_INFINITY), '"epsilon" expected a number ≥ 0, got Infinity'],
    [() => l0(Number.NaN), '"epsilon" expected a number ≥ 0, got NaN'],
    [() => bounds(1, 0), '"bounds" expected min < max, got 1, 0'],
  ])('refuses nonsense %#', (make, message) => {
    expect(make).toThrow(message);
  });
});
