import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import {
  floatTensor,
  gradientModel,
  int,
  ints,
  intTensor,
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

const width = 6;
const gelus: Readonly<Record<string, readonly OnnxNode[]>> = {
  'x (1 + erf) / 2': [
    node('Div', ['h', 'root'], ['u']),
    node('Erf', ['u'], ['e']),
    node('Add', ['e', 'one'], ['p']),
    node('Mul', ['h', 'p'], ['q']),
    node('Mul', ['q', 'half'], ['y']),
  ],
  '(x / 2) (1 + erf)': [
    node('Mul', ['h', 'inverse'], ['u']),
    node('Erf', ['u'], ['e']),
    node('Add', ['one', 'e'], ['p']),
    node('Mul', ['h', 'half'], ['q']),
    node('Mul', ['q', 'p'], ['y']),
  ],
  'x ((1 + erf) / 2)': [
    node('Div', ['h', 'root'], ['u']),
    node('Erf', ['u'], ['e']),
    node('Add', ['e', 'one'], ['p']),
    node('Mul', ['half', 'p'], ['q']),
    node('Mul', ['q', 'h'], ['y']),
  ],
};

function encoder(...nodes: readonly OnnxNode[]): OnnxModel {
  return modelOf({
    name: 'encoder',
    row: [4, width],
    out: [4, 5],
    opset: 17,
    nodes: [
      node('LayerNormalization', ['x', 'scale', 'shift'], ['n']),
      node('MatMul', ['n', 'w'], ['m']),
      node('Add', ['m', 'b'], ['h']),
      ...nodes,
    ],
    tensors: [
      randomTensor('scale', [width], 1),
      randomTensor('shift', [width], 2),
      randomTensor('w', [width, 5], 3),
      randomTensor('b', [5], 4),
      floatTensor('root', [], [Math.SQRT2]),
      floatTensor('inverse', [], [Math.SQRT1_2]),
      floatTensor('one', [], [1]),
      floatTensor('half', [], [0.5]),
    ],
  });
}

/** The operators of the gradient, which is the same as of the model that is left alone. */
async function expectSame(from: OnnxModel, alone: OnnxModel): Promise<readonly string[]> {
  const x: Tensor = { type: 'float32', shape: [2, 4, width], data: values(8 * width, 7) };
  const answers = [from, alone].map(async (each) => {
    const { model: gradient } = await gradientModel(each);
    const session = await openSession(writeOnnx(gradient));
    const out = await session.run({ x, merlon_labels: labels });
    await session.close();
    return { out, operators: operatorsOf(gradient) };
  });
  const [got, expected] = await Promise.all(answers);
  for (const name of ['merlon_scores', 'merlon_gradient']) {
    expect(difference(expected?.out[name], got?.out[name])).toBeLessThan(5e-6);
  }
  return got?.operators ?? [];
}

/** The same model with a node between a value and whatever reads it. */
function kept(from: OnnxModel, value: string): OnnxModel {
  const nodes = from.graph.nodes.flatMap((each) => {
    const inputs = each.inputs.map((input) => (input === value ? `${value}/same` : input));
    const own = { ...each, inputs };
    return each.outputs.includes(value)
      ? [own, node('Identity', [value], [`${value}/same`])]
      : [own];
  });
  return { ...from, graph: { ...from.graph, nodes } };
}

describe('a cheaper encoder', () => {
  it.each(Object.entries(gelus))('knows GELU as %s', async (_, nodes) => {
    const operators = await expectSame(encoder(...nodes), kept(encoder(...nodes), 'e'));
    // Its share Φ(x) serves forwards and backwards.
    expect(operators.filter((each) => each === 'Erf')).toHaveLength(1);
    expect(operators.filter((each) => each === 'HardSigmoid')).toHaveLength(1);
    expect(operators).not.toContain('Div');
  });
  it('leaves an error function alone that makes no GELU', async () => {
    const nodes = [
      node('Div', ['h', 'root'], ['u']),
      node('Erf', ['u'], ['e']),
      node('Add', ['e', 'half'], ['p']),
      node('Mul', ['h', 'p'], ['q']),
      node('Mul', ['q', 'half'], ['y']),
    ];
    const same = await expectSame(encoder(...nodes), kept(encoder(...nodes), 'e'));
    expect(same).not.toContain('HardSigmoid');
  });
  it('puts the scale of a layer into the matrices behind it', async () => {
    const only = encoder(node('Identity', ['h'], ['y']));
    const two = encoder(node('MatMul', ['n', 'w'], ['k']), node('Mul', ['h', 'k'], ['y']));
    const scales = (operators: readonly string[]): number =>
      operators.filter((each) => each === 'Sub').length;
    const [folded, both] = [
      await expectSame(only, kept(only, 'n')),
      await expectSame(two, kept(two, 'n')),
    ];
    expect(scales(both)).toBe(scales(folded));
    // What is normalised for something else too is subtracted and scaled once more.
    const other = encoder(node('Tanh', ['n'], ['t']), node('MatMul', ['t', 'w'], ['k']), {
      ...node('Mul', ['h', 'k'], ['y']),
    });
    expect(scales(await expectSame(other, kept(other, 'n')))).toBeGreaterThan(scales(folded));
  });
  it('writes sizes down that only the rows change', async () => {
    const nodes = [
      node('Shape', ['h'], ['sizes']),
      node('Gather', ['sizes', 'first'], ['rows']),
      node('Concat', ['rows', 'flatRest'], ['to'], { axis: int(0) }),
      node('Reshape', ['h', 'to'], ['y']),
    ];
    const from = encoder(...nodes);
    const added = [intTensor('first', [1], [0]), intTensor('flatRest', [1], [20])];
    const graph = { ...from.graph, initializers: [...from.graph.initializers, ...added] };
    const plain = encoder(node('Reshape', ['h', 'all'], ['y']));
    const written = [...plain.graph.initializers, intTensor('all', [2], [-1, 20])];
    const operators = await expectSame(
      { ...from, graph },
      { ...plain, graph: { ...plain.graph, initializers: written } },
    );
    for (const gone of ['Gather', 'Concat']) expect(operators).not.toContain(gone);
  });
});
