/** Detectors of what a client is after: directions, coverage of the model, training rows. */
import { type Random, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  coverageDetector,
  type Detector,
  directionDetector,
  learnCoverage,
  learnDirection,
  learnMembership,
  membershipDetector,
} from '../src/index.ts';
import { benign, diluted, type Labelled, natural, shown } from './rows.ts';

const seeds = [1, 2, 3, 4, 5];
const code = (expected: string) => expect.objectContaining({ code: expected });

/** Pictures in essence: many values that a dozen causes decide. */
const wide = 120;
const causes = Array.from({ length: 12 }, (_, i) => {
  const random = seeded(400 + i);
  return Float32Array.from({ length: wide }, () => random.normal());
});
function picture(random: Random): Labelled {
  const label = random.integer(4);
  const row = new Float32Array(wide);
  causes.forEach((cause, k) => {
    const by = random.normal() * (k % 4 === label ? 2 : 0.7);
    for (let i = 0; i < wide; i++) row[i] = (row[i] ?? 0) + by * (cause[i] ?? 0);
  });
  return { row, label };
}
const pictures = (random: Random, count: number): Labelled[] =>
  Array.from({ length: count }, () => picture(random));

/** Rows of eighty kinds, some of which are a hundred times as common as others. */
function kinds(random: Random, count: number): Labelled[] {
  return Array.from({ length: count }, () => {
    const kind = Math.floor(80 * random.uniform() ** 3);
    const own = seeded(600 + kind);
    const row = Float32Array.from({ length: 20 }, () => own.normal() + 0.1 * random.normal());
    return { row, label: kind % 5 };
  });
}

const directions = learnDirection(benign(pictures(seeded(50), 1000)), { seed: 2, sessions: 60 });
const coverage = learnCoverage(benign(kinds(seeded(51), 2000)), { seed: 2 });
const training = natural(seeded(52), 1500);
const membership = learnMembership(benign(training), benign(natural(seeded(53), 1000)), {
  seed: 2,
});

describe('sequence-direction', () => {
  const make = (): Detector => directionDetector({ profile: directions });
  // Probes as wide as natural rows differ, so that nearness tells nothing.
  const wideProbes = (random: Random, count: number): Labelled[] => {
    const { row, label } = picture(random);
    return Array.from({ length: count }, () => ({
      row: row.map((value) => value + 3 * random.normal()),
      label,
    }));
  };
  it.each(seeds)('is silent on natural rows (seed %i)', (seed) => {
    expect(shown(make(), pictures(seeded(seed), 1500))).toEqual([]);
    const one = pictures(seeded(seed), 1500).filter(({ label }) => label === 1);
    expect(shown(make(), one)).toEqual([]);
  });
  it.each(seeds)('finds drawn directions however long the steps are (seed %i)', (seed) => {
    const [found] = shown(make(), wideProbes(seeded(seed), 200));
    expect(found?.at).toBeLessThanOrEqual(100);
    expect(found?.signal.detector).toBe('sequence-direction');
    expect(found?.signal.statistic).toBeGreaterThan(found?.signal.threshold ?? 1);
  });
  it('takes exact repeats for nothing', () => {
    expect(shown(make(), Array(300).fill(picture(seeded(3))))).toEqual([]);
  });
});

describe('extraction-coverage', () => {
  const make = (massMax = 1): Detector => coverageDetector({ profile: coverage, massMax });
  /** Each next row is the farthest from all before, out of natural ones. */
  const centres = (random: Random, count: number): Labelled[] => {
    const rows = kinds(random, 3000);
    const away = rows.map(() => Number.POSITIVE_INFINITY);
    let next = rows[0];
    return Array.from({ length: count }, () => {
      const now = next ?? { row: new Float32Array(), label: 0 };
      rows.forEach(({ row }, i) => {
        const squared = row.reduce((sum, value, k) => sum + (value - (now.row[k] ?? 0)) ** 2, 0);
        away[i] = Math.min(away[i] ?? 0, squared);
      });
      next = rows[away.indexOf(Math.max(...away))];
      return now;
    });
  };
  it.each(seeds)('is silent on natural rows (seed %i)', (seed) => {
    expect(shown(make(), kinds(seeded(seed), 3000))).toEqual([]);
  });
  it.each(seeds)('finds rows chosen to be far from all before (seed %i)', (seed) => {
    const [found] = shown(make(), centres(seeded(seed), 300));
    expect(found?.at).toBeLessThanOrEqual(200);
    expect(found?.signal.detail).toMatchObject({ broad: false });
  });
  it('caps the breadth of natural queries where it is told to', () => {
    const [found] = shown(make(0.9), kinds(seeded(9), 3000));
    expect(found?.at).toBeGreaterThan(20);
    expect(found?.signal.detail).toMatchObject({ broad: true });
  });
  it('divides no space by a handful of rows', () => {
    const few = benign(natural(seeded(1), 30));
    expect(() => learnCoverage(few, { seed: 1 })).toThrow(code('bad-sample'));
  });
});

