import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { readSchema } from '../../src/data/schema.ts';

const feature = { name: 'age', type: 'integer', min: 18, max: 99, mutable: false };
const label = { name: 'y', classes: ['no', 'yes'] };

function message(schema: unknown): string {
  try {
    readSchema(JSON.stringify(schema));
  } catch (error) {
    return `${(error as { code: string }).code}: ${(error as Error).message}`;
  }
  return 'accepted';
}

describe('readSchema', () => {
  it('fills in what follows from the type', () => {
    const city = { name: 'city', type: 'categorical', categories: ['a', 'b'], mutable: true };
    const schema = readSchema(utf8(JSON.stringify({ features: [feature, city], label })));
    expect(schema).toEqual({
      kind: 'table',
      features: [
        { ...feature, step: 1 },
        { ...city, min: 0, max: 1 },
      ],
      relations: [],
      label,
    });
  });

  it('reads image schemas', () => {
    const input = { shape: [1, 28, 28], min: 0, max: 1 };
    const classes = ['a', 'b'];
    expect(readSchema(JSON.stringify({ input, label: { classes } }))).toEqual({
      kind: 'image',
      input,
      label: { classes },
    });
  });

  it.each([
    [{}, /"features" \(a table\) or "input"/],
    [[], /expected an object/],
    [{ features: [], label }, /"features" expected a list, got \[\]/],
    [{ features: [feature], label: { classes: ['a'] } }, /"label.name" expected/],
    [{ features: [{ ...feature, mutable: 1 }], label }, /"age.mutable" expected true or false/],
    [{ features: [{ ...feature, type: 'int' }], label }, /"age.type" expected .* got "int"/],
    [{ features: [{ ...feature, min: 100 }], label }, /"min" ≤ "max", got 100 and 99/],
    [{ features: [{ ...feature, min: 0.5 }], label }, /expected integers/],
    [{ features: [{ ...feature, step: 0 }], label }, /"age.step" expected a positive integer/],
    [{ features: [feature, feature], label }, /names "age" twice/],
    [{ features: [feature], label: { name: 'y', classes: ['a', 'a'] } }, /names "a" twice/],
    [
      { features: [feature], label, relations: [{ kind: 'less', left: 'a', right: 'b' }] },
      /relations\[0\]/,
    ],
    [
      { features: [feature], label, relations: [{ kind: 'lessOrEqual', left: 'age', right: 'b' }] },
      /expected numeric features, got "b"/,
    ],
    [{ input: { shape: [0], min: 0, max: 1 }, label }, /positive integers/],
  ])('refuses %j', (schema, expected) => {
    expect(message(schema)).toMatch(/^invalid-schema: /);
    expect(message(schema)).toMatch(expected);
  });

  it('collects faults before refusing', () => {
    const all = message({ features: [{ name: 'a' }, { name: 'b' }], label: {} });
    expect(all).toContain('"label.classes" expected a list, got nothing');
    expect(all).toContain('"a.mutable" expected');
    expect(all).toMatch(/and 3 more$/);
  });

  it('says that text is no JSON', () => {
    expect(() => readSchema('{')).toThrow(/schema expected JSON/);
  });
});
