/** Whatever the schema, the rows and the model: what any attack on tables reports satisfies it. */
import { manualClock, seeded } from '@merlon/core';
import { type Dataset, evaluateTrees, openSession, writeOnnx } from '@merlon/graph';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { runAttacks } from '../../src/run.ts';
import { attackTable } from '../../src/table.ts';
import { constraintsOf } from '../../src/tabular/constraints.ts';
import { linearGradient, linearLabels, linearSession, randomLinear } from '../models.ts';
import { randomSample } from '../tree/models.ts';
import { wholeRows, wholeTable } from './tables.ts';

const rowsMax = 8;
const width = 9;

/** A forest over the columns, or a linear model with gradients. */
async function targetOf(seed: number, x: Float32Array, kind: 'forest' | 'linear') {
  if (kind === 'linear') {
    const model = randomLinear(width, 2, seeded(seed));
    const target = { session: linearSession(model), gradient: linearGradient(model) };
    return { target, labels: linearLabels(model, x) };
  }
  const shape = { features: width, trees: 8, depth: 5, modes: ['BRANCH_LEQ', 'BRANCH_GT'] };
  const { onnx, trees } = randomSample(seeded(seed), shape, 1);
  const target = { session: await openSession(writeOnnx(onnx)), trees };
  return { target, labels: evaluateTrees(trees, x, width).labels };
}

describe('attacks on tables', () => {
  const names = attackTable.filter(({ data }) => data === 'table').map(({ name }) => name);

  it('are four', () => {
    expect(names).toEqual(['feature-search', 'moeva', 'capgd', 'leaf-tuple-table']);
  });

  it.each(['forest', 'linear'] as const)('report valid rows only, on a %s model', async (kind) => {
    const reported = new Map<string, number>();
    const attacks = names.filter((name) =>
      kind === 'forest' ? name !== 'capgd' : name !== 'leaf-tuple-table',
    );
    const seeds = fc.integer({ min: 0, max: 1e6 });
    await fc.assert(
      fc.asyncProperty(seeds, async (seed) => {
        const schema = wholeTable(seed);
        const constraints = constraintsOf(schema);
        const x = wholeRows(rowsMax, seed + 1);
        const { target, labels } = await targetOf(seed, x, kind);
        const data: Dataset = { x, shape: [rowsMax, width], labels, classes: ['good', 'bad'] };
        const clock = manualClock();
        const options = { attacks, constraints: schema, queriesMax: 200, seed, clock };
        const { examples, verdict } = await runAttacks(target, data, {
          ...options,
          examplesMax: rowsMax,
        });
        for (const { attack, adversarial, clean, after, label } of examples) {
          expect(constraints.violations(adversarial, clean)).toEqual([]);
          expect(after).not.toBe(label);
          reported.set(attack, (reported.get(attack) ?? 0) + 1);
        }
        const broken = verdict.attacks.map(({ successRate }) => Math.round(successRate * rowsMax));
        expect(examples.length).toBe(broken.reduce((sum, count) => sum + count, 0));
        await target.session.close();
      }),
      { numRuns: 25, seed: 7 },
    );
    for (const name of attacks) expect(reported.get(name)).toBeGreaterThan(20);
  });
});
