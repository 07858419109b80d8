/** Reads ONNX files (onnx.proto3) with bounds on depth and counts; unknown fields are kept. */
import { concat } from '@merlon/core';
import { invalidModel } from '../error.ts';
import {
  type PartBudget,
  packedVarints,
  signed,
  small,
  spend,
  text,
  varint,
  type WireField,
  wireFields,
} from '../proto/wire.ts';
import {
  isWhole,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from './model.ts';
import { typedData } from './tensor-data.ts';

const depthMax = 16;
/** Nodes, names, attributes and unknown fields together; large language models have 200,000. */
const partsMax = 1_000_000;

/** Where a reader stands. */
interface Place {
  readonly depth: number;
  readonly budget: PartBudget;
}

/**
 * The model of a file; throws `invalid-model` for anything that is not one, `too-large` when its
 * parts would take far more memory than the file. Tensors share memory with the file.
 */
export function readOnnx(file: Uint8Array): OnnxModel {
  // A Buffer's slice shares its memory, an array's copies; everything below counts on copies.
  const bytes = new Uint8Array(file.buffer, file.byteOffset, file.byteLength);
  let irVersion = 0;
  let producer = '';
  let graph: OnnxGraph | null = null;
  const opsets: { domain: string; version: number }[] = [];
  const rest: Uint8Array[] = [];
  const budget: PartBudget = { left: partsMax };
  for (const field of wireFields(bytes, budget)) {
    if (field.number === 1) irVersion = small(field);
    else if (field.number === 2) producer = text(field);
    else if (field.number === 7) graph = readGraph(content(field), { depth: 0, budget });
    else if (field.number === 8) opsets.push(readOpset(content(field)));
    else rest.push(fieldAsCame(field));
  }
  if (graph === null) throw invalidModel('it has no graph');
  if (irVersion < 3 || irVersion > 100) throw invalidModel(`IR version ${irVersion}`);
  return { irVersion, opsets, producer, graph, rest: concat(rest) };
}

/** An OperatorSetIdProto. */
export function readOpset(bytes: Uint8Array): { domain: string; version: number } {
  let domain = '';
  let version = 0;
  for (const field of wireFields(bytes)) {
    if (field.number === 1) domain = text(field);
    else if (field.number === 2) version = small(field);
  }
  return { domain, version };
}

function readGraph(bytes: Uint8Array, place: Place): OnnxGraph {
  if (place.depth > depthMax) throw invalidModel(`graphs nested deeper than ${depthMax}`);
  let name = '';
  const nodes: OnnxNode[] = [];
  const initializers: OnnxTensor[] = [];
  const lists: Record<11 | 12 | 13, OnnxValue[]> = { 11: [], 12: [], 13: [] };
  const rest: Uint8Array[] = [];
  for (const field of wireFields(bytes, place.budget)) {
    if (field.number === 1) nodes.push(readNode(content(field), place));
    else if (field.number === 2) name = text(field);
    else if (field.number === 5) initializers.push(readTensor(content(field), place.budget));
    else if (field.number === 11 || field.number === 12 || field.number === 13) {
      lists[field.number].push(readValue(content(field), place.budget));
    } else rest.push(fieldAsCame(field));
  }
  const { 11: inputs, 12: outputs, 13: values } = lists;
  return { name, nodes, initializers, inputs, outputs, values, rest: concat(rest) };
}

/** Where a message that is read alone begins. */
function alone(): Place {
  return { depth: 0, budget: { left: partsMax } };
}

/** A NodeProto. */
export function readNode(bytes: Uint8Array, place: Place = alone()): OnnxNode {
  const inputs: string[] = [];
  const outputs: string[] = [];
  // Without a prototype, an attribute may have any name.
  const attributes: Record<string, OnnxAttribute> = Object.create(null);
  const rest: Uint8Array[] = [];
  let name = '';
  let operator = '';
  let domain = '';
  for (const field of wireFields(bytes, place.budget)) {
    if (field.number === 1) inputs.push(text(field));
    else if (field.number === 2) outputs.push(text(field));
    else if (field.number === 3) name = text(field);
    else if (field.number === 4) operator = text(field);
    else if (field.number === 7) domain = text(field);
    else if (field.number === 5) {
      const [key, value] = readAttribute(content(field), place);
      attributes[key] = value;
    } else rest.push(fieldAsCame(field));
  }
  return {
    name,
    operator,
    domain: domain === 'ai.onnx' ? '' : domain,
    inputs,
    outputs,
    attributes,
    ...(rest.length > 0 && { rest: concat(rest) }),
  };
}

/** Attribute kinds by their number in AttributeProto. */
const kinds = {
  1: 'float',
  2: 'int',
  3: 'string',
  4: 'tensor',
  5: 'graph',
  6: 'floats',
  7: 'ints',
};

/** An AttributeProto with its name; one that stands for another of a function's call stays raw. */
export function readAttribute(
  bytes: Uint8Array,
  { depth, budget }: Place = alone(),
): [string, OnnxAttribute] {
  const floats: number[] = [];
  const integers: bigint[] = [];
  let name = '';
  let type = 0;
  const single = new Map<number, WireField>();
  for (const field of wireFields(bytes)) {
    if (field.number === 1) name = text(field);
    else if (field.number === 20) type = small(field);
    else if (field.number === 7) for (const each of floatsOf(field.bytes)) floats.push(each);
    else if (field.number === 8) for (const each of packedVarints(field)) integers.push(each);
    else {
      spend(budget);
      single.set(field.number, field);
    }
  }
  if (single.has(21)) return [name, { kind: 'raw', value: bytes }];
  const kind = (kinds as Record<number, string>)[type];
  const field = (number: number): WireField => {
    const found = single.get(number);
    if (found === undefined) throw invalidModel(`attribute "${name.slice(0, 40)}" has no value`);
    return found;
  };
  if (kind === 'float') return [name, { kind, value: floatsOf(single.get(2)?.bytes)[0] ?? 0 }];
  if (kind === 'int') {
    const whole = single.get(3);
    const value = whole === undefined ? 0n : signed(whole);
    if (fitsNumber(value)) return [name, { kind, value: Number(value) }];
  }
  if (kind === 'string') return [name, { kind, value: single.get(4)?.bytes ?? new Uint8Array(0) }];
  if (kind === 'tensor') return [name, { kind, value: readTensor(content(field(5)), budget) }];
  if (kind === 'graph') {
    return [name, { kind, value: readGraph(content(field(6)), { depth: depth + 1, budget }) }];
  }
  if (kind === 'floats') return [name, { kind, value: floats }];
  if (kind === 'ints' && integers.every(fitsNumber)) {
    return [name, { kind, value: integers.map(Number) }];
  }
  return [name, { kind: 'raw', value: bytes }];
}

const int64Max = 2n ** 63n - 1n;

/** True when a number holds the integer; the greatest, which means "to the end", is let through. */
function fitsNumber(value: bigint): boolean {
  return value === int64Max || BigInt(Number(value)) === value;
}

/** A TensorProto; typed fields become raw little-endian data. */
function readTensor(bytes: Uint8Array, budget: PartBudget): OnnxTensor {
  const shape: number[] = [];
  let name = '';
  let elementType = 0;
  let raw: Uint8Array | null = null;
  const typed: WireField[] = [];
  const rest: Uint8Array[] = [];
  for (const field of wireFields(bytes, budget)) {
    if (field.number === 1) for (const axis of packedVarints(field)) shape.push(Number(axis));
    else if (field.number === 2) elementType = small(field);
    else if (field.number === 8) name = text(field);
    else if (field.number === 9) raw = content(field);
    else if ([4, 5, 7, 10, 11].includes(field.number)) typed.push(field);
    else rest.push(fieldAsCame(field));
  }
  if (shape.some((axis) => !Number.isSafeInteger(axis) || axis < 0)) {
    throw invalidModel(`tensor "${name.slice(0, 40)}" has a negative axis`);
  }
  const data = raw ?? typedData(typed, elementType);
  const tensor = { name, elementType, shape, data, rest: concat(rest) };
  if (rest.length === 0 && !isWhole(tensor)) {
    const got = `${data.length} bytes for [${shape.slice(0, 8).join(', ')}]`;
    throw invalidModel(`tensor "${name.slice(0, 40)}" has ${got}`);
  }
  return tensor;
}

function readValue(bytes: Uint8Array, budget: PartBudget): OnnxValue {
  let name = '';
  const others: Uint8Array[] = [];
  let rawType: Uint8Array = new Uint8Array(0);
  let tensor: { elementType: number; shape: OnnxValue['shape'] } | null = null;
  for (const field of wireFields(bytes, budget)) {
    if (field.number === 1) name = text(field);
    else if (field.number === 2) {
      rawType = content(field);
      tensor = readTensorType(rawType, budget);
    } else others.push(fieldAsCame(field));
  }
  const rest = others.length > 0 && { rest: concat(others) };
  if (tensor === null) return { name, elementType: 0, shape: null, rawType, ...rest };
  return { name, ...tensor, ...rest };
}

function readTensorType(
  bytes: Uint8Array,
  budget: PartBudget,
): { elementType: number; shape: OnnxValue['shape'] } | null {
  for (const field of wireFields(bytes)) {
    if (field.number !== 1) continue;
    let elementType = 0;
    let shape: (number | string | null)[] | null = null;
    for (const inner of wireFields(content(field))) {
      if (inner.number === 1) elementType = small(inner);
      else if (inner.number === 2) {
        const axes = [...wireFields(content(inner), budget)];
        shape = axes.map((axis) => readAxis(content(axis)));
      }
    }
    return { elementType, shape };
  }
  return null;
}

function readAxis(bytes: Uint8Array): number | string | null {
  for (const field of wireFields(bytes)) {
    if (field.number === 1) return small(field);
    if (field.number === 2) return text(field);
  }
  return null;
}

function content(field: WireField): Uint8Array {
  if (field.kind !== 'bytes') throw invalidModel(`field ${field.number} expected a message`);
  return field.bytes;
}

function floatsOf(bytes: Uint8Array | undefined): number[] {
  if (bytes === undefined) return [];
  if (bytes.length % 4 !== 0) throw invalidModel('floats of a broken length');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return Array.from({ length: bytes.length / 4 }, (_, i) => view.getFloat32(i * 4, true));
}

const wireOf = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const;

/** A field as it stood on the wire. */
export function fieldAsCame(field: WireField): Uint8Array {
  const tag = varint(BigInt(field.number) * 8n + BigInt(wireOf[field.kind]));
  if (field.kind === 'varint') return concat([tag, varint(field.integer)]);
  if (field.kind === 'bytes') {
    return concat([tag, varint(BigInt(field.bytes.length)), field.bytes]);
  }
  return concat([tag, field.bytes]);
}
