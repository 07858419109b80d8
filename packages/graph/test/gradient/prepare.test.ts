import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  floatTensor,
  gradientModel,
  int,
  ints,
  node,
  type OnnxModel,
  type OnnxNode,
  openSession,
  readOnnx,
  type Tensor,
  writeOnnx,
} from '../../src/index.ts';
import { modelOf, randomTensor, values } from './models.ts';

const rows = 2;
const row = [2, 6, 6];
const labels: Tensor = { type: 'int64', shape: [rows], data: BigInt64Array.of(0n, 2n) };
const window = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
const norm = ['scale', 'shift', 'mean', 'variance'];

/** Conv → BatchNormalization → Relu → MaxPool, where the last may differ. */
function model(bias: boolean, ...last: OnnxNode[]): OnnxModel {
  return modelOf({
    name: 'layer',
    row,
    out: [3, 3, 3],
    nodes: [
      node('Conv', ['x', 'w', ...(bias ? ['b'] : [])], ['c'], { pads: ints([1, 1, 1, 1]) }),
      node('BatchNormalization', ['c', ...norm], ['n']),
      node('Relu', ['n'], ['r']),
      ...(last.length > 0 ? last : [node('MaxPool', ['r'], ['y'], window)]),
    ],
    tensors: [
      randomTensor('w', [3, 2, 3, 3], 1),
      randomTensor('b', [3], 2),
      randomTensor('scale', [3], 3),
      randomTensor('shift', [3], 4),
      randomTensor('mean', [3], 5),
      floatTensor('variance', [3], [0.5, 1, 2]),
    ],
  });
}

const operatorsOf = (from: OnnxModel): string[] => from.graph.nodes.map((each) => each.operator);

async function run(from: OnnxModel, x: Float32Array, weights?: 'state' | 'train') {
  const found = await gradientModel(from, weights === undefined ? {} : { weights });
  const session = await openSession(writeOnnx(found.model));
  const state = found.weights.map(({ name, shape, data }) => {
    return [name, { type: 'float32', shape, data: new Float32Array(data.slice().buffer) }] as const;
  });
  const feeds = { x: { type: 'float32', shape: [rows, ...row], data: x } as const };
  const given = { ...feeds, merlon_labels: labels, ...Object.fromEntries(state) };
  const out = await session.run(given);
  await session.close();
  return { operators: operatorsOf(found.model), told: found.operators, out };
}

function difference(a: Tensor | undefined, b: Tensor | undefined): number {
  const [left, right] = [a?.data as Float32Array, b?.data as Float32Array];
  return left.reduce((most, value, i) => Math.max(most, Math.abs(value - (right[i] ?? 0))), 0);
}

describe('a cheaper forward graph', () => {
  it.each([true, false])('folds normalisation into convolution, bias: %s', async (bias) => {
    const x = values(rows * 72, 1);
    const { operators, told, out } = await run(model(bias), x);
    expect(operators).not.toContain('BatchNormalization');
    expect(told).toContain('BatchNormalization');
    const session = await openSession(writeOnnx(model(bias)));
    const plain = await session.run({ x: { type: 'float32', shape: [rows, ...row], data: x } });
    expect(difference(out.merlon_scores, plain.scores)).toBeLessThan(1e-5);
  });
  it('gives the same gradient with weights as constants and as inputs', async () => {
    const x = values(rows * 72, 2);
    const constant = await run(model(true), x);
    const state = await run(model(true), x, 'state');
    expect(difference(constant.out.merlon_gradient, state.out.merlon_gradient)).toBeLessThan(1e-6);
    const train = await run(model(true), x, 'train');
    expect(Object.keys(train.out)).toEqual(
      expect.arrayContaining(['w', 'b', 'scale', 'shift'].map((name) => `merlon_gradient/${name}`)),
    );
    expect(difference(constant.out.merlon_scores, train.out.merlon_scores)).toBeLessThan(1e-5);
  });
  it('puts pooling before ReLU, where nothing else needs the ReLU', async () => {
    const x = values(rows * 72, 3);
    const forward = (operators: readonly string[]): string[] =>
      operators.filter((each) => each === 'Relu' || each === 'MaxPool');
    expect(forward((await run(model(true), x)).operators)).toEqual(['MaxPool', 'Relu']);
    const shared = model(
      true,
      node('MaxPool', ['r'], ['p'], window),
      node('AveragePool', ['r'], ['a'], window),
      node('Add', ['p', 'a'], ['y']),
    );
    expect(forward((await run(shared, x)).operators)).toEqual(['Relu', 'MaxPool']);
  });
  it('goes the same way where values are equal', async () => {
    // Two pools of one size are kept apart from the ReLU by an operator that changes nothing.
    const kept = model(
      true,
      node('Identity', ['r'], ['same']),
      node('MaxPool', ['same'], ['y'], window),
    );
    for (const fill of [0, 0.7]) {
      const flat = new Float32Array(rows * 72).fill(fill);
      const moved = await run(model(true), flat);
      const plain = await run(kept, flat);
      expect(moved.out.merlon_gradient).toEqual(plain.out.merlon_gradient);
    }
  });
  it('leaves normalisation alone that trains or that something else needs', async () => {
    const x = values(rows * 72, 4);
    const both = model(true, node('MaxPool', ['r'], ['p'], window), {
      ...node('AveragePool', ['c'], ['a'], window),
    });
    const nodes = [...both.graph.nodes.slice(0, 5), node('Add', ['p', 'a'], ['y'])];
    const rest = both.graph.nodes.slice(5);
    const shared = { ...both, graph: { ...both.graph, nodes: [...nodes, ...rest] } };
    expect((await run(shared, x)).operators).toContain('BatchNormalization');
    const training = model(true);
    const changed = training.graph.nodes.map((each) =>
      each.operator === 'BatchNormalization'
        ? { ...each, attributes: { training_mode: int(1) }, outputs: ['n', 'm2', 'v2'] }
        : each,
    );
    await expect(
      gradientModel({ ...training, graph: { ...training.graph, nodes: changed } }),
    ).rejects.toThrow('operator "BatchNormalization"');
  });
  it('keeps no constant that nothing uses', async () => {
    const file = readFileSync(new URL('../../../../models/digits-cnn.onnx', import.meta.url));
    const { model: gradient } = await gradientModel(readOnnx(file));
    const used = new Set(gradient.graph.nodes.flatMap((each) => each.inputs));
    const names = gradient.graph.initializers.map((each) => each.name);
    expect(names.filter((name) => !used.has(name))).toEqual([]);
  });
});
