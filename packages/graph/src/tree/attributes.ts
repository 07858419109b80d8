/** Attributes of tree operators as plain lists, and refusals that name what is not understood. */
import { fromUtf8 } from '@merlon/core';
import { GraphError, invalidModel } from '../error.ts';
import { elementTypes, floatsIn, type OnnxNode, type OnnxTensor } from '../onnx/model.ts';
import { wireFields } from '../proto/wire.ts';

const stringsField = 9;

/** A part of a model of trees that is not understood; the message names it. */
export function notUnderstood(node: OnnxNode, why: string): GraphError {
  const name = node.name || node.outputs[0] || '';
  const message = `operator "${node.operator}" (node "${name.slice(0, 60)}") cannot be read`;
  return new GraphError('unsupported-operator', `${message}: ${why}`, {
    hint: 'use decision-based attacks, which need no trees',
  });
}

/** A list of numbers, floats or integers; empty when the attribute is absent. */
export function numbers(node: OnnxNode, name: string): readonly number[] {
  const attribute = node.attributes[name];
  if (attribute === undefined) return [];
  if (attribute.kind === 'floats' || attribute.kind === 'ints') return attribute.value;
  throw invalidModel(`attribute "${name}" expected numbers, got ${attribute.kind}`);
}

/** A single number, or undefined when it is absent. */
export function number(node: OnnxNode, name: string): number | undefined {
  const attribute = node.attributes[name];
  if (attribute === undefined) return undefined;
  if (attribute.kind === 'float' || attribute.kind === 'int') return attribute.value;
  throw invalidModel(`attribute "${name}" expected a number, got ${attribute.kind}`);
}

/** A text, or the one given when it is absent. */
export function textOr(node: OnnxNode, name: string, fallback: string): string {
  const attribute = node.attributes[name];
  if (attribute === undefined) return fallback;
  if (attribute.kind === 'string') return fromUtf8(attribute.value);
  throw invalidModel(`attribute "${name}" expected a text, got ${attribute.kind}`);
}

/** A list of texts; empty when the attribute is absent. */
export function texts(node: OnnxNode, name: string): string[] {
  const attribute = node.attributes[name];
  if (attribute === undefined) return [];
  if (attribute.kind !== 'raw') {
    throw invalidModel(`attribute "${name}" expected texts, got ${attribute.kind}`);
  }
  const found: string[] = [];
  for (const field of wireFields(attribute.value)) {
    if (field.number === stringsField) found.push(fromUtf8(field.bytes));
  }
  return found;
}

/** A constant tensor, or undefined when the attribute is absent. */
export function tensorOf(node: OnnxNode, name: string): OnnxTensor | undefined {
  const attribute = node.attributes[name];
  if (attribute === undefined) return undefined;
  if (attribute.kind === 'tensor') return attribute.value;
  throw invalidModel(`attribute "${name}" expected a tensor, got ${attribute.kind}`);
}

/** The float32 elements of a tensor attribute; other float types are refused by name. */
export function floatTensorOf(node: OnnxNode, name: string): Float32Array {
  const tensor = tensorOf(node, name);
  if (tensor === undefined) return new Float32Array(0);
  if (tensor.elementType !== elementTypes.float32) {
    throw notUnderstood(node, `"${name}" has element type ${tensor.elementType}, not float32`);
  }
  return floatsIn(tensor);
}
