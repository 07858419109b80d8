import { seeded } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fgsm } from '../../src/gradient/fgsm.ts';
import { pgd } from '../../src/gradient/pgd.ts';
import { differentiable } from '../../src/model/classifier.ts';
import { distance, l2, linf, targeted } from '../../src/threat.ts';
import {
  type Linear,
  linearGradient,
  linearLabels,
  linearScores,
  linearSession,
  randomLinear,
  uniformRows,
} from '../models.ts';

const wide = { min: -100, max: 100 };
const unit = { min: 0, max: 1 };

function open(model: Linear) {
  return differentiable(linearSession(model), linearGradient(model));
}

/** The least change that turns a two-class linear model: margin over the dual norm of w0 − w1. */
function leastDistances(model: Linear, x: Float32Array, norm: 'linf' | 'l2'): number[] {
  const scores = linearScores(model, x);
  const between = Array.from({ length: model.size }, (_, i) => {
    return (model.weights[2 * i] ?? 0) - (model.weights[2 * i + 1] ?? 0);
  });
  const dual =
    norm === 'linf' ? between.reduce((s, w) => s + Math.abs(w), 0) : Math.hypot(...between);
  return Array.from({ length: scores.length / 2 }, (_, row) => {
    return Math.abs((scores[2 * row] ?? 0) - (scores[2 * row + 1] ?? 0)) / dual;
  });
}

describe.each(['linf', 'l2'] as const)('attacks on a linear model in %s', (norm) => {
  const model = randomLinear(12, 2, seeded(3));
  const x = uniformRows(60, 12, 4);
  const labels = linearLabels(model, x);
  const least = leastDistances(model, x, norm);
  const budgetOf = (epsilon: number) => (norm === 'linf' ? linf(epsilon) : l2(epsilon));

  it.each([0.01, 0.03, 0.1, 0.3])('break exactly the rows nearer than %f', async (epsilon) => {
    const budget = budgetOf(epsilon);
    const options = { budget, bounds: wide };
    const one = await fgsm(open(model), { x, labels }, options);
    const many = await pgd(open(model), { x, labels }, options);
    const bySteps = await pgd(open(model), { x, labels }, { ...options, untilBroken: false });
    for (const found of [one, many.x, bySteps.x]) {
      const answers = linearLabels(model, found);
      least.forEach((needed, row) => {
        if (Math.abs(needed - epsilon) < 1e-4) return;
        expect(answers[row] !== labels[row]).toBe(needed < epsilon);
      });
    }
  });
});

describe('pgd', () => {
  const model = randomLinear(8, 4, seeded(5));
  const x = uniformRows(40, 8, 6);
  const labels = linearLabels(model, x);

  it('stays in ball and bounds, and robust accuracy never rises with epsilon', async () => {
    const radius = fc.double({ min: 0, max: 0.6, noNaN: true });
    await fc.assert(
      fc.asyncProperty(radius, radius, fc.constantFrom('linf', 'l2'), async (a, b, norm) => {
        const standing: number[] = [];
        for (const epsilon of [Math.min(a, b), Math.max(a, b)]) {
          const budget = norm === 'linf' ? linf(epsilon) : l2(epsilon);
          const found = await pgd(open(model), { x, labels }, { budget, bounds: unit, steps: 10 });
          for (let row = 0; row < labels.length; row++) {
            const own = found.x.subarray(row * 8, row * 8 + 8);
            const moved = distance(budget.norm, own, x.subarray(row * 8, row * 8 + 8));
            expect(moved).toBeLessThanOrEqual(epsilon);
            expect(own.every((value) => value >= 0 && value <= 1)).toBe(true);
          }
          const answers = linearLabels(model, found.x);
          standing.push(answers.filter((answer, row) => answer === labels[row]).length);
        }
        expect(standing[1]).toBeLessThanOrEqual(standing[0] ?? 0);
      }),
      { numRuns: 40, seed: 2 },
    );
  });

  it('repeats from the seed, with restarts, and only standing rows go on', async () => {
    const run = async (seed: number) => {
      const target = open(model);
      const options = { budget: linf(0.1), bounds: unit, steps: 8, restarts: 3 };
      const found = await pgd(target, { x, labels }, { ...options, random: seeded(seed) });
      return { x: found.x, queries: target.queries };
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).x).not.toEqual(first.x);
    expect(first.queries).toBeLessThan(40 * 8 * 3);
  });

  it('reaches a class that is asked for', async () => {
    const targets = labels.map((label) => (label + 1) % 4);
    const criterion = targeted(targets);
    const options = { budget: linf(3), bounds: wide, criterion };
    const found = await pgd(open(model), { x, labels }, options);
    expect(linearLabels(model, found.x)).toEqual(targets);
    const one = await fgsm(open(model), { x, labels }, options);
    const hits = linearLabels(model, one).filter((answer, row) => answer === targets[row]);
    expect(hits.length).toBeGreaterThan(20);
  });

  it('tells rows whose gradient vanished', async () => {
    const flat = { ...model, weights: new Float32Array(32), bias: Float32Array.of(1, 0, 0, 0) };
    const batch = { x: x.slice(0, 16), labels: Int32Array.of(0, 0) };
    const found = await pgd(open(flat), batch, { budget: linf(0.1), bounds: unit, steps: 3 });
    expect(found.zeroGradient).toEqual([0, 1]);
    expect(found.x).toEqual(batch.x);
  });

  it('refuses options that make no sense', async () => {
    const options = { budget: linf(0.1), bounds: unit };
    await expect(pgd(open(model), { x, labels }, { ...options, steps: 0 })).rejects.toThrow(
      '"steps" expected a positive integer, got 0',
    );
    await expect(pgd(open(model), { x, labels }, { ...options, restarts: 2 })).rejects.toThrow(
      '"random" expected with restarts, got none',
    );
  });
});
