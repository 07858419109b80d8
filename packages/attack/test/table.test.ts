/** Every row of the one table meets the same demands on small models, in each of its norms. */
import { manualClock, seeded } from '@merlon/core';
import type { Dataset, Session } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { classifier, differentiable } from '../src/model/classifier.ts';
import type { AttackRow } from '../src/row.ts';
import { type AttackTarget, type RunOptions, runAttacks } from '../src/run.ts';
import { attackTable } from '../src/table.ts';
import { type Budget, distance, l0, l1, l2, linf, type Norm, untargeted } from '../src/threat.ts';
import {
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from './models.ts';

const shape = [1, 4, 4];
const size = 16;
const count = 10;
const model = randomLinear(size, 4, seeded(21));
const x = uniformRows(count, size, 22);
const labels = linearLabels(model, x);
const dataset: Dataset = { x, shape: [count, ...shape], labels, classes: ['a', 'b', 'c', 'd'] };
const target: AttackTarget = {
  session: linearSession(model, shape),
  gradient: linearGradient(model, shape),
};
const unit = { min: 0, max: 1 };
const radii: Record<Norm, readonly [number, number, number]> = {
  linf: [0.02, 0.06, 0.2],
  l2: [0.08, 0.25, 0.8],
  l1: [0.25, 0.8, 2.5],
  l0: [1, 2, 5],
};
const budgets: Record<Norm, (epsilon: number) => Budget> = { linf, l2, l1, l0 };
const queriesMax = 300;
const dense = attackTable.filter(({ data }) => data === 'dense');
const cases = dense.flatMap((row) => row.norms.map((norm) => ({ name: row.name, norm, row })));

/** Candidates straight from the attack, before any judge; and what they cost. */
async function candidates(row: AttackRow, norm: Norm, seed: number, session = target.session) {
  const gradients = differentiable(session, linearGradient(model, shape));
  const before = gradients.queries;
  const found = await row.run({
    model: gradients,
    gradients,
    batch: { x, labels },
    threat: { budget: budgets[norm](radii[norm][1]), bounds: unit, criterion: untargeted },
    pool: { x: uniformRows(40, size, 23), rows: 40 },
    random: seeded(seed),
    settings: { queriesMax },
    onDone: (done, total) => expect(done).toBeLessThanOrEqual(total),
  });
  return { ...found, queries: gradients.queries - before };
}

describe.each(cases)('$name in $norm', ({ row, norm }) => {
  it('never leaves bounds and ball, repeats from its seed, and ends', async () => {
    const first = await candidates(row, norm, 1);
    expect(await candidates(row, norm, 1)).toEqual(first);
    expect(first.x.length).toBe(x.length);
    for (let i = 0; i < count; i++) {
      const own = first.x.subarray(i * size, (i + 1) * size);
      for (const value of own) expect(value >= 0 && value <= 1).toBe(true);
      const moved = distance(norm, own, x.subarray(i * size, (i + 1) * size));
      // Attacks for the least change may lie further out: their distance is their answer.
      if (!row.minimal && row.name !== 'hop-skip-jump') {
        expect(moved).toBeLessThanOrEqual(radii[norm][1] * (1 + 1e-5));
      }
    }
    expect(first.queries).toBeLessThan(count * 20_000);
  });

  it('is believed only where the plain model agrees, at every radius', async () => {
    const options: RunOptions = {
      seed: 3,
      clock: manualClock(),
      attacks: [row.name],
      norm,
      queriesMax,
      examplesMax: count,
    };
    let before = 1;
    for (const epsilon of radii[norm]) {
      const { verdict, examples } = await runAttacks(target, dataset, { ...options, epsilon });
      const [record] = verdict.attacks;
      expect(record?.robustAccuracy).toBe(verdict.robustAccuracy);
      expect(verdict.robustAccuracy).toBeCloseTo(1 - examples.length / count, 12);
      for (const example of examples) {
        expect(linearLabels(model, example.adversarial)[0]).toBe(example.after);
        expect(example.after).not.toBe(example.label);
        expect(example.distance).toBeLessThanOrEqual(epsilon);
      }
      expect(verdict.robustAccuracy).toBeLessThanOrEqual(before);
      before = verdict.robustAccuracy;
      const curve = verdict.curve.map(({ robustAccuracy }) => robustAccuracy);
      expect(curve).toEqual(curve.toSorted((a, b) => b - a));
    }
    // Noise needs luck; every other attack breaks most of these rows at the largest radius.
    if (row.name !== 'noise') expect(before).toBeLessThanOrEqual(0.5);
  });

  it('stops between two runs of the model once it is cancelled', async () => {
    const stop = new AbortController();
    let runs = 0;
    const counting: Session = {
      ...target.session,
      run: (feeds, fetches) => {
        if (++runs === 3) stop.abort();
        return target.session.run(feeds, fetches);
      },
    };
    const running = runAttacks({ ...target, session: counting }, dataset, {
      seed: 3,
      clock: manualClock(),
      attacks: [row.name],
      norm,
      queriesMax,
      signal: stop.signal,
    });
    await expect(running).rejects.toMatchObject({ code: 'cancelled' });
  });
});

describe('attacks that need no gradients', () => {
  const black = dense.filter(({ needs }) => needs !== 'gradients');
  it.each(black)('$name works where there are none', async (row) => {
    const session = linearSession(model, shape);
    const found = await row.run({
      model: classifier(session),
      batch: { x: x.slice(0, 2 * size), labels: labels.slice(0, 2) },
      threat: { budget: linf(0.2), bounds: unit, criterion: untargeted },
      pool: { x, rows: count },
      random: seeded(1),
      settings: { queriesMax },
      onDone: () => undefined,
    });
    expect(found.x.length).toBe(2 * size);
  });
});
