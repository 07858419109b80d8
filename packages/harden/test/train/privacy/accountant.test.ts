/** What training spends, against Opacus and dp-accounting (scripts/make_harden_vectors.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { noiseFor, type PrivateSteps, rdpEpsilon } from '../../../src/index.ts';

interface Recorded extends PrivateSteps {
  readonly delta: number;
  readonly opacusRdp: number;
  readonly opacusPrv: number;
  readonly googleRdp: number;
  readonly googlePld: number;
}

const file = new URL('../../../../../vectors/harden/privacy.json', import.meta.url);
const cases = JSON.parse(readFileSync(file, 'utf8')) as Recorded[];

describe('Rényi accounting', () => {
  it.each(cases)('noise $noiseMultiplier, rate $rate, $steps steps', (recorded) => {
    const epsilon = rdpEpsilon(recorded, recorded.delta);
    expect(Math.abs(epsilon - recorded.opacusRdp)).toBeLessThan(1e-3);
    expect(Math.abs(epsilon - recorded.googleRdp)).toBeLessThan(1e-3);
    // No accountant may promise more than the exact one.
    expect(epsilon).toBeGreaterThan(recorded.googlePld);
  });
  it('knows the ends', () => {
    const steps = { rate: 0.1, noiseMultiplier: 1, steps: 10 };
    expect(rdpEpsilon({ ...steps, noiseMultiplier: 0 }, 1e-5)).toBe(Infinity);
    expect(rdpEpsilon({ ...steps, steps: 0 }, 1e-5)).toBe(0);
    expect(rdpEpsilon({ ...steps, rate: 0 }, 1e-5)).toBeLessThan(0.02);
  });
  it('spends more with more steps and less with more noise', () => {
    const of = (noiseMultiplier: number, steps: number): number =>
      rdpEpsilon({ rate: 0.02, noiseMultiplier, steps }, 1e-5);
    expect(of(1, 200)).toBeGreaterThan(of(1, 100));
    expect(of(1.5, 200)).toBeLessThan(of(1, 200));
  });
});

describe('the noise that a promise needs', () => {
  it.each([0.5, 3, 10])('is just enough for %d', (epsilon) => {
    const steps = { rate: 1024 / 60_000, steps: 708 };
    const noiseMultiplier = noiseFor(steps, { epsilon, delta: 1e-5 });
    expect(rdpEpsilon({ ...steps, noiseMultiplier }, 1e-5)).toBeLessThanOrEqual(epsilon);
    const less = { ...steps, noiseMultiplier: noiseMultiplier * 0.999 };
    expect(rdpEpsilon(less, 1e-5)).toBeGreaterThan(epsilon);
  });
  it('is refused where none is enough', () => {
    const goal = { epsilon: 1e-9, delta: 1e-9 };
    expect(() => noiseFor({ rate: 1, steps: 1e6 }, goal)).toThrow(
      /"privacy.epsilon" expected .* or/,
    );
  });
});
