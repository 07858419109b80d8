import { type Random, seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  type Detector,
  driftDetector,
  pradaDetector,
  type Signal,
  tunePrada,
} from '../src/index.ts';

const features = 20;

/** Natural rows: five clusters with noise. */
function naturalRow(random: Random): { row: Float32Array; label: number } {
  const label = random.integer(5);
  const row = Float32Array.from(
    { length: features },
    (_, i) => (i % 5 === label ? 1 : 0) + 0.3 * random.normal(),
  );
  return { row, label };
}

function feed(
  detector: Detector,
  rows: Iterable<{ row: Float32Array; label: number }>,
  key = 'k',
): { at: number; signal: Signal } | null {
  let at = 0;
  for (const { row, label } of rows) {
    at++;
    const signal = detector.observe({ atMs: at, key, row, label });
    if (signal !== null) return { at, signal };
  }
  return null;
}

function* natural(random: Random, count: number) {
  for (let i = 0; i < count; i++) yield naturalRow(random);
}

/** Jacobian-style augmentation: equal steps in every feature from rows already asked. */
function* synthetic(random: Random, count: number) {
  const asked = [...natural(random, 20)];
  for (let i = 0; i < count; i++) {
    const from = asked[random.integer(asked.length)] ?? naturalRow(random);
    const row = from.row.map((value) => value + (random.uniform() < 0.5 ? -0.1 : 0.1));
    asked.push({ row, label: from.label });
    yield { row, label: from.label };
  }
}

describe('PRADA', () => {
  it.each([1, 2, 3, 4, 5])('leaves natural traffic alone (seed %i)', (seed) => {
    expect(feed(pradaDetector(), natural(seeded(seed), 1500))).toBeNull();
  });
  it.each([1, 2, 3, 4, 5])('finds synthetic queries (seed %i)', (seed) => {
    const found = feed(pradaDetector(), synthetic(seeded(seed), 1000));
    expect(found?.signal).toMatchObject({ detector: 'extraction-prada', key: 'k', sinceMs: 1 });
    expect(found?.at).toBeLessThan(500);
    expect(found?.signal.statistic).toBeLessThan(0.9);
  });
  it('has nothing to say of a client that asks the same again and again', () => {
    const detector = pradaDetector();
    const random = seeded(5);
    const first = naturalRow(random);
    const same = Array.from({ length: 500 }, () => first);
    // One query before them, so that not all distances are 0.
    expect(feed(detector, [naturalRow(random), ...same])).toBeNull();
    const two = { ...first, row: first.row.map((value) => value + 1) };
    const turns = Array.from({ length: 500 }, (_, i) => (i === 0 ? first : two));
    expect(feed(detector, turns, 'other')).toBeNull();
  });
  it('judges each key by itself and raises one alarm a key', () => {
    const detector = pradaDetector();
    const random = seeded(9);
    let alarms = 0;
    const attack = [...synthetic(random, 600)];
    const honest = [...natural(random, 600)];
    for (let i = 0; i < 600; i++) {
      for (const [key, rows] of [
        ['bad', attack],
        ['good', honest],
      ] as const) {
        const at = rows[i];
        if (at === undefined) continue;
        const signal = detector.observe({ atMs: i, key, ...at });
        if (signal !== null) {
          alarms++;
          expect(signal.key).toBe('bad');
        }
      }
    }
    expect(alarms).toBe(1);
  });
});

describe('PRADA tuned on natural rows', () => {
  // One feature in dollars beside nineteen small ones: plain distances are far from normal.
  const skewed = (random: Random) => {
    const { row, label } = naturalRow(random);
    row[0] = Math.exp(8 + 1.5 * random.normal());
    return { row, label };
  };
  function* skewedRows(random: Random, count: number) {
    for (let i = 0; i < count; i++) yield skewed(random);
  }
  const known = [...skewedRows(seeded(70), 800)];
  const x = Float32Array.from(known.flatMap(({ row }) => [...row]));
  const labels = known.map(({ label }) => label);

  it('raises no alarm over what the untuned detector takes for an attack', () => {
    expect(feed(pradaDetector(), skewedRows(seeded(1), 1000))).not.toBeNull();
    const delta = tunePrada({ x, features, labels }, { random: seeded(2) });
    expect(delta).toBeLessThan(0.9);
    for (const seed of [1, 2, 3]) {
      expect(feed(pradaDetector({ delta }), skewedRows(seeded(seed), 1000))).toBeNull();
    }
  });
});

describe('drift', () => {
  const referenceRows = [...natural(seeded(77), 1000)];
  const reference = Float32Array.from(referenceRows.flatMap(({ row }) => [...row]));
  const make = (): Detector => driftDetector({ reference, features });

  it.each([1, 2, 3, 4, 5])('is silent on the training distribution (seed %i)', (seed) => {
    expect(feed(make(), natural(seeded(seed), 3000))).toBeNull();
  });
  it('finds one shifted feature and names it', () => {
    const random = seeded(3);
    function* shifted() {
      for (const { row, label } of natural(random, 400)) {
        row[7] = (row[7] ?? 0) + 0.6;
        yield { row, label };
      }
    }
    const names = Array.from({ length: features }, (_, i) => `column-${i}`);
    const detector = driftDetector({ reference, features, featureNames: names });
    const found = feed(detector, shifted());
    expect(found?.at).toBeLessThanOrEqual(300);
    expect(found?.signal.detail).toMatchObject({ feature: 'column-7', rows: 200 });
  });
  it('raises the alarm again only after traffic was normal in between', () => {
    const detector = make();
    const random = seeded(5);
    const far = () =>
      [...natural(random, 400)].map(({ row, label }) => ({ row: row.map((v) => v + 1), label }));
    expect(feed(detector, far())).not.toBeNull();
    expect(feed(detector, far())).toBeNull();
    expect(feed(detector, natural(random, 600))).toBeNull();
    expect(feed(detector, far())).not.toBeNull();
  });
});
