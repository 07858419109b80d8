/** ONNX models as typed values (ONNX IR 3 to 13): what differentiation needs, the rest kept raw. */

import { invalidModel } from '../error.ts';

/** Element types by their number in TensorProto. */
export const elementTypes = {
  float32: 1,
  uint8: 2,
  int8: 3,
  uint16: 4,
  int16: 5,
  int32: 6,
  int64: 7,
  string: 8,
  bool: 9,
  float16: 10,
  float64: 11,
  uint32: 12,
  uint64: 13,
} as const;

/** A constant tensor. */
export interface OnnxTensor {
  readonly name: string;
  /** Number of the element type. */
  readonly elementType: number;
  readonly shape: readonly number[];
  /** Elements little-endian, row-major; empty for tensors kept outside the file. */
  readonly data: Uint8Array;
  /** Fields that have no place here (strings, external data), as they came. */
  readonly rest: Uint8Array;
}

/** A tensor's declared type; an axis is a number, a symbol, or unknown. */
export interface OnnxValue {
  readonly name: string;
  readonly elementType: number;
  readonly shape: readonly (number | string | null)[] | null;
  /** The type as it came, for values that are not tensors. */
  readonly rawType?: Uint8Array;
  /** Fields that have no place here (documentation, metadata), as they came. */
  readonly rest?: Uint8Array;
}

/** An attribute of a node. */
export type OnnxAttribute =
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'int'; readonly value: number }
  | { readonly kind: 'string'; readonly value: Uint8Array }
  | { readonly kind: 'tensor'; readonly value: OnnxTensor }
  | { readonly kind: 'graph'; readonly value: OnnxGraph }
  | { readonly kind: 'floats'; readonly value: readonly number[] }
  | { readonly kind: 'ints'; readonly value: readonly number[] }
  /** Anything rarer, and integers that a number cannot hold, as it came. */
  | { readonly kind: 'raw'; readonly value: Uint8Array };

/** One operation. */
export interface OnnxNode {
  readonly name: string;
  readonly operator: string;
  /** Empty for the standard operators. */
  readonly domain: string;
  /** Names of inputs; an empty name is an input left out. */
  readonly inputs: readonly string[];
  readonly outputs: readonly string[];
  readonly attributes: Readonly<Record<string, OnnxAttribute>>;
  /** Fields that have no place here (overload, documentation, metadata), as they came. */
  readonly rest?: Uint8Array;
}

/** A graph: nodes in an order in which they can run. */
export interface OnnxGraph {
  readonly name: string;
  readonly nodes: readonly OnnxNode[];
  readonly initializers: readonly OnnxTensor[];
  readonly inputs: readonly OnnxValue[];
  readonly outputs: readonly OnnxValue[];
  readonly values: readonly OnnxValue[];
  readonly rest: Uint8Array;
}

/** A model. */
export interface OnnxModel {
  readonly irVersion: number;
  readonly opsets: readonly { readonly domain: string; readonly version: number }[];
  readonly producer: string;
  readonly graph: OnnxGraph;
  /** Fields that have no place here (metadata, functions), as they came. */
  readonly rest: Uint8Array;
}

/** A node of the standard operators. */
export function node(
  operator: string,
  inputs: readonly string[],
  outputs: readonly string[],
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
): OnnxNode {
  return { name: outputs[0] ?? operator, operator, domain: '', inputs, outputs, attributes };
}

/** An integer attribute. */
export function int(value: number): OnnxAttribute {
  return { kind: 'int', value };
}

/** A list of integers as attribute. */
export function ints(value: readonly number[]): OnnxAttribute {
  return { kind: 'ints', value };
}

/** A float attribute. */
export function float(value: number): OnnxAttribute {
  return { kind: 'float', value };
}

/** A float32 tensor. */
export function floatTensor(
  name: string,
  shape: readonly number[],
  values: ArrayLike<number>,
): OnnxTensor {
  const data = new Uint8Array(Float32Array.from(values).buffer);
  return { name, elementType: elementTypes.float32, shape, data, rest: new Uint8Array(0) };
}

/** An int64 tensor. */
export function intTensor(
  name: string,
  shape: readonly number[],
  values: readonly number[],
): OnnxTensor {
  const data = new Uint8Array(BigInt64Array.from(values, (value) => BigInt(value)).buffer);
  return { name, elementType: elementTypes.int64, shape, data, rest: new Uint8Array(0) };
}

/** Elements of a float32 tensor; throws `invalid-model` when it is none, or kept elsewhere. */
export function floatsIn(tensor: OnnxTensor): Float32Array {
  demand(tensor, tensor.elementType === elementTypes.float32, 'float32');
  return new Float32Array(tensor.data.slice().buffer);
}

/** Elements of an int64 or int32 tensor as numbers; throws `invalid-model` like `floatsIn`. */
export function intsIn(tensor: OnnxTensor): number[] {
  const { int32, int64 } = elementTypes;
  const { elementType } = tensor;
  demand(tensor, elementType === int64 || elementType === int32, 'int64 or int32');
  const { buffer } = tensor.data.slice();
  if (elementType === int32) return [...new Int32Array(buffer)];
  return Array.from(new BigInt64Array(buffer), Number);
}

/** Bytes of one element by the number of its type; types without a fixed width are not here. */
const widths: Readonly<Record<number, number>> = {
  1: 4,
  2: 1,
  3: 1,
  4: 2,
  5: 2,
  6: 4,
  7: 8,
  9: 1,
  10: 2,
  11: 8,
  12: 4,
  13: 8,
  16: 2,
};

/** True when a tensor holds as many bytes as its shape needs (or its type has no fixed width). */
export function isWhole({ elementType, shape, data }: OnnxTensor): boolean {
  const width = widths[elementType];
  const count = shape.reduce((product, size) => product * size, 1);
  return width === undefined || data.length === count * width;
}

function demand(tensor: OnnxTensor, typed: boolean, wanted: string): void {
  const { name, elementType, rest } = tensor;
  if (typed && isWhole(tensor)) return;
  const got = typed ? `${tensor.data.length} bytes` : `element type ${elementType}`;
  const where = rest.length > 0 && tensor.data.length === 0 ? ' kept outside of the file' : '';
  throw invalidModel(`tensor "${name.slice(0, 40)}" expected ${wanted}, got ${got}${where}`);
}
