import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { noise } from '../../src/decision/noise.ts';
import { classifier } from '../../src/model/classifier.ts';
import { square } from '../../src/score/square.ts';
import { distance, linf, targeted } from '../../src/threat.ts';
import { linearLabels, linearSession, randomLinear, uniformRows } from '../models.ts';

const model = randomLinear(10, 3, seeded(11));
const x = uniformRows(30, 10, 12);
const labels = linearLabels(model, x);
const unit = { min: 0, max: 1 };
const open = () => classifier(linearSession(model));

describe('square', () => {
  it('breaks more than noise, stays in the ball and repeats from its seed', async () => {
    const run = async (seed: number) => {
      const target = open();
      const options = { budget: linf(0.1), bounds: unit, random: seeded(seed), queriesMax: 200 };
      return { found: await square(target, { x, labels }, options), queries: target.queries };
    };
    const first = await run(1);
    expect(await run(1)).toEqual(first);
    expect((await run(2)).found).not.toEqual(first.found);
    expect(distance('linf', first.found, x)).toBeLessThanOrEqual(0.1);
    const options = { budget: linf(0.1), bounds: unit, random: seeded(1) };
    const noisy = await noise(open(), { x, labels }, options);
    const broken = (found: Float32Array) =>
      linearLabels(model, found).filter((answer, row) => answer !== labels[row]).length;
    expect(broken(first.found)).toBeGreaterThan(broken(noisy));
    expect(first.queries).toBeLessThan(30 * 200);
  });

  it('paints images channel by channel and reaches a class that is asked for', async () => {
    const image = randomLinear(27, 3, seeded(2));
    const rows = uniformRows(20, 27, 3);
    const own = linearLabels(image, rows);
    const targets = own.map((label) => (label + 1) % 3);
    const options = { budget: linf(0.5), bounds: unit, random: seeded(1), queriesMax: 300 };
    const criterion = targeted(targets);
    const target = classifier(linearSession(image, [3, 3, 3]));
    const found = await square(target, { x: rows, labels: own }, { ...options, criterion });
    const answers = linearLabels(image, found);
    expect(answers.filter((answer, row) => answer === targets[row]).length).toBeGreaterThan(15);
  });
});
