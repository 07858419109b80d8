/** Detectors of query sequences: honest sessions stay quiet, small steps are found, state lasts. */
import { type Random, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  blacklightPublished,
  type Detector,
  fingerprintDetector,
  learnNeighbour,
  neighbourDetector,
  tuneFingerprint,
} from '../src/index.ts';
import { around, benign, diluted, features, type Labelled, natural, shown } from './rows.ts';

const known = benign(natural(seeded(70), 2000));
const profile = learnNeighbour(known, { seed: 3 });
const seeds = [1, 2, 3, 4, 5];
const badState = expect.objectContaining({ code: 'bad-state' });

describe('sequence-neighbour', () => {
  it.each(seeds)('is silent on natural rows of all, two and one classes (seed %i)', (seed) => {
    const rows = natural(seeded(seed), 3000);
    for (const classes of [5, 2, 1]) {
      const own = rows.filter(({ label }) => label < classes);
      expect(shown(neighbourDetector({ profile }), own)).toEqual([]);
    }
  });
  it.each([0.001, 0.01, 0.05])('finds steps of %f within a dozen queries', (size) => {
    for (const seed of seeds) {
      const [found] = shown(neighbourDetector({ profile }), around(seeded(seed), 40, size));
      expect(found?.at).toBeLessThanOrEqual(12);
      expect(found?.signal).toMatchObject({ detector: 'sequence-neighbour', key: 'k' });
      expect(found?.signal.detail).toMatchObject({ tooNear: true });
    }
  });
  it('finds an attack diluted with four honest queries for each of its own', () => {
    for (const seed of seeds) {
      const random = seeded(seed);
      const mixed = diluted(around(random, 100, 0.01), natural(random, 400), 4);
      expect(shown(neighbourDetector({ profile }), mixed)[0]?.at).toBeLessThan(400);
    }
  });
  it('finds rows that no class is like', () => {
    const random = seeded(4);
    const noise = natural(random, 60).map(({ label }) => ({
      row: Float32Array.from({ length: features }, () => 3 * random.normal()),
      label,
    }));
    const [found] = shown(neighbourDetector({ profile }), noise);
    expect(found?.at).toBeLessThanOrEqual(15);
    expect(found?.signal.detail).toMatchObject({ tooFar: true });
  });
  it('does not count exact repeats and says each alarm once', () => {
    const [row] = natural(seeded(1), 1);
    expect(shown(neighbourDetector({ profile }), Array(500).fill(row))).toEqual([]);
    expect(shown(neighbourDetector({ profile }), around(seeded(2), 300, 0.01))).toHaveLength(1);
  });
  it('forgets the least recent key beyond its limit', () => {
    const detector = neighbourDetector({ profile, keysMax: 2 });
    const attack = around(seeded(3), 5, 0.01);
    for (const key of ['a', 'b', 'c']) shown(detector, attack.slice(0, 4), key);
    expect(detector.status()).toMatchObject({ clients: 2 });
  });
  it('learns only from enough rows', () => {
    expect(() => learnNeighbour(benign(natural(seeded(1), 20)), { seed: 1 })).toThrow(
      expect.objectContaining({ code: 'bad-sample' }),
    );
  });
});

