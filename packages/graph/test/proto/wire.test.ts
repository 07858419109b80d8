import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  packedCount,
  packedVarints,
  signed,
  text,
  varint,
  WireWriter,
  wireFields,
} from '../../src/proto/wire.ts';

const one = (bytes: Uint8Array) => {
  const [field, ...others] = wireFields(bytes);
  if (field === undefined || others.length > 0) throw new Error('expected one field');
  return field;
};

const invalid = (why: string) =>
  expect.objectContaining({ code: 'invalid-model', message: `not a sound ONNX model: ${why}` });

describe('the wire format', () => {
  it('gives back every signed 64-bit number', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }), (value) => {
        expect(signed(one(new WireWriter().integer(3, value).finish()))).toBe(value);
      }),
      { seed: 1 },
    );
  });
  it('gives back lists of numbers, and counts them without keeping them', () => {
    const numbers = fc.array(fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }));
    fc.assert(
      fc.property(numbers, (list) => {
        const packed = new WireWriter();
        for (const value of list) packed.raw(varint(value));
        const field = one(new WireWriter().bytes(8, packed.finish()).finish());
        expect([...packedVarints(field)]).toEqual(list);
        expect(packedCount(field)).toBe(list.length);
      }),
      { seed: 2 },
    );
  });
  it('gives back texts and messages', () => {
    const inner = new WireWriter().text(1, 'grüße');
    const outer = one(new WireWriter().message(100, inner).finish());
    expect(outer.number).toBe(100);
    expect(text(one(outer.bytes))).toBe('grüße');
  });
  it.each([
    ['field number 0', [0, 1]],
    ['wire type 3', [11]],
    ['it ends in the middle of a field', [10, 5, 1]],
    ['it ends in the middle of a field', [9, 1, 2]],
    ['it ends in the middle of a field', [8, 128]],
    ['it ends in the middle of a field', [8, 128, 128, 128, 128, 128]],
    ['a number of more than ten bytes', [8, ...Array.from({ length: 11 }, () => 255)]],
  ])('refuses bad bytes: %s', (why, bytes) => {
    expect(() => [...wireFields(Uint8Array.from(bytes))]).toThrow(invalid(why));
  });
  it('refuses lengths that wrap around', () => {
    const bytes = Uint8Array.from([10, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    expect(() => [...wireFields(bytes)]).toThrow(invalid('it ends in the middle of a field'));
  });
  it('stops at its budget', () => {
    const budget = { left: 2 };
    const bytes = Uint8Array.from([10, 0, 10, 0, 10, 0]);
    expect(() => [...wireFields(bytes, budget)]).toThrow(
      expect.objectContaining({ code: 'too-large', message: 'the model has too many parts' }),
    );
  });
});
