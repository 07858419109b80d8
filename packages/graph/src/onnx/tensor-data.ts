/** Typed fields of TensorProto (float_data, int32_data, …) as raw little-endian elements. */
import { concat } from '@merlon/core';
import { invalidModel } from '../error.ts';
import { packedCount, packedVarints, type WireField } from '../proto/wire.ts';
import { elementTypes } from './model.ts';

type Integers =
  | Uint8Array
  | Uint16Array
  | Int32Array
  | Uint32Array
  | BigInt64Array
  | BigUint64Array;

const { float32, float64, int8, uint8, bool, int16, uint16, float16 } = elementTypes;
const { int32, int64, uint32, uint64 } = elementTypes;
/** Types that only typed fields and raw data know: complex numbers, and bfloat16. */
const rare = { complex64: 14, complex128: 15, bfloat16: 16 };

/** Field of TensorProto that holds the elements of a type. */
const fieldOf: Readonly<Record<number, number>> = {
  [float32]: 4,
  [rare.complex64]: 4,
  [float64]: 10,
  [rare.complex128]: 10,
  [int64]: 7,
  [uint32]: 11,
  [uint64]: 11,
};
const smallNumbers = 5;

/** The elements as bytes; throws `invalid-model` when field and element type do not fit. */
export function typedData(fields: readonly WireField[], elementType: number): Uint8Array {
  if (fields.length === 0) return new Uint8Array(0);
  const expected = fieldOf[elementType] ?? smallNumbers;
  if (fields.some((field) => field.number !== expected)) {
    throw invalidModel(`elements in the wrong field for element type ${elementType}`);
  }
  if (expected === 4 || expected === 10) {
    if (fields.some((field) => field.kind === 'varint')) throw invalidModel('integers for floats');
    return concat(fields.map((field) => field.bytes));
  }
  const count = fields.reduce((sum, field) => sum + packedCount(field), 0);
  const out = integers(elementType, count);
  let at = 0;
  for (const field of fields) {
    for (const value of packedVarints(field)) {
      // Typed arrays keep the low bits, which is what the format means by a small number.
      if (out instanceof BigInt64Array || out instanceof BigUint64Array) out[at] = value;
      else out[at] = Number(BigInt.asIntN(32, value));
      at++;
    }
  }
  return new Uint8Array(out.buffer);
}

function integers(elementType: number, count: number): Integers {
  switch (elementType) {
    case int8:
    case uint8:
    case bool:
      return new Uint8Array(count);
    case int16:
    case uint16:
    case float16:
    case rare.bfloat16:
      return new Uint16Array(count);
    case int32:
      return new Int32Array(count);
    case uint32:
      return new Uint32Array(count);
    case int64:
      return new BigInt64Array(count);
    case uint64:
      return new BigUint64Array(count);
    default:
      throw invalidModel(`integers for element type ${elementType}`);
  }
}
