import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { hyperplaneProjector } from '../../src/minimal/hyperplane.ts';

const size = 8;
const unit = { min: 0, max: 1 };
const element = fc.integer({ min: 0, max: 1000 }).map((value) => value / 1000);
const points = fc.array(element, { minLength: size, maxLength: size });
const weight = fc.integer({ min: -200, max: 200 }).map((value) => value / 100);
const normals = fc.array(weight, { minLength: size, maxLength: size });
const gaps = fc.double({ min: -3, max: 3, noNaN: true });

/** The slow readable twin: each norm's solution by two hundred bisections, or by sorting. */
function twin(norm: 'linf' | 'l2' | 'l1', x: number[], w: number[], gap: number): number[] {
  const sign = gap < 0 ? -1 : 1;
  const pulls = w.map((value) => Math.abs(value));
  const signs = w.map((value) => sign * Math.sign(value));
  const rooms = x.map((value, i) => {
    if (signs[i] === 0) return 0;
    return (signs[i] ?? 0) > 0 ? 1 - value : value;
  });
  const goal = Math.abs(gap);
  if (norm === 'l1') {
    const lengths = x.map(() => 0);
    let missing = goal;
    const order = [...x.keys()].sort((a, b) => (pulls[b] ?? 0) - (pulls[a] ?? 0));
    for (const i of order) {
      const pull = pulls[i] ?? 0;
      if (pull === 0 || missing <= 0) continue;
      lengths[i] = Math.min(rooms[i] ?? 0, missing / pull);
      missing -= (lengths[i] ?? 0) * pull;
    }
    return lengths.map((length, i) => length * (signs[i] ?? 0));
  }
  const at = (level: number) =>
    rooms.map((room, i) => Math.min(norm === 'linf' ? level : level * (pulls[i] ?? 0), room));
  const reached = (level: number) =>
    at(level).reduce((sum, length, i) => sum + length * (pulls[i] ?? 0), 0);
  let [low, high] = [0, 1e12];
  for (let k = 0; k < 400; k++) {
    const middle = (low + high) / 2;
    if (reached(middle) < goal) low = middle;
    else high = middle;
  }
  return at(high).map((length, i) => length * (signs[i] ?? 0));
}

function lengthOf(norm: 'linf' | 'l2' | 'l1', change: readonly number[]): number {
  if (norm === 'l2') return Math.hypot(...change);
  const sizes = change.map(Math.abs);
  return norm === 'linf' ? Math.max(...sizes) : sizes.reduce((sum, value) => sum + value, 0);
}

describe.each(['linf', 'l2', 'l1'] as const)('the nearest point of a hyperplane in %s', (norm) => {
  it('is that of bisection or sorting, inside the box', () => {
    const projector = hyperplaneProjector(norm, size, unit);
    const out = new Float64Array(size);
    fc.assert(
      fc.property(points, normals, gaps, (from, normal, gap) => {
        const x = Float32Array.from(from);
        const w = Float32Array.from(normal);
        const length = projector.project({ of: x, start: 0 }, { of: w, start: 0 }, gap, out);
        const wanted = twin(norm, [...x], [...w], gap);
        expect(length).toBeCloseTo(lengthOf(norm, wanted), 5);
        expect(lengthOf(norm, [...out])).toBeCloseTo(length, 9);
        const dot = (change: ArrayLike<number>) =>
          w.reduce((sum, value, i) => sum + value * (change[i] ?? 0), 0);
        expect(dot(out)).toBeCloseTo(dot(wanted), 5);
        out.forEach((change, i) => {
          const moved = (x[i] ?? 0) + change;
          expect(moved >= -1e-9 && moved <= 1 + 1e-9).toBe(true);
        });
      }),
      { numRuns: 400, seed: 6 },
    );
  });

  it('takes rows among others, equal pulls and no pull at all', () => {
    const projector = hyperplaneProjector(norm, 3, unit);
    const out = new Float64Array(3);
    const x = Float32Array.of(9, 9, 9, 0.5, 0.5, 0.5);
    const w = Float32Array.of(7, 1, 1, 1);
    const length = projector.project({ of: x, start: 3 }, { of: w, start: 1 }, 0.6, out);
    expect(out.reduce((sum, value) => sum + value, 0)).toBeCloseTo(0.6, 9);
    expect(length).toBeCloseTo({ linf: 0.2, l2: 0.6 / Math.sqrt(3), l1: 0.6 }[norm], 9);
    const flat = projector.project(
      { of: x, start: 3 },
      { of: new Float32Array(3), start: 0 },
      1,
      out,
    );
    expect([flat, ...out]).toEqual([0, 0, 0, 0]);
  });
});
