/** The rows of the table that read trees, through the whole test that the command line runs. */
import { manualClock, seeded } from '@merlon/core';
import { type Dataset, openSession, readOnnx, readTrees, writeOnnx } from '@merlon/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type AttackTarget, runAttacks } from '../../src/run.ts';
import { attackTable } from '../../src/table.ts';
import { openLoans, projectFile } from '../real.ts';
import { treeSample } from './models.ts';

const sample = treeSample('gb-binary.breast.onnx');
const data: Dataset = {
  x: sample.x,
  shape: [sample.labels.length, 30],
  labels: sample.labels,
  classes: ['malignant', 'benign'],
};
const clock = manualClock();

describe('attacks that read trees', () => {
  let target: AttackTarget;
  beforeAll(async () => {
    target = { session: await openSession(writeOnnx(sample.onnx)), trees: sample.trees };
  });
  afterAll(() => target.session.close());

  const rows = attackTable.filter(({ needs }) => needs === 'trees');
  it('are a dense one and one for tables', () => {
    expect(rows.map(({ name, data: kind }) => [name, kind])).toEqual([
      ['leaf-tuple', 'dense'],
      ['leaf-tuple-table', 'table'],
    ]);
  });

  it.each(['linf', 'l2', 'l1'] as const)(
    'break every row in %s, and ever fewer nearer',
    async (norm) => {
      const options = { attacks: ['leaf-tuple'], norm, seed: 1, clock };
      let before = 0;
      for (const epsilon of [5, 0.1, 0.02, 0.001]) {
        const { verdict } = await runAttacks(target, data, { ...options, epsilon });
        expect(verdict.robustAccuracy).toBeGreaterThanOrEqual(before);
        before = verdict.robustAccuracy;
        if (epsilon === 5) expect(verdict.robustAccuracy).toBe(0);
      }
      expect(before).toBeGreaterThan(0);
    },
  );

  it('are left out of suites, and refused by name, without trees', async () => {
    const { session } = target;
    const { verdict } = await runAttacks({ session }, data, {
      suite: 'decision',
      queriesMax: 20,
      samples: 2,
      seed: 1,
      clock,
    });
    expect(verdict.attacks.map(({ name }) => name)).not.toContain('leaf-tuple');
    const named = { attacks: ['leaf-tuple'], seed: 1, clock };
    await expect(runAttacks({ session }, data, named)).rejects.toMatchObject({
      code: 'unsupported-model',
      message: '"leaf-tuple" needs trees of the model',
    });
    const l0 = { ...named, norm: 'l0' as const };
    await expect(runAttacks(target, data, l0)).rejects.toThrow('expected norm linf or l2 or l1');
  });
});

describe('on the loans model', () => {
  let loans: Awaited<ReturnType<typeof openLoans>>;
  beforeAll(async () => {
    loans = await openLoans();
  });
  afterAll(() => loans.session.close());

  it('reading the trees finds what asking finds, with no query and no dearer change', async () => {
    const trees = readTrees(readOnnx(projectFile('models/loans.onnx')));
    if (trees === null) throw new Error('expected trees');
    const { session, schema, data: rows } = loans;
    const attacks = ['feature-search', 'leaf-tuple-table'];
    const options = { attacks, constraints: schema, pool: rows, samples: 40, seed: 2, clock };
    const { verdict } = await runAttacks({ session, trees }, rows, options);
    const [asked, read] = verdict.attacks;
    expect(read?.successRate).toBeGreaterThanOrEqual(asked?.successRate ?? 1);
    expect(read?.queries).toBe(0);
    expect(read?.medianDistance).toBeLessThanOrEqual((asked?.medianDistance ?? 0) + 1);
  });

  it('lists the rows that break the constraints', async () => {
    const { session, schema, data: rows } = loans;
    const constraints = {
      ...schema,
      relations: [{ kind: 'lessOrEqual', left: 'funded_amnt', right: 'annual_inc' }],
    } as const;
    await expect(
      runAttacks({ session }, rows, {
        constraints,
        samples: 1994,
        seed: seeded(1).uint32(),
        clock,
      }),
    ).rejects.toMatchObject({
      code: 'invalid-data',
      message: expect.stringMatching(/^\d+ rows break the constraints: row \d+ \("funded_amnt" ≤/),
    });
  });
});
