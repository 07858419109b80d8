/** Typed fields of TensorProto (float_data, int32_data, …) as raw little-endian elements. */
import { concat } from '@merlon/core';
import { invalidModel } from '../error.ts';
import { packedVarints, type WireField } from '../proto/wire.ts';
import { elementTypes } from './model.ts';

/** The elements as bytes; throws `invalid-model` when field and element type do not fit. */
export function typedData(fields: readonly WireField[], elementType: number): Uint8Array {
  if (fields.length === 0) return new Uint8Array(0);
  if (fields.every((field) => field.number === 4 || field.number === 10)) {
    return concat(fields.map((field) => field.bytes));
  }
  const values = fields.flatMap((field) => [...packedVarints(field)]);
  const { int8, uint8, bool, int16, uint16, float16, int32, int64, uint32, uint64 } = elementTypes;
  const numbers = (): number[] => values.map(Number);
  switch (elementType) {
    case int8:
    case uint8:
    case bool:
      return Uint8Array.from(numbers(), (value) => value & 255);
    case int16:
    case uint16:
    case float16:
      return new Uint8Array(Uint16Array.from(numbers(), (value) => value & 65535).buffer);
    case int32:
      return new Uint8Array(Int32Array.from(numbers()).buffer);
    case uint32:
      return new Uint8Array(Uint32Array.from(numbers()).buffer);
    case int64:
      return new Uint8Array(BigInt64Array.from(values).buffer);
    case uint64:
      return new Uint8Array(BigUint64Array.from(values, (v) => BigInt.asUintN(64, v)).buffer);
    default:
      throw invalidModel(`integers for element type ${elementType}`);
  }
}
