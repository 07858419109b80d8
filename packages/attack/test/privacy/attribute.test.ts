/** A feature is guessed from the others and the label, by models that know rows and that do not. */
import { seeded } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { attributeInference, type Classifier } from '../../src/index.ts';

/** Rows of a number and a category of four, with a label of two. */
function rowsOf(count: number, seed: number): Dataset {
  const random = seeded(seed);
  const labels = Int32Array.from({ length: count }, () => random.integer(2));
  const x = new Float32Array(2 * count);
  for (let row = 0; row < count; row++) {
    x[2 * row] = random.uniform();
    // One category is commoner where the label is 1.
    const common = labels[row] === 1 && random.uniform() < 0.15;
    x[2 * row + 1] = common ? 2 : random.integer(4);
  }
  return { x, labels, shape: [count, 2], classes: ['0', '1'] };
}

/** Answers `sure` for the label where `knows` says so of a row, else a half. */
function modelOf(
  knows: (number: number, category: number) => number | undefined,
  sure = 0.99,
): Classifier {
  const answer = (x: Float32Array) => {
    const rows = Array.from({ length: x.length / 2 }, (_, row) => {
      const label = knows(x[2 * row] ?? 0, x[2 * row + 1] ?? 0);
      return label === undefined ? [0.5, 0.5] : label === 1 ? [1 - sure, sure] : [sure, 1 - sure];
    });
    const predictions = Int32Array.from(rows, ([no = 0, yes = 0]) => (yes > no ? 1 : 0));
    return { values: Float32Array.from(rows.flat()), classes: 2, predictions };
  };
  return {
    ...{ inputShape: [2], givesScores: true, queries: 0 },
    predict: async (x) => answer(x).predictions,
    scores: async (x) => answer(x),
  };
}

const [members, nonmembers] = [rowsOf(200, 1), rowsOf(300, 2)];

describe('attribute inference', () => {
  it('gets the feature of rows that the model knows by heart', async () => {
    const known = new Map<string, number>();
    for (const [row, label] of members.labels.entries()) {
      known.set(`${members.x[2 * row]} ${members.x[2 * row + 1]}`, label);
    }
    const model = modelOf((number, category) => known.get(`${number} ${category}`));
    const report = await attributeInference(model, { members, nonmembers }, { feature: 1 });
    expect(report.values).toEqual([0, 1, 2, 3]);
    expect(report.members.value).toBeGreaterThan(0.9);
    expect(report.nonmembers.value).toBeLessThan(0.55);
    expect(report.advantage).toBe(report.members.value - report.nonmembers.value);
    expect(report.advantage).toBeGreaterThan(0.4);
  });
  it('is worth its baseline where the model tells nothing', async () => {
    const blind = modelOf(() => undefined);
    const report = await attributeInference(blind, { members, nonmembers }, { feature: 1 });
    expect(report.members).toEqual(report.baseline);
    expect(report.baseline.value).toBeGreaterThan(0.2);
    expect(Math.abs(report.advantage)).toBeLessThan(0.1);
    expect(report.members.low).toBeLessThan(report.members.value);
  });
  it('weighs what the model says by how common a value is', async () => {
    const of = (sure: number) => {
      const leaning = modelOf((_, category) => (category === 3 ? 1 : undefined), sure);
      return attributeInference(leaning, { members, nonmembers }, { feature: 1 });
    };
    // Where the label is 1, category 2 has a share of about 0.36 and category 3 of 0.21: being
    // sure by 0.6 against a half does not outweigh that, being sure by 0.99 does.
    const rows = [...members.labels.keys()].filter((row) => members.labels[row] === 1);
    const having = (category: number): number =>
      rows.filter((row) => members.x[2 * row + 1] === category).length / members.labels.length;
    const [little, much] = [(await of(0.6)).members.value, (await of(0.99)).members.value];
    expect(little - much).toBeCloseTo(having(2) - having(3), 12);
  });
  it('asks for a feature of few values', async () => {
    const blind = modelOf(() => undefined);
    const of = (feature: number) => attributeInference(blind, { members, nonmembers }, { feature });
    await expect(of(0)).rejects.toThrow('feature 0: 2 to 32 values expected, got 300');
    await expect(of(2)).rejects.toThrow('the feature expected a position below 2, got 2');
  });
});