describe('membership-probing', () => {
  const make = (): Detector => membershipDetector({ profile: membership });
  const nearby = (random: Random, count: number, size: number): Labelled[] =>
    Array.from({ length: count }, () => {
      const { row, label } = training[random.integer(training.length)] ?? natural(random, 1)[0]!;
      return { row: row.map((value) => value + size * random.normal()), label };
    });
  it.each(seeds)('is silent on rows that were not trained on (seed %i)', (seed) => {
    expect(shown(make(), natural(seeded(seed), 3000))).toEqual([]);
  });
  it.each([0, 0.01, 0.05])('finds training rows with noise of %f', (size) => {
    for (const seed of seeds) {
      const [found] = shown(make(), nearby(seeded(seed), 60, size));
      expect(found?.at).toBeLessThanOrEqual(size === 0 ? 4 : 15);
    }
  });
  it('is silent on a client of the one class that lies close together', () => {
    const spread = (random: Random, count: number): Labelled[] =>
      Array.from({ length: count }, () => {
        const label = random.uniform() < 0.1 ? 0 : 1;
        const row = Float32Array.from({ length: 20 }, () => 3 + (label || 0.1) * random.normal());
        return { row, label };
      });
    const own = learnMembership(benign(spread(seeded(1), 2000)), benign(spread(seeded(2), 2000)), {
      seed: 2,
    });
    const close = spread(seeded(3), 5000).filter(({ label }) => label === 0);
    expect(shown(membershipDetector({ profile: own }), close)).toEqual([]);
    const unknown = close.map(({ row }) => ({ row, label: 5 }));
    expect(shown(membershipDetector({ profile: own }), unknown)).not.toEqual([]);
  });
  it('finds probing among as many honest queries', () => {
    const random = seeded(6);
    const mixed = diluted(nearby(random, 100, 0), natural(random, 100), 1);
    expect(shown(make(), mixed)[0]?.at).toBeLessThanOrEqual(30);
  });
  it('counts a row once, and equal rows not at all where held-out rows are equal too', () => {
    expect(shown(make(), Array(100).fill(training[0]))).toEqual([]);
    const twins = learnMembership(benign(training), benign(training.slice(0, 500)), { seed: 2 });
    expect(shown(membershipDetector({ profile: twins }), training.slice(500))).toEqual([]);
  });
});

describe('state outlasts a restart', () => {
  const detectors: Record<string, readonly [(saved?: Uint8Array) => Detector, Labelled[]]> = {
    direction: [
      (saved) => directionDetector({ profile: directions, ...(saved && { saved }) }),
      Array.from({ length: 100 }, (_, i) => {
        const random = seeded(i);
        return { row: Float32Array.from({ length: wide }, () => random.normal()), label: 0 };
      }),
    ],
    coverage: [
      (saved) => coverageDetector({ profile: coverage, massMax: 0.5, ...(saved && { saved }) }),
      kinds(seeded(3), 300),
    ],
    membership: [
      (saved) => membershipDetector({ profile: membership, ...(saved && { saved }) }),
      diluted(training.slice(0, 60), natural(seeded(4), 60), 1),
    ],
  };
  it.each(Object.entries(detectors))('%s says the same as if it had run on', (_, [make, rows]) => {
    const wanted = shown(make(), rows);
    expect(wanted).toHaveLength(1);
    for (const cut of [1, 5, (wanted[0]?.at ?? 0) - 1, wanted[0]?.at ?? 0]) {
      const before = make();
      const first = shown(before, rows.slice(0, cut));
      const second = shown(make(before.save?.()), rows.slice(cut), 'k', cut);
      const all = [...first, ...second.map(({ at, signal }) => ({ at: at + cut, signal }))];
      expect(all).toEqual(wanted);
    }
    const bytes = make().save?.().slice() ?? new Uint8Array();
    bytes[40] = (bytes[40] ?? 0) ^ 1;
    expect(() => make(bytes)).toThrow(code('bad-state'));
  });
});
