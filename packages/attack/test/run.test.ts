import { manualClock, type Progress, seeded } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { AttackError } from '../src/error.ts';
import { classifier } from '../src/model/classifier.ts';
import { type AttackTarget, type RunOptions, runAttacks } from '../src/run.ts';
import { attackNamed, attacksOf, attackTable, suites } from '../src/table.ts';
import { linf, untargeted } from '../src/threat.ts';
import { judge } from '../src/verdict.ts';
import {
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from './models.ts';

const model = randomLinear(9, 3, seeded(8));
const x = uniformRows(50, 9, 9);
const truth = linearLabels(model, x);
const dataset: Dataset = {
  x,
  shape: [50, 1, 3, 3],
  // Every tenth label is wrong, so that the clean accuracy is 0.9.
  labels: truth.map((label, row) => (row % 10 === 0 ? (label + 1) % 3 : label)),
  classes: ['a', 'b', 'c'],
};
const target: AttackTarget = {
  session: linearSession(model, [1, 3, 3]),
  gradient: linearGradient(model, [1, 3, 3]),
};
const options: RunOptions = { seed: 7, clock: manualClock() };

describe('runAttacks', () => {
  it('reports clean and robust accuracy, and the worst case of all attacks', async () => {
    const { verdict } = await runAttacks(target, dataset, { ...options, epsilon: 0.05 });
    expect(verdict.samples).toBe(50);
    expect(verdict.clean.accuracy).toBe(0.9);
    expect(verdict.attacks.map(({ name, norm, epsilon }) => [name, norm, epsilon])).toEqual([
      ['fgsm', 'linf', 0.05],
      ['pgd', 'linf', 0.05],
    ]);
    for (const attack of verdict.attacks) {
      expect(attack.robustAccuracy).toBeCloseTo(0.9 * (1 - attack.successRate), 12);
      expect(attack.medianDistance).toBeLessThanOrEqual(0.05);
      expect(verdict.robustAccuracy).toBeLessThanOrEqual(attack.robustAccuracy);
    }
    expect(verdict.robustAccuracy).toBeLessThan(0.9);
    expect(verdict.attacks[0]?.queries).toBe(45);
    expect(JSON.parse(JSON.stringify(verdict))).toEqual(verdict);
  });

  it('keeps examples of different classes, as the judge saw them', async () => {
    const { examples } = await runAttacks(target, dataset, {
      ...options,
      attacks: ['pgd'],
      epsilon: 0.2,
      examplesMax: 3,
    });
    expect(examples).toHaveLength(3);
    expect(new Set(examples.map(({ label }) => label)).size).toBeGreaterThan(1);
    for (const example of examples) {
      expect(linearLabels(model, example.clean)[0]).toBe(example.label);
      expect(linearLabels(model, example.adversarial)[0]).toBe(example.after);
      expect(example.after).not.toBe(example.label);
      expect(example.shape).toEqual([1, 3, 3]);
    }
  });

  it('repeats from its seed and draws as many samples as asked for', async () => {
    const run = (seed: number) =>
      runAttacks(target, dataset, { ...options, seed, samples: 20, suite: 'standard' });
    const first = await run(1);
    expect(first.verdict.samples).toBe(20);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).examples).not.toEqual(first.examples);
  });

  it('never finds more robust accuracy at a larger radius', async () => {
    let before = 1;
    for (const epsilon of [0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5]) {
      const { verdict } = await runAttacks(target, dataset, { ...options, epsilon });
      expect(verdict.robustAccuracy).toBeLessThanOrEqual(before);
      before = verdict.robustAccuracy;
    }
    expect(before).toBe(0);
  });

  it('leaves out of a suite what does not fit, and flags what falls behind', async () => {
    const { verdict } = await runAttacks(target, dataset, {
      ...options,
      suite: 'standard',
      norm: 'l2',
      epsilon: 0.1,
    });
    expect(verdict.attacks.map(({ name }) => name)).toEqual([
      'fgsm',
      'pgd',
      'pgd-restarts',
      'square',
      'noise',
    ]);
    // A gradient that points the wrong way: the search fails, noise does not.
    const wrong = { ...model, weights: model.weights.map((weight) => -weight) };
    const masked = { ...target, gradient: linearGradient(wrong, [1, 3, 3]) };
    const found = await runAttacks(masked, dataset, {
      ...options,
      attacks: ['pgd', 'noise'],
      epsilon: 0.1,
    });
    expect(found.verdict.attacks[0]?.unreliable).toBe(
      '"noise" breaks more: gradients may be masked',
    );
  });

  it('tells its progress and stops when it is cancelled', async () => {
    const seen: Progress[] = [];
    const stop = new AbortController();
    const running = runAttacks(target, dataset, {
      ...options,
      signal: stop.signal,
      onProgress: (progress) => {
        seen.push(progress);
        if (seen.length === 3) stop.abort();
      },
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
    expect(seen.map(({ label, done, total }) => [label, done, total])).toEqual([
      ['pgd', 1, 40],
      ['pgd', 2, 40],
      ['pgd', 3, 40],
    ]);
  });

  const plain = { session: target.session };
  const outside = { ...dataset, x: x.map((value) => value * 255) };
  it.each<[string, AttackTarget, Dataset, Partial<RunOptions>, string, RegExp]>([
    ['name', target, dataset, { attacks: ['pdg'] }, 'unknown-attack', /did you mean "pgd"/],
    ['suite', target, dataset, { suite: 'fats' }, 'unknown-attack', /did you mean "fast"/],
    ['nothing', target, dataset, { attacks: [] }, 'invalid-option', /at least one name/],
    ['no gradient', plain, dataset, { attacks: ['pgd'] }, 'unsupported-model', /"pgd" needs grad/],
    ['schema', target, dataset, { suite: 'tabular' }, 'invalid-option', /schema of the table/],
    [
      'norm of one attack',
      target,
      dataset,
      { attacks: ['pgd', 'hop-skip-jump'], norm: 'l1' },
      'invalid-option',
      /"hop-skip-jump" expected norm linf or l2, got l1/,
    ],
    ['norm', target, dataset, { attacks: ['fab'], norm: 'l0' }, 'invalid-option', /got l0/],
    ['epsilon', target, dataset, { epsilon: -1 }, 'invalid-option', /"epsilon" expected/],
    ['samples', target, dataset, { samples: 0 }, 'invalid-option', /"samples" expected/],
    ['range', target, outside, {}, 'invalid-data', /row 1 expected values in \[0, 1\], got \d/],
    [
      'classes',
      target,
      { ...dataset, classes: ['a', 'b', 'c', 'd'] },
      {},
      'invalid-data',
      /the model knows 3 classes, the data have 4/,
    ],
    [
      'shape',
      target,
      { ...dataset, shape: [50, 9] },
      {},
      'unsupported-model',
      /input "x" expected rows of shape \[1, 3, 3\], got \[9\]/,
    ],
    [
      'no data',
      target,
      { ...dataset, x: new Float32Array(0), labels: new Int32Array(0), shape: [0, 1, 3, 3] },
      {},
      'invalid-data',
      /at least one sample/,
    ],
  ])('refuses a wrong %s', async (_, model, data, extra, code, message) => {
    const running = runAttacks(model, data, { ...options, ...extra });
    await expect(running).rejects.toBeInstanceOf(AttackError);
    await expect(running).rejects.toMatchObject({ code, message: expect.stringMatching(message) });
  });
});

describe('judge', () => {
  const clean = { x: x.slice(0, 18), labels: truth.slice(0, 2) };
  const threat = { budget: linf(0.1), bounds: { min: 0, max: 1 }, criterion: untargeted };

  it('brings candidates inside the threat model before it counts', async () => {
    const wild = clean.x.map((value, i) => (i % 3 === 0 ? Number.NaN : value + 50));
    const { x: judged, distances } = await judge(classifier(target.session), clean, wild, threat);
    for (const value of judged) expect(value >= 0 && value <= 1).toBe(true);
    for (const distance of distances) expect(distance).toBeLessThanOrEqual(0.1);
    expect([judged[0], judged[3]]).toEqual([clean.x[0], clean.x[3]]);
  });

  it('believes the plain model, not the attack', async () => {
    const { broken } = await judge(classifier(target.session), clean, clean.x, threat);
    expect(broken).toEqual([false, false]);
  });
});

describe('attackTable', () => {
  it('names every attack once and gives every suite something but one', () => {
    const names = attackTable.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    for (const suite of suites) expect(attacksOf(suite).length).toBeGreaterThan(0);
    expect(() => attackNamed('zzz')).toThrow('attack "zzz" is unknown');
  });

  it.each(attackTable)('$name says what it is', ({ summary, source, norms }) => {
    expect(summary).toMatch(/^[A-Z].*\.$/);
    expect(source.length).toBeGreaterThan(3);
    expect(norms.length).toBeGreaterThan(0);
  });
});
