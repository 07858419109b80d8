import { manualClock, seeded } from '@merlon/core';
import type { Dataset, Session } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { type GradientSource, gradientSource } from '../../src/model/sessions.ts';
import { type AttackTarget, type RunOptions, runAttacks } from '../../src/run.ts';
import type { AttackCheckpoint } from '../../src/suite/checkpoint.ts';
import { attacksOf } from '../../src/table.ts';
import {
  type Linear,
  linearGradient,
  linearLabels,
  linearSession,
  randomLinear,
  uniformRows,
} from '../models.ts';

const shape = [1, 4, 4];

function target(model: Linear): AttackTarget {
  return { session: linearSession(model, shape), gradient: linearGradient(model, shape) };
}

function data(model: Linear, rows: number, seed = 3): Dataset {
  const x = uniformRows(rows, 16, seed);
  const classes = Array.from({ length: model.classes }, (_, k) => `class ${k}`);
  return { x, shape: [rows, ...shape], labels: linearLabels(model, x), classes };
}

const four = randomLinear(16, 4, seeded(2));
const options: RunOptions = { seed: 5, clock: manualClock(), suite: 'autoattack', epsilon: 0.04 };
const cheap = { ...options, queriesMax: 200 };

describe('AutoAttack', () => {
  it('passes on only what stands, and has a line of its own beside the best of all', async () => {
    const { verdict } = await runAttacks(target(four), data(four, 40), {
      ...cheap,
      attacks: ['pgd'],
    });
    const { attacks } = verdict;
    const names = attacks.map(({ name }) => name);
    expect(names).toEqual(['apgd-ce', 'apgd-t', 'square', 'fab-t', 'pgd']);
    const turns = attacks.slice(0, 4);
    turns.forEach((record, i) => {
      const before = turns[i - 1]?.robustAccuracy ?? 1;
      expect(record.attacked).toBe(Math.round(before * 40));
      expect(record.robustAccuracy).toBeLessThanOrEqual(before);
    });
    expect(attacks[4]?.attacked).toBe(40);
    expect(verdict.autoAttack).toEqual({
      version: 'standard',
      robustAccuracy: turns[3]?.robustAccuracy,
    });
    const all = verdict.autoAttack?.robustAccuracy ?? 1;
    expect(verdict.robustAccuracy).toBeLessThanOrEqual(all);
    expect(verdict.robustAccuracy).toBeLessThan(0.9);
  });

  it('finds the same whatever the order and whoever else is in the batch', async () => {
    const whole = data(four, 40);
    const suite = await runAttacks(target(four), whole, cheap);
    const attacks = ['fab-t', 'square', 'apgd-t', 'apgd-ce'];
    const { suite: _, ...alone } = cheap;
    const each = await runAttacks(target(four), whole, { ...alone, attacks });
    expect(each.verdict.robustAccuracy).toBe(suite.verdict.autoAttack?.robustAccuracy);
    expect(each.verdict.classes).toEqual(suite.verdict.classes);
  });

  it('is the whole of it: 100 steps, every other class, 5,000 squares', async () => {
    // Nothing can be broken without room: every row costs its full price.
    const rows = 2;
    const { verdict } = await runAttacks(target(four), data(four, rows), {
      ...options,
      epsilon: 0,
    });
    const cost = Object.fromEntries(verdict.attacks.map(({ name, queries }) => [name, queries]));
    expect(cost['apgd-ce']).toBe(rows * (1 + 101));
    expect(cost['apgd-t']).toBe(rows * (1 + 3 * 101));
    expect(cost['fab-t']).toBe(rows * (1 + 3 * 100 * 2));
    expect(cost.square).toBe(rows * 5000);
    expect(verdict.robustAccuracy).toBe(1);
  });

  it('restarts in plus, averages in rand, and names the right attacks', async () => {
    const names = (suite: string) => attacksOf(suite).map(({ name }) => name);
    expect(names('autoattack-plus')).toEqual([
      'apgd-ce',
      'apgd-dlr',
      'apgd-t',
      'square',
      'fab',
      'fab-t',
    ]);
    expect(names('autoattack-rand')).toEqual(['apgd-ce', 'apgd-dlr']);
    const at = { ...cheap, epsilon: 0 };
    const plus = await runAttacks(target(four), data(four, 1), { ...at, suite: 'autoattack-plus' });
    const rand = await runAttacks(target(four), data(four, 1), { ...at, suite: 'autoattack-rand' });
    expect(plus.verdict.attacks[0]?.queries).toBe(1 + 5 * 101);
    expect(rand.verdict.attacks[0]?.queries).toBe(1 + 20 * 101);
    expect(rand.verdict.autoAttack?.version).toBe('rand');
  });

  it.each([
    [2, 'apgd-dlr: the model has too few classes for the logits ratio: margin instead'],
    [3, 'apgd-t: the model has too few classes for the logits ratio: difference instead'],
  ])('falls back where %i classes define no logits ratio, and says so', async (classes, remark) => {
    const few = randomLinear(16, classes, seeded(9));
    const { suite: _, ...alone } = cheap;
    const attacks = ['apgd-dlr', 'apgd-t'];
    const { verdict } = await runAttacks(target(few), data(few, 30), {
      ...alone,
      attacks,
      epsilon: 0.1,
    });
    expect(verdict.remarks).toContain(remark);
    expect(verdict.robustAccuracy).toBeLessThan(0.8);
  });

  it('reaches a class that is asked for, and leaves samples of it alone', async () => {
    const whole = data(four, 40);
    const wanted = 2;
    const { verdict, examples } = await runAttacks(target(four), whole, {
      ...cheap,
      epsilon: 0.3,
      target: wanted,
      examplesMax: 40,
    });
    expect(examples.length).toBeGreaterThan(10);
    for (const { after, label } of examples) {
      expect(after).toBe(wanted);
      expect(label).not.toBe(wanted);
    }
    const own = whole.labels.filter((label) => label === wanted).length;
    expect(verdict.attacks[0]?.attacked).toBe(40 - own);
    expect(verdict.classes[wanted]?.robust).toBe(1);
  });
});

