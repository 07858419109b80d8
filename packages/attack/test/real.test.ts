import { seeded, systemClock } from '@merlon/core';
import { pick, sample, slice } from '@merlon/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fgsm } from '../src/gradient/fgsm.ts';
import { pgd } from '../src/gradient/pgd.ts';
import {
  classifier,
  type DifferentiableClassifier,
  differentiable,
} from '../src/model/classifier.ts';
import { runAttacks } from '../src/run.ts';
import { constraintsOf } from '../src/tabular/constraints.ts';
import { featureSearch } from '../src/tabular/search.ts';
import { linf } from '../src/threat.ts';
import { openDigits, openLoans, projectFile } from './real.ts';

interface Bitmaps {
  readonly clean: string;
  readonly cases: readonly {
    readonly attack: 'fgsm' | 'pgd';
    readonly epsilon: number;
    readonly steps?: number;
    readonly stepSize?: number;
    readonly right: string;
  }[];
}

const unit = { min: 0, max: 1 };

describe('on the digits model', () => {
  let digits: Awaited<ReturnType<typeof openDigits>>;
  let model: DifferentiableClassifier;
  beforeAll(async () => {
    digits = await openDigits();
    model = differentiable(digits.session, digits.gradient);
  });
  afterAll(async () => {
    await digits.session.close();
    await digits.gradient.close();
  });

  const vectors = JSON.parse(
    new TextDecoder().decode(projectFile('vectors/attack/digits-bitmaps.json')),
  ) as Bitmaps;
  // Forty steps on a thousand images take longer than a test should: PGD is checked on part.
  const cases = vectors.cases.map((row) => ({ ...row, images: row.attack === 'fgsm' ? 1000 : 60 }));

  it.each(cases)('$attack at $epsilon agrees with torchattacks', async (row) => {
    const { epsilon, steps = 40, stepSize = 0.01 } = row;
    const batch = slice(digits.data, 0, row.images);
    const options = { budget: linf(epsilon), bounds: unit };
    const x =
      row.attack === 'fgsm'
        ? await fgsm(model, batch, options)
        : (await pgd(model, batch, { ...options, steps, stepSize, untilBroken: false })).x;
    const answers = await model.predict(x);
    const apart = answers.filter((answer, i) => {
      const right = answer === batch.labels[i];
      return right !== (row.right[i] === '1');
    });
    expect(apart.length).toBeLessThanOrEqual(1);
  });

  it('gives the clean answers of PyTorch', async () => {
    const batch = slice(digits.data, 0, 1000);
    const answers = await model.predict(batch.x);
    const right = [...answers].map((answer, i) => (answer === batch.labels[i] ? '1' : '0'));
    expect(right.join('')).toBe(vectors.clean);
  });

  it('finds no more robust accuracy at a larger radius, and PGD none that FGSM lacks', async () => {
    let before = [1, 1];
    for (const epsilon of [0.05, 0.1, 0.2, 0.3]) {
      const { session, gradient, data } = digits;
      const options = { epsilon, samples: 60, seed: 1, clock: systemClock };
      const { verdict } = await runAttacks({ session, gradient }, data, options);
      const [one = 1, many = 1] = verdict.attacks.map(({ robustAccuracy }) => robustAccuracy);
      expect(verdict.clean.accuracy).toBeGreaterThan(0.95);
      expect(one).toBeLessThanOrEqual(before[0] ?? 1);
      expect(many).toBeLessThanOrEqual(before[1] ?? 1);
      expect(many).toBeLessThanOrEqual(one);
      expect(verdict.robustAccuracy).toBeLessThanOrEqual(many);
      before = [one, many];
    }
    expect(before[1]).toBe(0);
  });

  it('shows pictures of what fooled it', async () => {
    const { session, gradient, data } = digits;
    const options = { epsilon: 0.2, samples: 30, attacks: ['pgd'], seed: 1, clock: systemClock };
    const { examples } = await runAttacks({ session, gradient }, data, options);
    expect(examples).toHaveLength(4);
    for (const { distance, label, after, shape } of examples) {
      expect(shape).toEqual([1, 28, 28]);
      expect(distance).toBeLessThanOrEqual(0.2);
      expect(after).not.toBe(label);
    }
  });
});

describe('on the loans model', () => {
  let loans: Awaited<ReturnType<typeof openLoans>>;
  beforeAll(async () => {
    loans = await openLoans();
  });
  afterAll(() => loans.session.close());

  it('turns decisions, and every row it proposes satisfies the schema', async () => {
    const { session, schema, data } = loans;
    const batch = sample(data, { count: 80, random: seeded(3), balanced: true });
    const constraints = constraintsOf(schema);
    const model = classifier(session);
    const options = { constraints, random: seeded(4), pool: { x: data.x, rows: 1994 } };
    const right = await model.predict(batch.x);
    const x = await featureSearch(model, batch, options);
    const answers = await classifier(session).predict(x);
    let broken = 0;
    for (let row = 0; row < 80; row++) {
      const own = x.subarray(row * 22, row * 22 + 22);
      const clean = batch.x.subarray(row * 22, row * 22 + 22);
      expect(constraints.violations(own, clean)).toEqual([]);
      if (right[row] === batch.labels[row] && answers[row] !== batch.labels[row]) broken++;
    }
    expect(broken).toBeGreaterThan(15);
    expect(model.queries).toBeLessThan(81 * 2000);
  });

  it('reports bad loans that pass for good ones', async () => {
    const { session, schema, data } = loans;
    const bad = pick(
      data,
      [...data.labels.keys()].filter((row) => data.labels[row] === 1),
    );
    const options = { constraints: schema, pool: data, seed: 1, clock: systemClock };
    const { verdict, examples } = await runAttacks({ session }, bad, options);
    expect(verdict.samples).toBe(87);
    const [record] = verdict.attacks;
    expect(record).toMatchObject({ name: 'feature-search', norm: 'l0', epsilon: null });
    expect(record?.successRate).toBeGreaterThan(0.3);
    expect(record?.medianDistance).toBeLessThanOrEqual(3);
    expect(record?.medianRanges).toBeLessThan(1);
    for (const { label, after } of examples) expect([label, after]).toEqual([1, 0]);
  });

  it('breaks fewer rows when fewer features may change', async () => {
    const { session, schema, data } = loans;
    let before = 1;
    for (const epsilon of [0, 1, 2]) {
      const { verdict } = await runAttacks({ session }, data, {
        ...{ attacks: ['feature-search'], constraints: schema, samples: 50, epsilon, seed: 2 },
        ...{ clock: systemClock, pool: data },
      });
      expect(verdict.robustAccuracy).toBeLessThanOrEqual(before);
      if (epsilon === 0) expect(verdict.robustAccuracy).toBe(verdict.clean.accuracy);
      before = verdict.robustAccuracy;
    }
  });
});
