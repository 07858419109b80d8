import { readFileSync } from 'node:fs';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  elementTypes,
  floatsIn,
  gradientModel,
  int,
  ints,
  intTensor,
  node,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  openSession,
  readOnnx,
  type Session,
  type Tensor,
  writeOnnx,
} from '../../src/index.ts';
import { modelOf, randomTensor, values, xToY } from './models.ts';

const rows = 3;
const labels: Tensor = { type: 'int64', shape: [rows], data: BigInt64Array.from([0n, 2n, 1n]) };

interface Differentiated {
  readonly session: Session;
  readonly weights: Readonly<Record<string, Tensor>>;
}

async function open(model: OnnxModel, options?: Parameters<typeof gradientModel>[1]) {
  const gradient = await gradientModel(model, options);
  const session = await openSession(writeOnnx(gradient.model));
  const weights: Record<string, Tensor> = {};
  for (const { name, shape, data } of gradient.weights) {
    weights[name] = { type: 'float32', shape, data: new Float32Array(data.slice().buffer) };
  }
  return { session, weights } satisfies Differentiated;
}

function floats(tensor: Tensor | undefined): Float32Array {
  return tensor?.data as Float32Array;
}

/** Loss of each row, summed in float64. */
async function lossOf({ session, weights }: Differentiated, x: Tensor): Promise<number> {
  const out = await session.run({ x, merlon_labels: labels, ...weights }, ['merlon_loss']);
  return floats(out.merlon_loss).reduce((sum, value) => sum + value, 0);
}

/** Largest difference from central differences over some coordinates, relative to the largest. */
async function worstError(
  gradient: Float32Array,
  at: Float32Array,
  loss: () => Promise<number>,
): Promise<number> {
  const scale = gradient.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  const random = seeded(4);
  const chosen = [...random.permutation(at.length).slice(0, 24)];
  let worst = 0;
  for (const i of chosen) {
    const held = at[i] ?? 0;
    const step = 2e-3;
    at[i] = held + step;
    const up = await loss();
    at[i] = held - step;
    const down = await loss();
    at[i] = held;
    const difference = Math.abs((up - down) / (2 * step) - (gradient[i] ?? 0));
    worst = Math.max(worst, difference / scale);
  }
  return worst;
}

