/** Attacks on tables: whatever the schema, what they return satisfies it. */
import { manualClock, seeded } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { classifier, differentiable } from '../../src/model/classifier.ts';
import { runAttacks } from '../../src/run.ts';
import { capgd } from '../../src/tabular/capgd.ts';
import { constraintsOf, refuseBrokenRows } from '../../src/tabular/constraints.ts';
import { evolve } from '../../src/tabular/evolve.ts';
import { featureSearch } from '../../src/tabular/search.ts';
import { targeted } from '../../src/threat.ts';
import { linearGradient, linearLabels, linearSession, randomLinear } from '../models.ts';
import { wholeRows, wholeTable } from './tables.ts';

describe.each([1, 2, 3, 4, 5, 6])('under a schema with everything in it (%i)', (seed) => {
  const rules = wholeTable(seed);
  const constraints = constraintsOf(rules);
  const scaled = randomLinear(9, 3, seeded(seed));
  const x = wholeRows(16, seed + 10);
  const labels = linearLabels(scaled, x);
  const pool = { x: wholeRows(60, seed + 20), rows: 60 };

  it('repairs any row or says that it cannot', () => {
    const random = seeded(seed);
    let repaired = 0;
    for (let k = 0; k < 300; k++) {
      const own = x.subarray((k % 16) * 9, (k % 16) * 9 + 9);
      const row = own.map((value) =>
        random.uniform() < 0.4 ? value + 8 * random.normal() : value,
      );
      if (!constraints.repair(row, own)) continue;
      repaired++;
      expect(constraints.violations(row, own)).toEqual([]);
    }
    expect(repaired).toBeGreaterThan(150);
  });

  it('capgd and evolve return valid rows that turn the model, and repeat', async () => {
    const gradients = differentiable(linearSession(scaled), linearGradient(scaled));
    const runs = {
      capgd: (seed: number) =>
        capgd(gradients, { x, labels }, { constraints, random: seeded(seed), radius: 3 }),
      evolve: (seed: number) =>
        evolve(
          gradients,
          { x, labels },
          { constraints, random: seeded(seed), pool, queriesMax: 300 },
        ),
    };
    const searched = await featureSearch(
      gradients,
      { x, labels },
      { constraints, random: seeded(1), pool },
    );
    const most = linearLabels(scaled, searched).filter(
      (label, row) => label !== labels[row],
    ).length;
    for (const run of Object.values(runs)) {
      const found = await run(1);
      expect(await run(1)).toEqual(found);
      const answers = linearLabels(scaled, found);
      let turned = 0;
      for (let row = 0; row < 16; row++) {
        const own = x.subarray(row * 9, row * 9 + 9);
        const changed = found.subarray(row * 9, row * 9 + 9);
        expect(constraints.violations(changed, own)).toEqual([]);
        const moved = changed.some((value, i) => value !== own[i]);
        expect(moved).toBe(answers[row] !== labels[row]);
        turned += Number(moved);
      }
      // The search may ask six times as often, and gradients of categories say little.
      expect(turned).toBeGreaterThanOrEqual(0.3 * most);
    }
  });
});

describe('attacks on tables', () => {
  const rules = wholeTable(1);
  const constraints = constraintsOf(rules);
  const linear = randomLinear(9, 3, seeded(2));
  const x = wholeRows(12, 3);
  const labels = linearLabels(linear, x);
  const dataset: Dataset = { x, shape: [12, 9], labels, classes: ['a', 'b', 'c'] };
  const target = { session: linearSession(linear), gradient: linearGradient(linear) };
  const clock = manualClock();

  it('all run in the suite, within their budgets, and are judged alike', async () => {
    const { verdict } = await runAttacks(target, dataset, {
      constraints: rules,
      suite: 'tabular',
      queriesMax: 200,
      seed: 1,
      clock,
    });
    expect(verdict.attacks.map(({ name }) => name)).toEqual(['feature-search', 'moeva', 'capgd']);
    for (const attack of verdict.attacks) expect(attack.successRate).toBeGreaterThan(0.5);
    const moeva = verdict.attacks[1];
    expect(moeva?.queries).toBeLessThanOrEqual(12 * 200);
  });

  it('reach a class that is asked for', async () => {
    const targets = labels.map((label) => (label + 1) % 3);
    const criterion = targeted(targets);
    const gradients = differentiable(target.session, target.gradient);
    const random = seeded(1);
    const found = await capgd(
      gradients,
      { x, labels },
      { constraints, random, criterion, radius: 2 },
    );
    const bred = await evolve(gradients, { x, labels }, { constraints, random, criterion });
    for (const rows of [found, bred]) {
      const answers = linearLabels(linear, rows);
      expect(answers.filter((label, row) => label === targets[row]).length).toBeGreaterThan(3);
    }
  });

  it('refuse rows of another width and stop when told', async () => {
    const gradients = differentiable(target.session, target.gradient);
    const narrow = { x: new Float32Array(4), labels: new Int32Array(1) };
    const random = seeded(1);
    const signal = AbortSignal.abort();
    await expect(capgd(gradients, narrow, { constraints, random })).rejects.toThrow('expected 9');
    await expect(evolve(gradients, narrow, { constraints, random })).rejects.toThrow('expected 9');
    const own = { constraints, random, signal };
    await expect(capgd(gradients, { x, labels }, own)).rejects.toThrow('cancelled');
    await expect(evolve(classifier(target.session), { x, labels }, own)).rejects.toThrow(
      'cancelled',
    );
  });

  it('list the rows that break the constraints by themselves', () => {
    const broken = x.slice();
    for (const row of [1, 4, 5, 6, 8, 9]) broken[row * 9 + 2] = 0.25;
    broken[7 * 9 + 6] = 1;
    broken[7 * 9 + 7] = 1;
    expect(() => refuseBrokenRows(constraints, { x: broken })).toThrow(
      /^7 rows break the constraints: row 2 .*row 8 \(exactly one 1 .* and 2 more$/,
    );
    expect(() => refuseBrokenRows(constraints, { x })).not.toThrow();
  });

  it('count groups as one feature and know directions, costs and steps', () => {
    const own = Float32Array.of(1, 2, 3, 0, 4, 6, 1, 0, 0);
    const changed = Float32Array.of(1.5, 2, 3.5, 0, 6, 6, 0, 0, 1);
    const { changed: count, ranges, steps } = constraints.distance(changed, own);
    expect(count).toBe(4);
    expect(ranges).toBeCloseTo(0.5 / 10 + 0.5 / 20 + (3 * 2) / 20 + 1, 6);
    expect(steps).toBeCloseTo(1 + 25 + 2 + 1, 4);
    const features = rules.features.map((each) => ({ ...each, direction: 'increase' as const }));
    const up = constraintsOf({ ...rules, features });
    const down = Float32Array.of(0.5, 2, 2.5, 0, 4, 6, 1, 0, 0);
    expect(up.violations(down, own)[0]).toBe('"a" expected only increase from 1, got 0.5');
  });
});
