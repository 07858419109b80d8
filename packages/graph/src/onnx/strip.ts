/**
 * A model without what plays no part in running it: documentation, properties, the name and paths
 * of whoever exported it (onnx.proto3: ModelProto, GraphProto, NodeProto, ValueInfoProto).
 */
import { concat } from '@merlon/core';
import { wireFields } from '../proto/wire.ts';
import type {
  OnnxAttribute,
  OnnxGraph,
  OnnxModel,
  OnnxNode,
  OnnxTensor,
  OnnxValue,
} from './model.ts';
import { fieldAsCame } from './read.ts';

/** Fields that are kept of what has no place of its own in this package. */
const kept = {
  /** functions */
  model: new Set([25]),
  /** quantization_annotation, sparse_initializer */
  graph: new Set([14, 15]),
  /** overload */
  node: new Set([8]),
} as const;

/** doc_string and metadata_props; a tensor's other fields are its elements. */
const droppedOfTensor: ReadonlySet<number> = new Set([12, 16]);

/** The model, and how many documents and properties were taken from it. */
export function stripped(model: OnnxModel): {
  readonly model: OnnxModel;
  readonly removed: number;
} {
  const count = { removed: model.producer === '' ? 0 : 1 };
  const graph = strippedGraph(model.graph, count);
  const rest = only(model.rest, kept.model, count);
  return { model: { ...model, producer: '', graph, rest }, removed: count.removed };
}

function strippedGraph(graph: OnnxGraph, count: { removed: number }): OnnxGraph {
  return {
    ...graph,
    nodes: graph.nodes.map((node) => strippedNode(node, count)),
    initializers: graph.initializers.map((tensor) => strippedTensor(tensor, count)),
    inputs: graph.inputs.map((value) => strippedValue(value, count)),
    outputs: graph.outputs.map((value) => strippedValue(value, count)),
    values: graph.values.map((value) => strippedValue(value, count)),
    rest: only(graph.rest, kept.graph, count),
  };
}

function strippedValue({ rest, ...value }: OnnxValue, count: { removed: number }): OnnxValue {
  if (rest !== undefined && rest.length > 0) count.removed++;
  return value;
}

function strippedNode(node: OnnxNode, count: { removed: number }): OnnxNode {
  const attributes = Object.entries(node.attributes).map(([name, attribute]) => {
    return [name, strippedAttribute(attribute, count)] as const;
  });
  const { rest, ...own } = node;
  const left = rest === undefined ? undefined : only(rest, kept.node, count);
  return {
    ...own,
    attributes: Object.fromEntries(attributes),
    ...(left !== undefined && left.length > 0 && { rest: left }),
  };
}

function strippedAttribute(attribute: OnnxAttribute, count: { removed: number }): OnnxAttribute {
  if (attribute.kind === 'graph') {
    return { kind: 'graph', value: strippedGraph(attribute.value, count) };
  }
  if (attribute.kind !== 'tensor') return attribute;
  return { kind: 'tensor', value: strippedTensor(attribute.value, count) };
}

function strippedTensor(tensor: OnnxTensor, count: { removed: number }): OnnxTensor {
  if (tensor.rest.length === 0) return tensor;
  const rest = filtered(tensor.rest, (number) => !droppedOfTensor.has(number), count);
  return { ...tensor, rest };
}

function only(
  rest: Uint8Array,
  wanted: ReadonlySet<number>,
  count: { removed: number },
): Uint8Array {
  return filtered(rest, (number) => wanted.has(number), count);
}

function filtered(
  rest: Uint8Array,
  keeps: (number: number) => boolean,
  count: { removed: number },
): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const field of wireFields(rest)) {
    if (keeps(field.number)) parts.push(fieldAsCame(field));
    else count.removed++;
  }
  return concat(parts);
}