describe('conventions', () => {
  const row = [1, 4, 4];
  const x: Tensor = { type: 'float32', shape: [rows, ...row], data: new Float32Array(rows * 16) };

  it('of equal values in a pooling the first takes the whole gradient', async () => {
    const attributes = { kernel_shape: { kind: 'ints' as const, value: [2, 2] } };
    const strides = { kind: 'ints' as const, value: [2, 2] };
    const pool = node('MaxPool', ['x'], ['y'], { ...attributes, strides });
    const { session } = await open(modelOf({ name: 'ties', row, out: [1, 2, 2], nodes: [pool] }));
    const out = await session.run({ x, merlon_labels: labels });
    const nonzero = [...floats(out.merlon_gradient).entries()].filter(([, g]) => g !== 0);
    expect(nonzero.map(([i]) => i)).toEqual(
      [0, 16, 32].flatMap((at) => [0, 2, 8, 10].map((i) => at + i)),
    );
  });
  it('a final softmax is left out, so that scores are logits', async () => {
    const plain = modelOf({
      name: 'logits',
      row: [4],
      out: [4],
      nodes: [node('Tanh', ['x'], ['y'])],
    });
    const [, ...rest] = [...plain.graph.nodes].reverse();
    const gemm = plain.graph.nodes.at(-1);
    if (gemm === undefined) throw new Error('the model has no head');
    const head = { ...gemm, name: 'head', outputs: ['logits'] };
    const softmax = node('Softmax', ['logits'], ['scores'], { axis: int(-1) });
    const nodes = [...rest.reverse(), head, softmax];
    const { session } = await open({ ...plain, graph: { ...plain.graph, nodes } });
    const bare = await open(plain);
    const data = values(rows * 4, 1);
    const feeds = {
      x: { type: 'float32' as const, shape: [rows, 4], data },
      merlon_labels: labels,
    };
    expect(await session.run(feeds)).toEqual(await bare.session.run(feeds));
  });
  it('a softmax over the rows is no head, and stays', async () => {
    const plain = plainModel({});
    const [middle, product] = plain.graph.nodes as [OnnxNode, OnnxNode];
    const nodes = [
      middle,
      { ...product, name: 'product', outputs: ['logits'] },
      node('Softmax', ['logits'], ['scores'], { axis: int(0) }),
    ];
    const { session } = await open({ ...plain, graph: { ...plain.graph, nodes } });
    const x: Tensor = { type: 'float32', shape: [rows, 4], data: values(rows * 4, 1) };
    const { merlon_scores } = await session.run({ x, merlon_labels: labels });
    const scores = floats(merlon_scores);
    expect((scores[0] ?? 0) + (scores[3] ?? 0) + (scores[6] ?? 0)).toBeCloseTo(1, 5);
  });
  it('a model of a fixed number of rows keeps it', async () => {
    const fixed = await open(plainModel({ rows }));
    const anyRows = await open(plainModel({}));
    const x: Tensor = { type: 'float32', shape: [rows, 4], data: values(rows * 4, 1) };
    const feeds = { x, merlon_labels: labels };
    expect(fixed.session.inputs.map(({ shape }) => shape)).toEqual([[rows, 4], [rows]]);
    expect(await fixed.session.run(feeds)).toEqual(await anyRows.session.run(feeds));
    const one = await open(plainModel({ rows: 1 }));
    const first: Tensor = { type: 'float32', shape: [1, 4], data: values(4, 1) };
    const label: Tensor = { type: 'int64', shape: [1], data: BigInt64Array.of(0n) };
    const out = await one.session.run({ x: first, merlon_labels: label });
    const all = await anyRows.session.run(feeds);
    expect([...floats(out.merlon_gradient)]).toEqual([...floats(all.merlon_gradient).slice(0, 4)]);
  });
  it('the margin loss is the best other score minus the right one', async () => {
    const model = modelOf({
      name: 'margin',
      row: [4],
      out: [4],
      nodes: [node('Tanh', ['x'], ['y'])],
    });
    const found = await open(model, { loss: 'margin' });
    const data = values(rows * 4, 1);
    const at: Tensor = { type: 'float32', shape: [rows, 4], data };
    const out = await found.session.run({ x: at, merlon_labels: labels });
    const scores = floats(out.merlon_scores);
    const expected = [0, 2, 1].map((label, r) => {
      const own = [...scores.slice(r * 3, r * 3 + 3)];
      return Math.max(...own.filter((_, k) => k !== label)) - (own[label] ?? 0);
    });
    for (const [r, loss] of floats(out.merlon_loss).entries()) {
      expect(loss).toBeCloseTo(expected[r] ?? 0, 5);
    }
    const gradient = floats(out.merlon_gradient).slice();
    expect(await worstError(gradient, data, () => lossOf(found, at))).toBeLessThan(0.01);
  });
});

/** x [N, 4] → MatMul → scores [N, 3], with one thing changed. */
function plainModel(change: {
  readonly outputs?: number;
  readonly opset?: number;
  readonly axis?: number | null;
  readonly elementType?: number;
  readonly inputs?: number;
  readonly rows?: number;
}): OnnxModel {
  const { outputs = 3, opset = 17, axis = 4, elementType = 1, inputs = 1, rows = 'N' } = change;
  const whole = elementType !== elementTypes.float32;
  const middle = node(whole ? 'Cast' : 'Identity', ['x'], ['f'], whole ? { to: int(1) } : {});
  const names = ['x', 'x2'].slice(0, inputs);
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: opset }],
    producer: 'test',
    rest: new Uint8Array(0),
    graph: {
      name: 'plain',
      nodes: [middle, node('MatMul', ['f', 'w'], ['scores'])],
      initializers: [randomTensor('w', [4, outputs], 7)],
      inputs: names.map((name) => ({ name, elementType, shape: [rows, axis] })),
      outputs: [{ name: 'scores', elementType: 1, shape: [rows, outputs] }],
      values: [],
      rest: new Uint8Array(0),
    },
  };
}

describe('refusals name what stands in the way', () => {
  it('an operator without a rule', async () => {
    const nodes = [{ ...node('Det', ['x'], ['y']), name: 'determinant' }];
    await expect(
      gradientModel(modelOf({ name: '', row: [2, 2], out: [], nodes })),
    ).rejects.toMatchObject({
      code: 'unsupported-operator',
      message: 'operator "Det" (node "determinant") cannot be differentiated: it needs the inverse',
    });
  });
  it.each([
    ['one score', { outputs: 1 }, 'output "scores" expected scores of two classes or more, got 1'],
    ['an old opset', { opset: 5 }, 'expected opset 6 or newer, got 5'],
    ['an open axis', { axis: null }, 'input "x" leaves axis 1 open'],
    ['whole numbers', { elementType: 7 }, 'input "x" expected float32 with the rows as first axis'],
    ['two inputs', { inputs: 2 }, 'expected one input, got 2'],
  ])('%s', async (_, change, message) => {
    await expect(gradientModel(plainModel(change))).rejects.toThrow(message);
  });
  it.each([
    ['ReduceMean', { axes: ints([0]), keepdims: int(0) }, 'it mixes the rows of the batch'],
    ['Concat', { axis: int(0) }, 'it joins along the batch'],
  ])('rows that see each other: %s', async (operator, attributes, why) => {
    const nodes = [xToY(operator, attributes)];
    const out = operator === 'Concat' ? [4] : [2];
    await expect(gradientModel(modelOf({ name: '', row: [4], out, nodes }))).rejects.toThrow(why);
  });
  it('trees', async () => {
    const file = readFileSync(new URL('../../../../models/loans.onnx', import.meta.url));
    await expect(gradientModel(readOnnx(file))).rejects.toMatchObject({
      code: 'unsupported-operator',
    });
  });
});

