import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { type Dataset, pick, rowSize, sample, slice } from '../../src/data/dataset.ts';
import { didYouMean, nearest } from '../../src/data/nearest.ts';

const set: Dataset = {
  x: Float32Array.from({ length: 20 }, (_, i) => i),
  shape: [10, 2],
  labels: Int32Array.of(0, 0, 0, 0, 0, 0, 0, 1, 1, 2),
  classes: ['a', 'b', 'c'],
};

describe('dataset', () => {
  it('picks rows in the given order', () => {
    const part = pick(set, [9, 0]);
    expect([...part.x]).toEqual([18, 19, 0, 1]);
    expect([...part.labels]).toEqual([2, 0]);
    expect(part.shape).toEqual([2, 2]);
    expect(rowSize(part)).toBe(2);
    expect(() => pick(set, [10])).toThrow('row expected in [0, 10), got 10');
  });

  it('slices, clipped to what there is', () => {
    expect([...slice(set, 8, 99).labels]).toEqual([1, 2]);
    expect(slice(set, 12, 99).shape).toEqual([0, 2]);
  });

  it('samples without repeating and repeats from the seed', () => {
    const draw = (seed: number) => [...sample(set, { count: 6, random: seeded(seed) }).x];
    expect(draw(1)).toEqual(draw(1));
    expect(draw(1)).not.toEqual(draw(2));
    expect(new Set(draw(3)).size).toBe(12);
    expect(sample(set, { count: 99, random: seeded(1) }).shape).toEqual([10, 2]);
  });

  it('takes turns between classes when asked to', () => {
    const { labels } = sample(set, { count: 5, random: seeded(1), balanced: true });
    expect([...labels].sort()).toEqual([0, 0, 1, 1, 2]);
  });
});

describe('nearest', () => {
  it('finds a misspelt name and stays silent when nothing is near', () => {
    expect(nearest('Clas', ['type', 'Class'])).toBe('Class');
    expect(nearest('zzzzzz', ['type', 'Class'])).toBeUndefined();
    expect(didYouMean('pdg', ['fgsm', 'pgd'])).toBe(' (did you mean "pgd"?)');
    expect(didYouMean('zzzz', ['fgsm'])).toBe('');
  });
});
