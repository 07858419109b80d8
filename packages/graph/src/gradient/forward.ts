/** What of a model takes part: the scores, the nodes that lead to them, constants and weights. */
import { GraphError } from '../error.ts';
import {
  elementTypes,
  int,
  node,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import type { Shape } from './emitter.ts';
import { flat, straightThrough } from './operators/status.ts';

/** Which value of a model its loss is of. */
export interface ScoresOptions {
  /** Name of an output; default: the first float32 output [N, K]. */
  readonly output: string | null;
  /** The least number of scores that the loss needs. */
  readonly classesMin: number;
}

/**
 * The value with scores [N, K], and the nodes that lead to it; a softmax over the classes that
 * ends the model is left out, and a named output of another rank is flattened. Throws
 * `shape-mismatch` when the model is no classifier.
 */
export function scoresOf(
  { graph }: OnnxModel,
  shapes: ReadonlyMap<string, Shape>,
  { output: asked, classesMin }: ScoresOptions,
): { scores: string; rows: number; classes: number; nodes: readonly OnnxNode[] } {
  const output = graph.outputs.find(({ name, elementType }) => {
    if (asked !== null) return name === asked;
    return elementType === elementTypes.float32 && shapes.get(name)?.length === 2;
  });
  if (output === undefined) {
    const wanted = asked === null ? 'a float32 output of scores [N, classes]' : `output "${asked}"`;
    const has = graph.outputs.map(({ name }) => `"${name}" [${shapes.get(name)?.join(', ')}]`);
    throw new GraphError('shape-mismatch', `expected ${wanted}, got ${has.join(', ')}`, {
      hint: 'name the output to differentiate',
    });
  }
  const shape = shapes.get(output.name) ?? [];
  const [rows = 0, ...others] = shape;
  const classes = others.reduce((product, size) => product * size, 1);
  if (shape.length === 0 || classes < classesMin) {
    const got = `expected scores of two classes or more, got ${classes}`;
    throw new GraphError('shape-mismatch', `output "${output.name}" ${got}`, {
      hint: 'export a score for each class, also where there are only two',
    });
  }
  const last = graph.nodes.find((each) => each.outputs.includes(output.name));
  if (shape.length !== 2) {
    const scores = 'merlon/flat-scores';
    const flat = node('Flatten', [output.name], [scores], { axis: int(1) });
    return { scores, rows, classes, nodes: [...needed(graph.nodes, output.name), flat] };
  }
  const scores = isHead(last) ? (last?.inputs[0] ?? output.name) : output.name;
  return { scores, rows, classes, nodes: needed(graph.nodes, scores) };
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
export function captured(node: OnnxNode): string[] {
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
  GRU: [1, 2, 3],
  Gemm: [0, 1, 2],
  GroupNormalization: [1, 2],
  InstanceNormalization: [1, 2],
  LSTM: [1, 2, 3, 7],
  LayerNormalization: [1, 2],
  MatMul: [0, 1],
  PRelu: [1],
  RMSNormalization: [1],
  RNN: [1, 2, 3],
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

/** The values that a gradient reaches, and where it is not the true one. */
export interface Reach {
  readonly values: ReadonlySet<string>;
  readonly approximations: readonly Approximation[];
}

/** A node whose gradient is not the true one, or that stops it. */
export interface Approximation {
  readonly operator: string;
  readonly node: string;
  /** `straight-through`: as if it rounded nothing. `zero`: it is flat, so nothing flows back. */
  readonly kind: 'straight-through' | 'zero';
}

/** Follows floats, and whole numbers that stand for quantised floats, from the wanted values on. */
export function reachOf(
  nodes: readonly OnnxNode[],
  wanted: readonly string[],
  types: ReadonlyMap<string, number>,
): Reach {
  const values = new Set(wanted);
  const approximations: Approximation[] = [];
  const isFloat = (name: string): boolean =>
    (types.get(name) ?? elementTypes.float32) === elementTypes.float32;
  for (const each of nodes) {
    const reaching = [...each.inputs, ...captured(each)].filter((name) => values.has(name));
    if (reaching.length === 0) continue;
    const { operator, name } = each;
    const rounds = straightThrough.has(operator);
    const quantised = reaching.some((input) => !isFloat(input));
    const passed = (rounds ? each.outputs.slice(0, 1) : each.outputs).filter((output) => {
      return rounds || isFloat(output) || (quantised && movers.has(operator));
    });
    if (rounds) approximations.push({ operator, node: name, kind: 'straight-through' });
    else if (flat.has(operator) || (operator === 'Cast' && passed.length === 0)) {
      approximations.push({ operator, node: name, kind: 'zero' });
      continue;
    }
    for (const output of passed) values.add(output);
  }
  return { values, approximations };
}

/** Operators that move elements, also where these are whole numbers. */
const movers: ReadonlySet<string> = new Set([
  ...['Concat', 'Expand', 'Flatten', 'Gather', 'Identity', 'MaxPool', 'Pad', 'Relu', 'Reshape'],
  ...['Slice', 'Split', 'Squeeze', 'Transpose', 'Unsqueeze', 'DepthToSpace', 'SpaceToDepth'],
]);
