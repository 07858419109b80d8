/**
 * Data types of the Open Inference Protocol beside those of sessions. Bytes are little-endian, as
 * every machine is that Node runs on. FP16 and BF16 are kept as the float32 values that they are.
 */
import type { TensorData, TensorType } from '@merlon/graph';

/** Names of the protocol. */
export type Datatype =
  | 'BOOL'
  | 'UINT8'
  | 'UINT16'
  | 'UINT32'
  | 'UINT64'
  | 'INT8'
  | 'INT16'
  | 'INT32'
  | 'INT64'
  | 'FP16'
  | 'BF16'
  | 'FP32'
  | 'FP64'
  | 'BYTES';

/** A named value in either direction; the data are those of `typeOf` its data type. */
export interface WireTensor {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  readonly data: TensorData;
}

type Numbers = Exclude<TensorData, readonly string[]>;

interface NumberType {
  readonly type: TensorType;
  readonly bytes: number;
  /** Least and greatest whole number; null for floating types. */
  readonly whole: readonly [least: bigint, greatest: bigint] | null;
  readonly make: (count: number) => Numbers;
  /** Elements of bytes that start at a place of any alignment. */
  readonly read: (bytes: Uint8Array) => Numbers;
  readonly write: (data: Numbers) => Uint8Array;
}

type ArrayClass = new (of: number | ArrayBuffer) => Numbers;

// Not `slice`: that of a Buffer shares the memory of others.
function aligned(bytes: Uint8Array): ArrayBuffer {
  return new Uint8Array(bytes).buffer;
}

function plain(type: TensorType, bits: number, Class: ArrayClass, signed: boolean | null) {
  const top = 2n ** BigInt(signed === true ? bits - 1 : bits);
  return {
    type,
    bytes: bits / 8,
    whole: signed === null ? null : ([signed ? -top : 0n, top - 1n] as const),
    make: (count: number) => new Class(count),
    read: (bytes: Uint8Array) => new Class(aligned(bytes)),
    write: (data: Numbers) => new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
  } satisfies NumberType;
}

const half: NumberType = {
  ...plain('float32', 16, Float32Array, null),
  read: (bytes) => Float32Array.from(new Float16Array(aligned(bytes))),
  write: (data) => new Uint8Array(Float16Array.from(data as Float32Array).buffer),
};

const brain: NumberType = {
  ...plain('float32', 16, Float32Array, null),
  read: (bytes) => {
    const high = Uint32Array.from(new Uint16Array(aligned(bytes)), (bits) => bits << 16);
    return new Float32Array(high.buffer);
  },
  write: (data) => {
    const words = new Uint32Array(Float32Array.from(data as Float32Array).buffer);
    return new Uint8Array(Uint16Array.from(words, (word) => word >>> 16).buffer);
  },
};

const numberTypes: Readonly<Record<Exclude<Datatype, 'BYTES'>, NumberType>> = {
  BOOL: { ...plain('bool', 8, Uint8Array, false), whole: [0n, 1n] },
  UINT8: plain('uint8', 8, Uint8Array, false),
  UINT16: plain('uint16', 16, Uint16Array, false),
  UINT32: plain('uint32', 32, Uint32Array, false),
  UINT64: plain('uint64', 64, BigUint64Array, false),
  INT8: plain('int8', 8, Int8Array, true),
  INT16: plain('int16', 16, Int16Array, true),
  INT32: plain('int32', 32, Int32Array, true),
  INT64: plain('int64', 64, BigInt64Array, true),
  FP16: half,
  BF16: brain,
  FP32: plain('float32', 32, Float32Array, null),
  FP64: plain('float64', 64, Float64Array, null),
};

/** Names of all data types. */
export const datatypes = [...Object.keys(numberTypes), 'BYTES'] as readonly Datatype[];

/** The type of numbers behind a name; null for texts. */
export function numberType(datatype: Datatype): NumberType | null {
  return datatype === 'BYTES' ? null : numberTypes[datatype];
}

/** The type by which a session takes a data type. */
export function typeOf(datatype: Datatype): TensorType {
  return numberType(datatype)?.type ?? 'string';
}

/** The name that a session's type has in the protocol. */
export function datatypeOf(type: TensorType): Datatype {
  if (type === 'string') return 'BYTES';
  const own = (name: Datatype): boolean => name !== 'FP16' && name !== 'BF16';
  return datatypes.find((name) => own(name) && typeOf(name) === type) ?? 'FP32';
}

/** The nearest value that a floating type has. */
export function nearestOf(datatype: Datatype, value: number): number {
  if (datatype === 'FP64') return value;
  if (datatype === 'FP16') return Math.f16round(value);
  if (datatype === 'FP32') return Math.fround(value);
  const word = new Uint32Array(Float32Array.of(value).buffer);
  const bits = word[0] ?? 0;
  // To the nearest, and to the even one of two.
  word[0] = bits + 0x7fff + ((bits >>> 16) & 1);
  word[0] = (word[0] ?? 0) & 0xffff0000;
  return new Float32Array(word.buffer)[0] ?? Number.NaN;
}
