import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { hopSkipJump } from '../../src/decision/hop-skip-jump.ts';
import { noise } from '../../src/decision/noise.ts';
import { classifier } from '../../src/model/classifier.ts';
import { distance, l2, linf, targeted } from '../../src/threat.ts';
import { labelSession, linearLabels, linearSession, randomLinear, uniformRows } from '../models.ts';

const model = randomLinear(10, 3, seeded(11));
const x = uniformRows(30, 10, 12);
const labels = linearLabels(model, x);
const pool = { x: uniformRows(100, 10, 13), rows: 100 };
const unit = { min: 0, max: 1 };
const open = () => classifier(linearSession(model));

describe('hopSkipJump', () => {
  it.each(['linf', 'l2'] as const)(
    'nears the least distance in %s within its budget',
    async (norm) => {
      const target = open();
      const budget = norm === 'linf' ? linf(0) : l2(0);
      const options = { budget, bounds: unit, random: seeded(1), pool, queriesMax: 2000 };
      const found = await hopSkipJump(target, { x, labels }, options);
      expect(target.queries).toBeLessThanOrEqual(30 * 2000 + 100);
      const answers = linearLabels(model, found);
      const ratios: number[] = [];
      for (let row = 0; row < 30; row++) {
        expect(answers[row]).not.toBe(labels[row]);
        const own = x.subarray(row * 10, row * 10 + 10);
        const got = distance(norm, found.subarray(row * 10, row * 10 + 10), own);
        ratios.push(got / leastDistance(row, norm));
      }
      ratios.sort((a, b) => a - b);
      // Bounds can only make the true least distance longer, so that no ratio is below one.
      expect(ratios[0]).toBeGreaterThan(0.999);
      expect(ratios[15]).toBeLessThan(1.25);
    },
  );

  it('repeats from its seed and stops once inside the ball', async () => {
    const run = async (seed: number) => {
      const target = open();
      const options = { budget: l2(0.3), bounds: unit, random: seeded(seed), pool };
      return { found: await hopSkipJump(target, { x, labels }, options), queries: target.queries };
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).found).not.toEqual(first.found);
    expect(first.queries).toBeLessThan(30 * 800);
  });

  it('ends where there is no other class, and gives the row back', async () => {
    const constant = classifier(labelSession(10, () => 1));
    const options = { budget: l2(0.1), bounds: unit, random: seeded(1), pool };
    const batch = { x: x.slice(0, 10), labels: Int32Array.of(1) };
    expect(await hopSkipJump(constant, batch, options)).toEqual(batch.x);
    expect(constant.queries).toBeLessThan(200);
  });

  it('ends on a boundary that no step can follow', async () => {
    // Success only in a thin shell: nearly every estimate and every jump fails.
    const shell = classifier(
      labelSession(10, (row) => (Math.abs((row[0] ?? 0) - 0.9) < 1e-6 ? 1 : 0)),
    );
    const from = x.slice(0, 10);
    from[0] = 0.9;
    const options = { budget: l2(0), bounds: unit, random: seeded(1), queriesMax: 600 };
    const batch = { x: x.slice(10, 20), labels: Int32Array.of(0) };
    const found = await hopSkipJump(shell, batch, { ...options, pool: { x: from, rows: 1 } });
    expect(found[0]).toBeCloseTo(0.9, 5);
    expect(shell.queries).toBeLessThanOrEqual(601);
  });

  it('reaches a class that is asked for', async () => {
    const targets = labels.map((label) => (label + 1) % 3);
    const options = { budget: l2(0.5), bounds: unit, random: seeded(1), pool };
    const criterion = targeted(targets);
    const found = await hopSkipJump(open(), { x, labels }, { ...options, criterion });
    const answers = linearLabels(model, found);
    expect(answers.filter((answer, row) => answer === targets[row]).length).toBeGreaterThan(24);
  });
});

describe('noise', () => {
  it('stays on the edge of the ball and finds what is near the boundary', async () => {
    const options = { budget: linf(0.1), bounds: unit, random: seeded(1) };
    const target = open();
    const found = await noise(target, { x, labels }, options);
    const broken = linearLabels(model, found).filter((answer, row) => answer !== labels[row]);
    expect(broken.length).toBeGreaterThan(0);
    expect(broken.length).toBeLessThan(30);
    expect(distance('linf', found, x)).toBeLessThanOrEqual(0.1);
    expect(target.queries).toBeLessThanOrEqual(600);
  });
});

/** Least distance to any other class when nothing bounds the elements. */
function leastDistance(row: number, norm: 'linf' | 'l2'): number {
  const { size, classes, weights, bias } = model;
  const score = (k: number) => {
    let sum = bias[k] ?? 0;
    for (let i = 0; i < size; i++)
      sum += (x[row * size + i] ?? 0) * (weights[i * classes + k] ?? 0);
    return sum;
  };
  const label = labels[row] ?? 0;
  return Math.min(
    ...[0, 1, 2]
      .filter((k) => k !== label)
      .map((k) => {
        const between = Array.from({ length: size }, (_, i) => {
          return (weights[i * classes + label] ?? 0) - (weights[i * classes + k] ?? 0);
        });
        const dual =
          norm === 'l2' ? Math.hypot(...between) : between.reduce((s, w) => s + Math.abs(w), 0);
        return (score(label) - score(k)) / dual;
      }),
  );
}
