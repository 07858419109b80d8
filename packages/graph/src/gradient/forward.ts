/** What of a model takes part: the scores, the nodes that lead to them, constants and weights. */
import { GraphError } from '../error.ts';
import {
  elementTypes,
  floatTensor,
  intTensor,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import type { Shape } from './builder.ts';

/**
 * The output with scores [N, K], and the nodes that lead to it; a softmax over the classes that
 * ends the model is left out. Throws `shape-mismatch` when the model is no classifier.
 */
export function scoresOf(
  { graph }: OnnxModel,
  shapes: ReadonlyMap<string, Shape>,
): { scores: string; nodes: readonly OnnxNode[] } {
  const output = graph.outputs.find(({ name, elementType }) => {
    return elementType === elementTypes.float32 && shapes.get(name)?.length === 2;
  });
  if (output === undefined) {
    throw new GraphError('shape-mismatch', 'expected a float32 output of scores [N, classes]');
  }
  const classes = shapes.get(output.name)?.[1] ?? 0;
  if (classes < 2) {
    const got = `expected scores of two classes or more, got ${classes}`;
    throw new GraphError('shape-mismatch', `output "${output.name}" ${got}`, {
      hint: 'export a score for each class, also where there are only two',
    });
  }
  const last = graph.nodes.find((node) => node.outputs.includes(output.name));
  const scores = isHead(last) ? (last?.inputs[0] ?? output.name) : output.name;
  return { scores, nodes: needed(graph.nodes, scores) };
}

/** A softmax over the second of two axes. */
function isHead(node: OnnxNode | undefined): boolean {
  if (node?.operator !== 'Softmax' && node?.operator !== 'LogSoftmax') return false;
  const { axis } = node.attributes;
  return axis?.kind !== 'int' || axis.value === 1 || axis.value === -1;
}

/** The nodes that a value depends on, in their order. */
function needed(nodes: readonly OnnxNode[], value: string): OnnxNode[] {
  const wanted = new Set([value]);
  const kept: OnnxNode[] = [];
  for (const node of [...nodes].reverse()) {
    if (!node.outputs.some((output) => wanted.has(output))) continue;
    kept.push(node);
    for (const input of [...node.inputs, ...captured(node)]) wanted.add(input);
  }
  return kept.reverse();
}

/** Names of all values that nodes take, those of the graphs inside them too. */
export function usedBy(nodes: readonly OnnxNode[]): ReadonlySet<string> {
  return new Set(nodes.flatMap((node) => [...node.inputs, ...captured(node)]));
}

/** Names that the graphs inside a node may take from outside. */
function captured(node: OnnxNode): string[] {
  return Object.values(node.attributes).flatMap((attribute) => {
    if (attribute.kind !== 'graph') return [];
    const { nodes, outputs } = attribute.value;
    const inner = nodes.flatMap((each) => [...each.inputs, ...captured(each)]);
    return [...inner, ...outputs.map((output) => output.name)];
  });
}

/** Inputs that are weights, by operator. */
const weightInputs: Readonly<Record<string, readonly number[]>> = {
  BatchNormalization: [1, 2],
  Conv: [1, 2],
  ConvTranspose: [1, 2],
  Gemm: [0, 1, 2],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  PRelu: [1],
};

/**
 * Weights, biases, scales of the layers that lead to the scores; other constants (statistics,
 * scaling of inputs) stay as they are.
 */
export function trainable({ graph }: OnnxModel, nodes: readonly OnnxNode[]): OnnxTensor[] {
  const products = new Set(
    nodes.flatMap(({ operator, outputs }) => (operator === 'MatMul' ? outputs : [])),
  );
  const layered = new Set(
    nodes.flatMap(({ operator, inputs }) => {
      // Exporters write a linear layer over several axes as a product and a sum.
      const isBias = operator === 'Add' && inputs.some((input) => products.has(input));
      const indices = isBias ? [0, 1] : (weightInputs[operator] ?? []);
      return indices.map((index) => inputs[index] ?? '');
    }),
  );
  return graph.initializers.filter(
    ({ name, elementType }) => layered.has(name) && elementType === elementTypes.float32,
  );
}

/** Initializers and the outputs of Constant nodes. */
export function constantsOf(graph: OnnxGraph): ReadonlyMap<string, OnnxTensor> {
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const node of graph.nodes) {
    const [output] = node.outputs;
    // Exporters that find two equal constants keep one and name it twice.
    const same = node.operator === 'Identity' ? constants.get(node.inputs[0] ?? '') : undefined;
    const tensor = node.operator === 'Constant' ? constantOf(node) : same;
    if (tensor && output !== undefined) constants.set(output, tensor);
  }
  return constants;
}

function constantOf({ attributes }: OnnxNode): OnnxTensor | null {
  const [name = '', given] = Object.entries(attributes)[0] ?? [];
  if (given?.kind === 'tensor') return given.value;
  if (given?.kind === 'float') return floatTensor(name, [], [given.value]);
  if (given?.kind === 'floats') return floatTensor(name, [given.value.length], given.value);
  if (given?.kind === 'int') return intTensor(name, [], [given.value]);
  if (given?.kind === 'ints') return intTensor(name, [given.value.length], given.value);
  return null;
}