describe('the digits model', () => {
  it('has the gradient that central differences have, at any batch size', async () => {
    const file = readFileSync(new URL('../../../../models/digits-cnn.onnx', import.meta.url));
    const { model, operators } = await gradientModel(readOnnx(file));
    expect(operators).toEqual(['BatchNormalization', 'Conv', 'Flatten', 'Gemm', 'MaxPool', 'Relu']);
    const session = await openSession(writeOnnx(model));
    const image = (count: number): Tensor => {
      const data = values(count * 784, 5).map((value) => Math.min(1, Math.max(0, value)));
      return { type: 'float32', shape: [count, 1, 28, 28], data };
    };
    const of = (count: number): Tensor => {
      return { type: 'int64', shape: [count], data: new BigInt64Array(count).fill(3n) };
    };
    const one = image(1);
    const out = await session.run({ image: one, merlon_labels: of(1) });
    const gradient = floats(out.merlon_gradient).slice();
    const loss = async (): Promise<number> => {
      const again = await session.run({ image: one, merlon_labels: of(1) }, ['merlon_loss']);
      return floats(again.merlon_loss)[0] ?? 0;
    };
    expect(await worstError(gradient, floats(one), loss)).toBeLessThan(0.03);
    const many = await session.run({ image: image(7), merlon_labels: of(7) });
    expect(many.merlon_gradient?.shape).toEqual([7, 1, 28, 28]);
    expect([...floats(many.merlon_gradient).slice(0, 784)]).toHaveLength(784);
  });
});

