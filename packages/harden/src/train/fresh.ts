/** A model as it was before it learnt anything: weights drawn anew, statistics forgotten. */
import type { Random } from '@merlon/core';
import {
  elementTypes,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  readOnnx,
  writeOnnx,
} from '@merlon/graph';

/** How a tensor begins: all of one value, or uniform within ±bound. */
type Beginning = { readonly all: number } | { readonly bound: number };

type ByShape = (shape: readonly number[], node: OnnxNode) => Beginning;

const product = (sizes: readonly number[]): number => sizes.reduce((all, size) => all * size, 1);
const all =
  (value: number): ByShape =>
  () => ({ all: value });
/** What PyTorch's layers begin with: uniform within ±1/√inputs (He et al. 2015, gain 1/√3). */
const inputs = (count: (shape: readonly number[], node: OnnxNode) => number): ByShape => {
  return (shape, node) => ({ bound: 1 / Math.sqrt(Math.max(1, count(shape, node))) });
};

const convolution = inputs((shape) => product(shape.slice(1)));
const statistics = [all(1), all(0)];

/** By operator, the beginnings of its inputs from the second on. */
const beginnings: Readonly<Record<string, readonly ByShape[]>> = {
  Conv: [convolution, all(0)],
  ConvTranspose: [convolution, all(0)],
  Gemm: [inputs((shape, node) => shape[isTransposed(node) ? 1 : 0] ?? 1), all(0)],
  MatMul: [inputs((shape) => shape.at(-2) ?? 1)],
  BatchNormalization: [...statistics, all(0), all(1)],
  LayerNormalization: statistics,
  InstanceNormalization: statistics,
  GroupNormalization: statistics,
  PRelu: [all(0.25)],
};

/** The file with fresh weights, and the names of tensors that were begun anew. */
export function freshModel(
  bytes: Uint8Array,
  random: Random,
): { readonly model: Uint8Array; readonly begun: ReadonlySet<string> } {
  const model = readOnnx(bytes);
  const begun = beginningsIn(model);
  const initializers = model.graph.initializers.map((tensor) => {
    const beginning = begun.get(tensor.name);
    return beginning === undefined ? tensor : begin(tensor, beginning, random);
  });
  const written = writeOnnx({ ...model, graph: { ...model.graph, initializers } });
  return { model: written, begun: new Set(begun.keys()) };
}

function beginningsIn({ graph }: OnnxModel): Map<string, Beginning> {
  const shapes = new Map(
    graph.initializers
      .filter(({ elementType }) => elementType === elementTypes.float32)
      .map(({ name, shape }) => [name, shape]),
  );
  const products = new Set(
    graph.nodes.flatMap(({ operator, outputs }) => (operator === 'MatMul' ? outputs : [])),
  );
  const begun = new Map<string, Beginning>();
  for (const each of graph.nodes) {
    // Exporters write a linear layer over several axes as a product and a sum.
    const isBias = each.operator === 'Add' && each.inputs.some((input) => products.has(input));
    const rules = isBias ? [all(0)] : (beginnings[each.operator] ?? []);
    const from = isBias ? each.inputs : each.inputs.slice(1);
    for (const [place, name] of from.entries()) {
      const shape = shapes.get(name);
      const rule = rules[isBias ? 0 : place];
      if (shape !== undefined && rule !== undefined) begun.set(name, rule(shape, each));
    }
  }
  return begun;
}

function begin(tensor: OnnxTensor, beginning: Beginning, random: Random): OnnxTensor {
  const data = new Float32Array(product(tensor.shape));
  for (let i = 0; i < data.length; i++) {
    data[i] = 'all' in beginning ? beginning.all : beginning.bound * (2 * random.uniform() - 1);
  }
  return { ...tensor, data: new Uint8Array(data.buffer) };
}

function isTransposed({ attributes }: OnnxNode): boolean {
  const { transB } = attributes;
  return transB?.kind === 'int' && transB.value === 1;
}
