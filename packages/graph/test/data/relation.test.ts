import { describe, expect, it } from 'vitest';
import { parseRelation, readSchema } from '../../src/index.ts';

describe('parseRelation', () => {
  it.each([
    ['total = a + b', 'equal', { total: 1, a: -1, b: -1 }, 0],
    ['a <= b', 'atMost', { a: 1, b: -1 }, 0],
    ['amount >= 0.1 * income + 5', 'atMost', { amount: -1, income: 0.1 }, -5],
    ['2*a - 3 * b + 4 <= 10 - -1*c', 'atMost', { a: 2, b: -3, c: -1 }, 6],
    ['"fixed acid" + x.y ≤ 1e2', 'atMost', { 'fixed acid': 1, 'x.y': 1 }, 100],
    ['a * 2 == b', 'equal', { a: 2, b: -1 }, 0],
  ])('%s', (text, kind, factors, bound) => {
    const found = parseRelation(text);
    if (typeof found === 'string') throw new Error(found);
    expect(found.kind).toBe(kind);
    expect(Object.fromEntries(found.terms.map(({ feature, factor }) => [feature, factor]))).toEqual(
      factors,
    );
    expect(found.bound).toBe(bound);
    expect(found.text).toBe(text);
  });

  it.each([
    ['a', /expected two sums with "="/],
    ['a < b', /expected two sums with/],
    ['a = b = c', /expected two sums with/],
    ['a = b c', /two operands without a sign/],
    ['a * b = 1', /a product of two columns/],
    ['a + = 1', /ends too early/],
    ['a = * 2', /"\*" stands at a wrong place/],
    ['a = b / 2', /cannot read "\/"/],
    ['a = a', /names no column/],
    ['1 <= 2', /names no column/],
  ])('refuses %s', (text, message) => {
    expect(parseRelation(text)).toMatch(message);
  });
});

describe('a schema of constraints', () => {
  const feature = (name: string, more: object = {}) => ({
    name,
    type: 'integer',
    min: 0,
    max: 9,
    mutable: true,
    ...more,
  });
  const schema = (more: object, features = [feature('a'), feature('b'), feature('t')]) =>
    JSON.stringify({ features, label: { name: 'y', classes: ['n', 'p'] }, ...more });

  it('reads relations of both kinds, groups, directions and costs', () => {
    const features = [
      feature('a', { direction: 'increase', cost: 2 }),
      feature('b'),
      feature('t'),
      feature('x', { max: 1 }),
      feature('y', { max: 1 }),
    ];
    const found = readSchema(
      schema(
        {
          relations: [{ kind: 'lessOrEqual', left: 'a', right: 'b' }, 't = a + b'],
          groups: [['x', 'y']],
        },
        features,
      ),
    );
    if (found.kind !== 'table') throw new Error('expected a table');
    expect(found.relations).toEqual([{ kind: 'lessOrEqual', left: 'a', right: 'b' }]);
    expect(found.linear?.map(({ text }) => text)).toEqual(['t = a + b']);
    expect(found.groups).toEqual([['x', 'y']]);
    expect(found.features[0]).toMatchObject({ direction: 'increase', cost: 2 });
    const plain = readSchema(schema({}));
    expect(plain).not.toHaveProperty('linear');
    expect(plain).not.toHaveProperty('groups');
  });

  it.each([
    [{ relations: ['t = a +'] }, /"relations\[0\]" ends too early/],
    [{ relations: ['t = a + z'] }, /"relations\[0\]" expected numeric features, got "z"/],
    [{ relations: [7] }, /"relations\[0\]" expected .* or a text such as/],
    [{ groups: [['a', 'b']] }, /"groups\[0\]" expected integers from 0 to 1, "a" is integer/],
    [{ groups: [['q', 'q']] }, /names "q" twice/],
    [{ features: [feature('a', { direction: 'up' })] }, /"a.direction" expected "increase" or/],
    [{ features: [feature('a', { cost: 0 })] }, /"a.cost" expected a positive number, got 0/],
  ])('refuses %j', (more, message) => {
    expect(() => readSchema(schema(more))).toThrow(message);
  });
});