describe('models beyond classifiers of one open axis', () => {
  const head = (outputs: OnnxModel['graph']['outputs'], ...nodes: OnnxNode[]): OnnxModel => {
    const plain = modelOf({ name: '', row: [2, 3], out: [6], nodes });
    return { ...plain, graph: { ...plain.graph, nodes, outputs } };
  };

  it('a named output of any rank is flattened to scores', async () => {
    const y = { name: 'y', elementType: elementTypes.float32, shape: null };
    const model = head([y], node('Tanh', ['x'], ['y']));
    await expect(gradientModel(model)).rejects.toThrow(
      'expected a float32 output of scores [N, classes], got "y" [2, 2, 3]',
    );
    const { session } = await open(model, { output: 'y' });
    expect(session.outputs.map(({ shape }) => shape)).toEqual([[-1, 6], [-1], [-1, 2, 3]]);
    await session.close();
    await expect(gradientModel(model, { output: 'z' })).rejects.toThrow('expected output "z"');
  });
  it('sizes may be given where the model leaves them open', async () => {
    const plain = plainModel({ axis: null });
    const { session } = await open(plain, { shape: [-1, 4] });
    expect(session.inputs[0]?.shape).toEqual([-1, 4]);
    await session.close();
  });
  it('inputs whose values are told stay as they are', async () => {
    const plain = head(
      [{ name: 'y', elementType: elementTypes.float32, shape: null }],
      node('Mul', ['x', 'state'], ['y']),
    );
    const state = { name: 'state', elementType: elementTypes.float32, shape: [1, 2, 3] };
    const { inputs } = plain.graph;
    const model = { ...plain, graph: { ...plain.graph, inputs: [...inputs, state] } };
    await expect(gradientModel(model, { output: 'y' })).rejects.toThrow('expected one input');
    const held = [randomTensor('state', [1, 2, 3], 7)];
    const { session } = await open(model, { output: 'y', loss: 'linear', held });
    const ones = (...shape: number[]): Tensor => {
      const length = shape.reduce((product, size) => product * size, 1);
      return { type: 'float32', shape, data: new Float32Array(length).fill(1) };
    };
    const found = await session.run({ x: ones(1, 2, 3), merlon_cotangent: ones(1, 6) });
    expect([...floats(found.merlon_gradient)]).toEqual([...floatsIn(held[0] as OnnxTensor)]);
    await session.close();
    const other = [randomTensor('rate', [1], 7)];
    await expect(gradientModel(model, { output: 'y', held: other })).rejects.toThrow(
      'expected inputs to hold among "x", "state", got "rate"',
    );
  });
  it('a model that runs with one row only keeps that one row', async () => {
    const plain = modelOf({
      ...{ name: '', row: [4], out: [4] },
      nodes: [node('Reshape', ['x', 'one'], ['y'])],
      tensors: [intTensor('one', [2], [1, 4])],
    });
    const { session } = await open(plain);
    expect(session.inputs.map(({ shape }) => shape)).toEqual([[1, 4], [1]]);
    await session.close();
  });
  it('opset 6, which the runtime itself does not run, counts as what it became', async () => {
    const model = (opset: number, old: OnnxNode['attributes']): OnnxModel => {
      const nodes = [
        node('MatMul', ['x', 'w'], ['m']),
        node('Add', ['m', 'c'], ['a'], old),
        node('Tanh', ['a'], ['y']),
      ];
      const tensors = [randomTensor('w', [3, 4], 4), randomTensor('c', [4], 5)];
      const plain = modelOf({ name: '', row: [3], out: [4], nodes, tensors, opset });
      const [, , , flat] = plain.graph.nodes;
      const gemm = node('Gemm', ['f', 'head', 'headBias'], ['scores'], old);
      const all = [...nodes, ...(flat === undefined ? [] : [flat]), gemm];
      return { ...plain, graph: { ...plain.graph, nodes: all } };
    };
    const x: Tensor = { type: 'float32', shape: [rows, 3], data: values(rows * 3, 1) };
    const gradients = [];
    for (const each of [model(6, { broadcast: int(1) }), model(17, {})]) {
      const { session } = await open(each);
      gradients.push(await session.run({ x, merlon_labels: labels }));
      await session.close();
    }
    expect(gradients[0]).toEqual(gradients[1]);
    const along = model(6, { broadcast: int(1), axis: int(1) });
    await expect(gradientModel(along)).rejects.toThrow('it broadcasts as opset 6 had it');
  });
  it('every row of the input has its row of scores', async () => {
    const nodes = [node('Gather', ['x', 'one'], ['y'])];
    const fixed = modelOf({
      ...{ name: '', row: [4], out: [4], nodes, fixedRows: true },
      tensors: [intTensor('one', [1], [1])],
    });
    await expect(gradientModel(fixed)).rejects.toThrow('expected scores for each of 3 rows, got 1');
  });
  it('says so when everything between input and scores is flat', async () => {
    const nodes = [{ ...node('Floor', ['x'], ['y']), name: 'steps' }];
    await expect(gradientModel(modelOf({ name: '', row: [4], out: [4], nodes }))).rejects.toThrow(
      'operator "Floor" (node "steps") cannot be differentiated: it is flat',
    );
  });
  it.each([
    ['If', 'its condition is computed from the input'],
    ['Loop', 'its number of turns is computed'],
  ])('names a computed %s', async (operator, why) => {
    const type = (name: string, elementType: number) => ({ name, elementType, shape: [] });
    const graph = (inputs: string[], outputs: string[], nodes: OnnxNode[]) => ({
      kind: 'graph' as const,
      value: {
        ...{ name: 'inner', nodes, initializers: [], values: [], rest: new Uint8Array(0) },
        inputs: inputs.map((name) =>
          name === 'h' ? { ...type(name, 1), shape: null } : type(name, name === 'i' ? 7 : 9),
        ),
        outputs: outputs.map((name) =>
          name === 'c2' ? type(name, 9) : { ...type(name, 1), shape: null },
        ),
      },
    });
    const attributes =
      operator === 'If'
        ? {
            then_branch: graph([], ['a'], [node('Tanh', ['x'], ['a'])]),
            else_branch: graph([], ['b'], [node('Sin', ['x'], ['b'])]),
          }
        : {
            body: graph(
              ['i', 'c', 'h'],
              ['c2', 'h2'],
              [node('Identity', ['c'], ['c2']), node('Tanh', ['h'], ['h2'])],
            ),
          };
    const nodes = [
      node('ReduceMax', ['x'], ['m'], { keepdims: int(0) }),
      node('Greater', ['m', 'm'], ['yes']),
      node('Cast', ['m'], ['turns'], { to: int(7) }),
      node(operator, operator === 'If' ? ['yes'] : ['turns', '', 'x'], ['y'], attributes),
    ];
    await expect(gradientModel(modelOf({ name: '', row: [4], out: [4], nodes }))).rejects.toThrow(
      `operator "${operator}" (node "y") cannot be differentiated: ${why}`,
    );
  });
});
