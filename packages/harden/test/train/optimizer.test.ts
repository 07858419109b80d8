/** Optimizers against PyTorch's (scripts/make_harden_vectors.py), schedules, clipping, averages. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { clip, factorAt, type OptimizerName, optimizerOf, parseSchedule } from '../../src/index.ts';
import { averageOf } from '../../src/train/optimizer/average.ts';

const file = new URL('../../../../vectors/harden/torch.json', import.meta.url);
const { optimizers } = JSON.parse(readFileSync(file, 'utf8')) as {
  optimizers: {
    start: number[];
    rate: number;
    gradients: number[][];
    cases: { name: OptimizerName; weightDecay: number; end: number[] }[];
  };
};
const { start, rate, gradients, cases } = optimizers;

describe('optimizers step as PyTorch does', () => {
  it.each(cases)('$name with decay $weightDecay', ({ name, weightDecay, end }) => {
    const weights = new Map([['w', { data: Float32Array.from(start) }]]);
    const step = optimizerOf(name, weights, { momentum: 0.9, weightDecay });
    for (const gradient of gradients) step(new Map([['w', Float32Array.from(gradient)]]), rate);
    const found = weights.get('w')?.data ?? [];
    for (const [i, value] of end.entries()) expect(found[i]).toBeCloseTo(value, 5);
  });
});

describe('schedules', () => {
  it.each([
    ['constant', [1, 1, 1]],
    ['linear', [1, 0.525, 0.05]],
    ['cosine', [1, 0.5, 0]],
    ['0:0,0.25:1,1:0', [0, 2 / 3, 0]],
    ['0.5:0.2', [0.2, 0.2, 0.2]],
  ])('%s', (text, factors) => {
    const schedule = parseSchedule(text);
    for (const [i, factor] of factors.entries()) {
      expect(factorAt(schedule, i / 2)).toBeCloseTo(factor, 12);
    }
  });
  it.each(['', 'cosin', '0:1,0:2', '0.5:1,0.2:1', '0:-1', '2:1', '0:1:2', '0:x'])(
    'refuses %j',
    (text) => {
      expect(() => parseSchedule(text)).toThrow(
        /^"schedule" expected constant, linear, cosine, or/,
      );
    },
  );
});

describe('clipping', () => {
  it('shortens all gradients together, and leaves short ones', () => {
    const gradients = new Map([
      ['a', Float32Array.of(3, 0)],
      ['b', Float32Array.of(4)],
    ]);
    expect(clip(gradients, 10)).toBe(5);
    expect([...(gradients.get('b') ?? [])]).toEqual([4]);
    expect(clip(gradients, 1)).toBe(5);
    expect(gradients.get('a')?.[0]).toBeCloseTo(0.6, 6);
    expect(gradients.get('b')?.[0]).toBeCloseTo(0.8, 6);
  });
});

describe('the moving average', () => {
  it('follows a step by its decay, and copies without one', () => {
    const data = Float32Array.of(0);
    const weights = new Map([['w', { data }]]);
    const [average, none] = [averageOf(weights, 0.5), averageOf(weights, 0)];
    data[0] = 8;
    const seen = [0.1, 2 / 11, 3 / 12].map((kept) => {
      average.add();
      none.add();
      return kept;
    });
    const expected = 8 * (1 - seen.reduce((all, kept) => all * kept, 1));
    expect(average.snapshot().get('w')?.[0]).toBeCloseTo(expected, 5);
    expect(none.snapshot().get('w')?.[0]).toBe(8);
  });
});