describe('query-fingerprint', () => {
  const wide = 300;
  // Pictures with a plain border: half of the values are always 0.
  const picture = (random: Random): Labelled => {
    const row = Float32Array.from({ length: wide }, (_, i) =>
      i < wide / 2 ? 0 : random.uniform(),
    );
    return { row, label: 0 };
  };
  const pictures = (random: Random, count: number) =>
    Array.from({ length: count }, () => picture(random));
  const space = { features: wide, salt: 11 };
  const tuned = tuneFingerprint(benign(pictures(seeded(60), 500)), space);
  const make = () => fingerprintDetector({ ...space, ...tuned });
  // Few values change at each step, as SimBA and Square move.
  const steps = (random: Random, count: number): Labelled[] => {
    const { row, label } = picture(random);
    return Array.from({ length: count }, () => {
      const moved = row.slice();
      moved[random.integer(wide)] = random.uniform();
      return { row: moved, label };
    });
  };

  it('published figures flag honest pictures with plain borders; tuned ones do not', () => {
    const published = fingerprintDetector({ ...space, ...blacklightPublished });
    expect(shown(published, pictures(seeded(1), 200)).length).toBeGreaterThan(0);
    expect(tuned.common.length).toBeGreaterThan(50);
    expect(shown(make(), pictures(seeded(1), 1000))).toEqual([]);
  });
  it.each(seeds)('finds small steps at the fifth query (seed %i)', (seed) => {
    const [found, ...more] = shown(make(), steps(seeded(seed), 50));
    expect(found?.at).toBe(5);
    expect(found?.signal).toMatchObject({ key: 'k', threshold: 4, sinceMs: 1 });
    expect(more).toEqual([]);
  });
  it('finds an attack split over accounts and names each of them, once', () => {
    const detector = make();
    const signals = steps(seeded(5), 40).flatMap((each, i) =>
      shown(detector, [each], `account-${i % 4}`, i),
    );
    const keys = signals.map(({ signal }) => signal.key).sort();
    expect(keys).toEqual(['account-0', 'account-1', 'account-2', 'account-3']);
    const apart = fingerprintDetector({ ...space, ...tuned, acrossKeys: false });
    const none = steps(seeded(5), 16).flatMap((each, i) =>
      shown(apart, [each], `account-${i % 4}`, i),
    );
    expect(none).toEqual([]);
  });
  it('does not blame who asks one near row beside an attack, nor exact repeats', () => {
    const detector = make();
    const attack = steps(seeded(6), 30);
    shown(detector, attack.slice(0, 20), 'attacker');
    expect(shown(detector, attack.slice(20, 21), 'bystander')).toEqual([]);
    expect(shown(make(), Array(100).fill(picture(seeded(7))))).toEqual([]);
  });
  it('keeps no more queries than its limit', () => {
    const detector = fingerprintDetector({ ...space, ...tuned, queriesMax: 50 });
    shown(detector, pictures(seeded(8), 300));
    expect(detector.status()).toMatchObject({ queries: 50, chains: 50 });
  });
});

describe('state outlasts a restart', () => {
  const detectors: Record<string, (saved?: Uint8Array) => Detector> = {
    neighbour: (saved) => neighbourDetector({ profile, keysMax: 3, ...(saved && { saved }) }),
    fingerprint: (saved) =>
      fingerprintDetector({
        ...{ features, salt: 5, min: -1, max: 2, window: 5, threshold: 6, queriesMax: 300 },
        ...(saved && { saved }),
      }),
  };
  it.each(Object.entries(detectors))('%s says the same as if it had run on', (_, make) => {
    const random = seeded(31);
    const rows = diluted(around(random, 120, 0.003), natural(random, 480), 4);
    const whole = make();
    const wanted = shown(whole, rows);
    expect(wanted.length).toBeGreaterThan(0);
    for (const cut of [1, 7, 40, 333]) {
      const before = make();
      const first = shown(before, rows.slice(0, cut));
      const bytes = before.save?.();
      const after = make(bytes);
      const second = shown(after, rows.slice(cut), 'k', cut);
      const all = [...first, ...second.map(({ at, signal }) => ({ at: at + cut, signal }))];
      expect(all).toEqual(wanted);
      expect(after.status()).toEqual(whole.status());
    }
  });
  it.each(Object.entries(detectors))('%s refuses damaged state', (_, make) => {
    const bytes = make().save?.() ?? new Uint8Array();
    const damaged = bytes.slice();
    damaged[damaged.length - 3] = (damaged[damaged.length - 3] ?? 0) ^ 1;
    expect(() => make(damaged)).toThrow(badState);
    expect(() => make(bytes.subarray(0, 10))).toThrow(badState);
  });
  it('state of another detector or of other settings is refused', () => {
    const bytes = neighbourDetector({ profile }).save?.() ?? new Uint8Array();
    expect(() => neighbourDetector({ profile, threshold: 9, saved: bytes })).toThrow(badState);
    expect(() => detectors.fingerprint?.(bytes)).toThrow(badState);
  });
});
