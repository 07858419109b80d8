import { readFileSync } from 'node:fs';
import { seeded } from '@merlon/core';
import { beforeAll, describe, expect, it } from 'vitest';
import { blockedDomain, blockedLayout } from '../../src/blocked/layout.ts';
import { blockChannels, openFastest } from '../../src/blocked/open.ts';
import { gradientModel } from '../../src/gradient/gradient.ts';
import { observe } from '../../src/gradient/observe.ts';
import {
  floatsIn,
  floatTensor,
  ints,
  node,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/onnx/model.ts';
import { readOnnx } from '../../src/onnx/read.ts';
import { writeOnnx } from '../../src/onnx/write.ts';
import { openSession } from '../../src/runtime.ts';
import type { Tensor } from '../../src/tensor.ts';

const block = await blockChannels();
if (block === null) console.warn('skipped: the runtime has no blocked kernels on this machine');

/** Builds small networks layer by layer. */
class Net {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly #random = seeded(4);
  readonly #input: readonly number[];
  #count = 0;

  constructor(input: readonly number[]) {
    this.#input = input;
  }

  add(operator: string, inputs: readonly string[], attributes: OnnxNode['attributes'] = {}) {
    const output = `v${this.#count++}`;
    this.nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  weights(...shape: number[]): string {
    const name = `w${this.#count++}`;
    const size = shape.reduce((product, axis) => product * axis, 1);
    const scale = 1 / Math.sqrt(size / (shape[0] ?? 1));
    const values = Float32Array.from({ length: size }, () => scale * this.#random.normal());
    this.initializers.push(floatTensor(name, shape, values));
    return name;
  }

  conv(x: string, [outs, ins, size]: readonly [number, number, number], more = {}): string {
    const pad = (size - 1) / 2;
    const inputs = [x, this.weights(outs, ins, size, size), this.weights(outs)];
    return this.add('Conv', inputs, { pads: ints([pad, pad, pad, pad]), ...more });
  }

  model(last: string, features: number): OnnxModel {
    const flat = this.add('Flatten', [last]);
    this.nodes.push(node('Gemm', [flat, this.weights(features, 5)], ['scores']));
    return {
      irVersion: 8,
      opsets: [{ domain: '', version: 17 }],
      producer: 'test',
      rest: new Uint8Array(0),
      graph: {
        name: 'net',
        nodes: this.nodes,
        initializers: this.initializers,
        inputs: [{ name: 'x', elementType: 1, shape: ['N', ...this.#input] }],
        outputs: [{ name: 'scores', elementType: 1, shape: ['N', 5] }],
        values: [],
        rest: new Uint8Array(0),
      },
    };
  }
}

const nets: Readonly<Record<string, () => OnnxModel>> = {
  'a residual block with a strided shortcut': () => {
    const net = new Net([3, 8, 8]);
    const stem = net.add('Relu', [net.conv('x', [16, 3, 3])]);
    const inner = net.add('Relu', [net.conv(stem, [16, 16, 3])]);
    const same = net.add('Relu', [net.add('Add', [net.conv(inner, [16, 16, 3]), stem])]);
    const strides = { strides: ints([2, 2]) };
    const down = net.add('Relu', [net.conv(same, [32, 16, 3], strides)]);
    const short = net.conv(same, [32, 16, 1], strides);
    const sum = net.add('Relu', [net.add('Add', [net.conv(down, [32, 32, 3]), short])]);
    return net.model(net.add('GlobalAveragePool', [sum]), 32);
  },
  'pooling that tiles, with channels that fill no block': () => {
    const net = new Net([1, 12, 12]);
    const pool = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
    const first = net.add('MaxPool', [net.add('Relu', [net.conv('x', [20, 1, 5])])], pool);
    const second = net.add('MaxPool', [net.add('Relu', [net.conv(first, [36, 20, 3])])], pool);
    return net.model(second, 36 * 9);
  },
  'depthwise and grouped convolutions, average pooling, other activations': () => {
    const net = new Net([4, 8, 8]);
    const wide = net.add('Sigmoid', [net.conv('x', [32, 4, 1])]);
    const depth = net.conv(wide, [32, 1, 3], { group: { kind: 'int', value: 32 } });
    const narrow = net.conv(net.add('Tanh', [depth]), [32, 8, 3], {
      group: { kind: 'int', value: 4 },
    });
    const pool = { kernel_shape: ints([2, 2]), strides: ints([2, 2]) };
    const gate = net.add('Mul', [net.add('AveragePool', [narrow], pool), net.weights(1)]);
    return net.model(gate, 32 * 16);
  },
  'overlapping pooling, undone by indices': () => {
    const net = new Net([3, 9, 9]);
    const pool = { kernel_shape: ints([3, 3]), strides: ints([2, 2]) };
    const first = net.add('MaxPool', [net.conv('x', [16, 3, 3])], pool);
    return net.model(net.add('Relu', [first]), 16 * 16);
  },
};

async function both(model: OnnxModel, x: Float32Array, rows: number) {
  const { model: plain } = await gradientModel(model);
  const observed = await observe(plain, new Set());
  const blocked = blockedLayout(plain, { ...observed, block: block ?? 8 });
  if (blocked === null) throw new Error('the layout left the graph as it was');
  const shape = [rows, ...(model.graph.inputs[0]?.shape ?? []).slice(1).map(Number)];
  const feeds = {
    x: { type: 'float32' as const, shape, data: x },
    merlon_labels: { type: 'int64' as const, shape: [rows], data: new BigInt64Array(rows) },
  };
  const answers = [];
  for (const graph of [plain, blocked]) {
    const session = await openSession(writeOnnx(graph));
    const { merlon_gradient: gradient, merlon_loss: loss } = await session.run(feeds);
    answers.push({
      gradient: gradient?.data as Float32Array,
      loss: loss?.data as Float32Array,
    });
    await session.close();
  }
  const [expected, got] = answers;
  if (expected === undefined || got === undefined) throw new Error('two answers expected');
  return { expected, got, blocked };
}

function apart(expected: Float32Array, got: Float32Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
  const most = expected.reduce(
    (worst, value, i) => Math.max(worst, Math.abs(value - (got[i] ?? Number.NaN))),
    0,
  );
  return most / scale;
}

it.runIf(process.arch === 'x64')('the block of this machine is found', () => {
  expect([8, 16]).toContain(block);
});

describe.skipIf(block === null)('the blocked layout', () => {
  it.each(Object.entries(nets))('gives the same gradients: %s', async (_, make) => {
    const model = make();
    const size = (model.graph.inputs[0]?.shape ?? []).slice(1).map(Number);
    const random = seeded(9);
    const count = size.reduce((product, axis) => product * axis, 3);
    const { expected, got, blocked } = await both(
      model,
      Float32Array.from({ length: count }, () => random.normal()),
      3,
    );
    expect(blocked.graph.nodes.some(({ domain }) => domain === blockedDomain)).toBe(true);
    expect(apart(expected.gradient, got.gradient)).toBeLessThan(2e-6);
    expect(apart(expected.loss, got.loss)).toBeLessThan(2e-6);
  });
  it('gives the first of equal values the gradient, as on flat pictures', async () => {
    const file = new URL('../../../../models/digits-cnn.onnx', import.meta.url);
    const model = readOnnx(new Uint8Array(readFileSync(file)));
    const name = model.graph.inputs[0]?.name ?? '';
    const { expected, got } = await both(withInput(model, name), new Float32Array(2 * 784), 2);
    expect(apart(expected.gradient, got.gradient)).toBeLessThan(2e-6);
  });
  it('gives the same gradients by weights, which are inputs then', async () => {
    const net = new Net([3, 8, 8]);
    const stem = net.add('Relu', [net.conv('x', [16, 3, 3])]);
    const inner = net.add('Relu', [net.conv(stem, [32, 16, 3])]);
    const model = net.model(net.add('GlobalAveragePool', [inner]), 32);
    const { model: plain, weights } = await gradientModel(model, { weights: 'train' });
    const observed = await observe(plain, new Set());
    const blocked = blockedLayout(plain, { ...observed, block: block ?? 8 });
    expect(blocked?.graph.nodes.filter(({ domain }) => domain === blockedDomain)).not.toEqual([]);
    const feeds: Record<string, Tensor> = {
      x: {
        type: 'float32',
        shape: [2, 3, 8, 8],
        data: Float32Array.from({ length: 384 }, (_, i) => Math.sin(i)),
      },
      merlon_labels: { type: 'int64', shape: [2], data: BigInt64Array.of(1n, 4n) },
    };
    for (const { name, shape, ...tensor } of weights) {
      feeds[name] = { type: 'float32', shape, data: floatsIn({ name, shape, ...tensor }) };
    }
    const slow = await openSession(writeOnnx(plain));
    const fast = await openSession(writeOnnx(blocked ?? plain));
    const [expected, got] = [await slow.run(feeds), await fast.run(feeds)];
    for (const { name } of slow.outputs) {
      const [left, right] = [expected[name]?.data, got[name]?.data];
      const error = apart(left as Float32Array, right as Float32Array);
      expect([name, error < 2e-6]).toEqual([name, true]);
    }
    await Promise.all([slow.close(), fast.close()]);
  });
  it('leaves graphs without convolutions as they are', async () => {
    const net = new Net([6]);
    const { model } = await gradientModel(net.model('x', 6));
    const observed = await observe(model, new Set());
    expect(blockedLayout(model, { ...observed, block: 8 })).toBeNull();
  });
});

describe('openFastest', () => {
  let plain: OnnxModel;
  beforeAll(async () => {
    const make = nets['a residual block with a strided shortcut'];
    if (make !== undefined) plain = (await gradientModel(make())).model;
  });
  it('keeps inputs and outputs, and answers any number of rows', async () => {
    const slow = await openSession(writeOnnx(plain));
    const fast = await openFastest(plain);
    expect(fast.inputs).toEqual(slow.inputs);
    expect(fast.outputs.map(({ name }) => name)).toEqual(slow.outputs.map(({ name }) => name));
    for (const rows of [1, 7]) {
      const data = Float32Array.from({ length: rows * 192 }, (_, i) => Math.sin(i));
      const feeds = {
        x: { type: 'float32' as const, shape: [rows, 3, 8, 8], data },
        merlon_labels: { type: 'int64' as const, shape: [rows], data: new BigInt64Array(rows) },
      };
      const [a, b] = [await slow.run(feeds), await fast.run(feeds)];
      const [left, right] = [a, b].map((run) => run.merlon_gradient?.data as Float32Array);
      expect(apart(left as Float32Array, right as Float32Array)).toBeLessThan(2e-6);
    }
    await Promise.all([slow.close(), fast.close()]);
  });
});

function withInput(model: OnnxModel, name: string): OnnxModel {
  const swap = (each: string): string => (each === name ? 'x' : each);
  const nodes = model.graph.nodes.map((each) => ({ ...each, inputs: each.inputs.map(swap) }));
  const inputs = model.graph.inputs.map((each) => ({ ...each, name: swap(each.name) }));
  return { ...model, graph: { ...model.graph, nodes, inputs } };
}