describe('signs that a verdict says too little', () => {
  const whole = data(four, 30);

  it('marks gradients that point away, where Square breaks what they left', async () => {
    const away = { ...four, weights: four.weights.map((weight) => -weight) };
    const masked = { ...target(four), gradient: linearGradient(away, shape) };
    const { verdict } = await runAttacks(masked, whole, cheap);
    const square = verdict.attacks.find(({ name }) => name === 'square');
    expect(square?.successRate).toBeGreaterThan(0);
    const [first] = verdict.attacks;
    expect(first?.unreliable).toMatch(/"square" breaks .* points more|the loss did not rise/);
    expect(verdict.attacks.find(({ name }) => name === 'apgd-t')?.unreliable).toBeDefined();
  });

  it('marks gradients that vanish', async () => {
    const flat = { ...four, weights: four.weights.map(() => 0) };
    const masked = { ...target(four), gradient: linearGradient(flat, shape) };
    const { verdict } = await runAttacks(masked, whole, { ...cheap, epsilon: 0.01 });
    expect(verdict.attacks[0]?.unreliable).toMatch(/^the gradient vanished on \d+/);
    expect(verdict.attacks[0]?.unreliable).toMatch(/the loss did not rise on \d+/);
  });

  it('notices a model that answers at random', async () => {
    const random = seeded(1);
    const plain = linearSession(four, shape);
    const noisy: Session = {
      ...plain,
      run: async (feeds) => {
        const { scores } = await plain.run(feeds);
        const values = scores?.data as Float32Array;
        for (const [i, value] of values.entries()) values[i] = value + 0.01 * random.normal();
        return { scores: { type: 'float32', shape: scores?.shape ?? [], data: values } };
      },
    };
    const run = (suite: string) =>
      runAttacks({ ...target(four), session: noisy }, whole, { ...cheap, suite });
    const remark = 'the model answers at random: use the suite autoattack-rand';
    expect((await run('fast')).verdict.remarks).toContain(remark);
    expect((await run('autoattack-rand')).verdict.remarks).not.toContain(remark);
  });

  it('attacks the logarithms of probabilities, which squares cannot tell apart', async () => {
    // A model so sure of itself that its probabilities are 1 and 0 in float32.
    const sure = { ...four, weights: four.weights.map((weight) => 60 * weight) };
    const plain = linearSession(sure, shape);
    const session: Session = {
      ...plain,
      run: async (feeds) => {
        const { scores } = await plain.run(feeds);
        const values = scores?.data as Float32Array;
        for (let at = 0; at < values.length; at += 4) {
          const own = values.subarray(at, at + 4);
          const most = Math.max(...own);
          const sum = own.reduce((total, value) => total + Math.exp(value - most), 0);
          own.forEach((value, k) => {
            own[k] = Math.exp(value - most) / sum;
          });
        }
        return { scores: { type: 'float32', shape: scores?.shape ?? [], data: values } };
      },
    };
    const { suite: _, ...alone } = cheap;
    const { verdict } = await runAttacks({ session }, data(sure, 30), {
      ...alone,
      attacks: ['square'],
      epsilon: 0.15,
    });
    expect(verdict.remarks).toEqual([
      'the scores are probabilities: their logarithms are attacked',
    ]);
    expect(verdict.robustAccuracy).toBeLessThan(0.7);
  });
});

describe('resuming', () => {
  const whole = data(four, 25);
  const own = { ...cheap, attacks: ['pgd-restarts', 'ddn'], norm: 'l2', epsilon: 0.12 } as const;

  it('repeats no finished attack and gives the verdict of an undisturbed test', async () => {
    const kept: string[] = [];
    const undisturbed = await runAttacks(target(four), whole, {
      ...own,
      onCheckpoint: (checkpoint) => void kept.push(JSON.stringify(checkpoint)),
    });
    expect(kept.length).toBe(6);
    for (const [done, text] of kept.entries()) {
      const ran: string[] = [];
      const again = await runAttacks(target(four), whole, {
        ...own,
        resume: JSON.parse(text) as AttackCheckpoint,
        onProgress: ({ label }) => void ran.push(label),
      });
      expect(again).toEqual(undisturbed);
      expect(new Set(ran).size).toBeLessThanOrEqual(5 - done);
    }
  });

  it('refuses a checkpoint of another test', async () => {
    const kept: AttackCheckpoint[] = [];
    const onCheckpoint = (checkpoint: AttackCheckpoint) => void kept.push(checkpoint);
    await runAttacks(target(four), whole, { ...own, onCheckpoint });
    const [resume] = kept;
    if (resume === undefined) throw new Error('a checkpoint was expected');
    for (const change of [{ seed: 6 }, { epsilon: 0.13 }, { queriesMax: 201 }]) {
      const running = runAttacks(target(four), whole, { ...own, ...change, resume });
      await expect(running).rejects.toMatchObject({
        code: 'invalid-option',
        message: '"resume" expected a checkpoint of the same test, got one of another',
      });
    }
  });

  it('opens only the gradient models that the attacks ask for', async () => {
    const asked = new Set<string>();
    const gradient: GradientSource = gradientSource(async (loss) => {
      asked.add(loss);
      return linearGradient(four, shape).session(loss);
    });
    await runAttacks({ ...target(four), gradient }, whole, { ...own, attacks: [], suite: 'fast' });
    expect([...asked]).toEqual(['cross-entropy']);
  });
});
