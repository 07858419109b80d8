import type { FeatureSchema } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { constraintsOf } from '../../src/tabular/constraints.ts';

const features: readonly FeatureSchema[] = [
  { name: 'amount', type: 'integer', min: 1000, max: 1100, step: 25, mutable: true },
  { name: 'rate', type: 'real', min: 5.32, max: 28.99, step: 0.01, mutable: true },
  {
    name: 'state',
    type: 'categorical',
    categories: ['a', 'b', 'c'],
    min: 0,
    max: 2,
    mutable: true,
  },
  { name: 'year', type: 'integer', min: 0, max: 9, step: 1, mutable: true },
  { name: 'years', type: 'integer', min: 0, max: 9, step: 1, mutable: false },
  { name: 'free', type: 'real', min: 0, max: 1, mutable: true },
];
const relations = [{ kind: 'lessOrEqual', left: 'year', right: 'years' }] as const;
const rules = constraintsOf({ features, relations });
const original = Float32Array.of(1000, 5.32, 0, 1, 3, 0.5);

function changed(changes: Readonly<Record<number, number>>): Float32Array {
  const row = original.slice();
  for (const [at, value] of Object.entries(changes)) row[Number(at)] = value;
  return row;
}

describe('violations', () => {
  it.each([
    [{}, []],
    [{ 0: 1050, 1: 5.33, 2: 2, 3: 3, 5: 0.123 }, []],
    [{ 0: 1010 }, ['"amount" expected 1000 plus a whole number of steps of 25, got 1010']],
    [{ 0: 1125 }, ['"amount" expected a number in [1000, 1100], got 1125']],
    [{ 0: Number.NaN }, ['"amount" expected a number in [1000, 1100], got NaN']],
    [{ 2: 0.5 }, ['"state" expected an integer, got 0.5']],
    [{ 4: 5 }, ['"years" cannot change, got 5 for 3']],
    [{ 3: 4 }, ['"year" ≤ "years" expected, got 4 and 3']],
  ])('of %j are %j', (changes, expected) => {
    expect(rules.violations(changed(changes), original)).toEqual(expected);
  });

  it('are not found in values that were left alone', () => {
    const odd = Float32Array.of(1013, 99, 0.5, 1, 3, 7);
    expect(rules.violations(odd, odd)).toEqual([]);
  });
});

describe('repair', () => {
  it('snaps to steps, restores what cannot change and settles relations', () => {
    const row = changed({ 0: 1013, 1: 5.333, 2: 7, 3: 8, 4: 9, 5: -1 });
    expect(rules.repair(row, original)).toBe(true);
    expect(row).toEqual(Float32Array.of(1025, 5.33, 2, 3, 3, 0));
    expect(rules.violations(row, original)).toEqual([]);
  });

  it('raises the right side when the left cannot go down', () => {
    const free = features.map((feature) => ({ ...feature, mutable: feature.name === 'years' }));
    const other = constraintsOf({ features: free, relations });
    const start = changed({ 3: 5 });
    expect(other.repair(start, start)).toBe(true);
    expect(start[4]).toBe(5);
  });

  it('refuses what cannot be settled', () => {
    const fixed = features.map((feature) => ({ ...feature, mutable: false }));
    const none = constraintsOf({ features: fixed, relations });
    const row = changed({ 3: 5 });
    expect(none.repair(row, row)).toBe(false);
  });
});

describe('distance', () => {
  it('counts features and adds up shares of their ranges; a category counts one', () => {
    const { changed: count, ranges } = rules.distance(changed({ 0: 1050, 2: 2 }), original);
    expect(count).toBe(2);
    expect(ranges).toBeCloseTo(1.5, 12);
  });
});
