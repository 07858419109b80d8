/** A copy of a model that computes in float32, whatever floats it had. */
import {
  elementTypes,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../../onnx/model.ts';

const { float16, float32, float64 } = elementTypes;
const bfloat16 = 16;
const others: ReadonlySet<number> = new Set([float16, float64, bfloat16]);

/**
 * The model with every float16, bfloat16 and float64 tensor, cast, input and output as float32;
 * a model that has none of them is returned as it is. Gradients are those of this copy.
 */
export function floatCopy(model: OnnxModel): OnnxModel {
  const graph = copyGraph(model.graph);
  return graph === model.graph ? model : { ...model, graph };
}

function copyGraph(graph: OnnxGraph): OnnxGraph {
  const initializers = mapped(graph.initializers, copyTensor);
  const nodes = mapped(graph.nodes, copyNode);
  const inputs = mapped(graph.inputs, copyValue);
  const outputs = mapped(graph.outputs, copyValue);
  const same =
    initializers === graph.initializers &&
    nodes === graph.nodes &&
    inputs === graph.inputs &&
    outputs === graph.outputs;
  return same ? graph : { ...graph, initializers, nodes, inputs, outputs, values: [] };
}

/** The same list when nothing changed. */
function mapped<T>(list: readonly T[], change: (of: T) => T): readonly T[] {
  const changed = list.map(change);
  return changed.every((each, i) => each === list[i]) ? list : changed;
}

function copyValue(value: OnnxValue): OnnxValue {
  if (!others.has(value.elementType)) return value;
  const { name, shape } = value;
  return { name, shape, elementType: float32 };
}

/** Attributes that name an element type. */
const typeAttributes: ReadonlySet<string> = new Set([
  'to',
  'dtype',
  'output_dtype',
  'softmax_precision',
]);

function copyNode(node: OnnxNode): OnnxNode {
  const entries = Object.entries(node.attributes);
  const copies = entries.map(([name, attribute]) => copyAttribute(name, attribute));
  if (copies.every((copy, i) => copy === entries[i]?.[1])) return node;
  const attributes = Object.fromEntries(
    entries.map(([name, attribute], i) => [name, copies[i] ?? attribute]),
  );
  return { ...node, attributes };
}

function copyAttribute(name: string, attribute: OnnxAttribute): OnnxAttribute {
  if (attribute.kind === 'tensor') {
    const value = copyTensor(attribute.value);
    return value === attribute.value ? attribute : { kind: 'tensor', value };
  }
  if (attribute.kind === 'graph') {
    const value = copyGraph(attribute.value);
    return value === attribute.value ? attribute : { kind: 'graph', value };
  }
  const isType = attribute.kind === 'int' && typeAttributes.has(name);
  return isType && others.has(attribute.value) ? { kind: 'int', value: float32 } : attribute;
}

function copyTensor(tensor: OnnxTensor): OnnxTensor {
  const { name, elementType, shape, data } = tensor;
  if (!others.has(elementType)) return tensor;
  const bytes = data.slice();
  const count = bytes.length / (elementType === float64 ? 8 : 2);
  const values = new Float32Array(count);
  if (elementType === float64) values.set(new Float64Array(bytes.buffer));
  else {
    const words = new Uint16Array(bytes.buffer);
    for (const [i, word] of words.entries()) {
      values[i] = elementType === bfloat16 ? fromBrain(word) : fromHalf(word);
    }
  }
  return {
    name,
    elementType: float32,
    shape,
    data: new Uint8Array(values.buffer),
    rest: tensor.rest,
  };
}

/** bfloat16: the upper half of a float32. */
function fromBrain(word: number): number {
  return new Float32Array(Uint32Array.of(word * 65536).buffer)[0] ?? 0;
}

/** IEEE 754 binary16. */
function fromHalf(word: number): number {
  const sign = word >= 0x8000 ? -1 : 1;
  const exponent = (word >> 10) & 0x1f;
  const fraction = word & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}
