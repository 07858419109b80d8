/** Writes models back as ONNX files. */
import { type Bytes, concat } from '@merlon/core';
import { varint, WireWriter } from '../proto/wire.ts';
import type {
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValue,
} from './model.ts';

/** The file of a model. */
export function writeOnnx(model: OnnxModel): Bytes {
  const out = new WireWriter().integer(1, model.irVersion).text(2, model.producer);
  out.message(7, graphOf(model.graph));
  for (const { domain, version } of model.opsets) {
    out.message(8, new WireWriter().text(1, domain).integer(2, version));
  }
  return out.raw(model.rest).finish();
}

function graphOf(graph: OnnxGraph): WireWriter {
  const out = new WireWriter();
  for (const node of graph.nodes) out.message(1, nodeOf(node));
  out.text(2, graph.name);
  for (const tensor of graph.initializers) out.message(5, tensorOf(tensor));
  for (const value of graph.inputs) out.message(11, valueInfoOf(value));
  for (const value of graph.outputs) out.message(12, valueInfoOf(value));
  for (const value of graph.values) out.message(13, valueInfoOf(value));
  return out.raw(graph.rest);
}

function nodeOf(node: OnnxNode): WireWriter {
  const out = new WireWriter();
  // An input that was left out is an empty name, which must still be written.
  for (const input of node.inputs) out.bytes(1, new TextEncoder().encode(input));
  for (const output of node.outputs) out.bytes(2, new TextEncoder().encode(output));
  out.text(3, node.name).text(4, node.operator);
  for (const [name, attribute] of Object.entries(node.attributes)) {
    out.message(5, attributeOf(name, attribute));
  }
  out.text(7, node.domain);
  return node.rest === undefined ? out : out.raw(node.rest);
}

function attributeOf(name: string, attribute: OnnxAttribute): WireWriter {
  if (attribute.kind === 'raw') return new WireWriter().raw(attribute.value);
  const out = new WireWriter().text(1, name);
  switch (attribute.kind) {
    case 'float':
      return out.float(2, attribute.value).integer(20, 1);
    case 'int':
      return out.integer(3, whole(attribute.value)).integer(20, 2);
    case 'string':
      return out.bytes(4, attribute.value).integer(20, 3);
    case 'tensor':
      return out.message(5, tensorOf(attribute.value)).integer(20, 4);
    case 'graph':
      return out.message(6, graphOf(attribute.value)).integer(20, 5);
    case 'floats':
      // Packed lists, which every parser takes, are a quarter shorter.
      return out.bytes(7, new Uint8Array(Float32Array.from(attribute.value).buffer)).integer(20, 6);
    case 'ints':
      return out.bytes(8, concat(attribute.value.map(packedInteger))).integer(20, 7);
  }
}

/** 2^63 stands for the greatest integer, which a number cannot hold. */
function whole(value: number): number | bigint {
  return value >= 2 ** 63 ? 2n ** 63n - 1n : value;
}

function packedInteger(value: number): Uint8Array {
  return varint(BigInt(whole(value)));
}

function tensorOf(tensor: OnnxTensor): WireWriter {
  const out = new WireWriter();
  for (const axis of tensor.shape) out.integer(1, axis);
  out.integer(2, tensor.elementType).text(8, tensor.name);
  // A tensor whose elements are in kept fields (strings, external data) has no raw data.
  if (tensor.rest.length === 0 || tensor.data.length > 0) out.bytes(9, tensor.data);
  return out.raw(tensor.rest);
}

function valueInfoOf(value: OnnxValue): WireWriter {
  const out = new WireWriter().text(1, value.name).bytes(2, typeOf(value));
  return value.rest === undefined ? out : out.raw(value.rest);
}

function typeOf(value: OnnxValue): Uint8Array {
  if (value.rawType !== undefined) return value.rawType;
  const tensor = new WireWriter().integer(1, value.elementType);
  if (value.shape !== null) {
    const shape = new WireWriter();
    for (const axis of value.shape) {
      const one = new WireWriter();
      if (typeof axis === 'number') one.integer(1, axis);
      else if (axis !== null) one.text(2, axis);
      shape.message(1, one);
    }
    tensor.message(2, shape);
  }
  return new WireWriter().message(1, tensor).finish();
}
