import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  elementTypes,
  floatTensor,
  gradientModel,
  type Loss,
  losses,
  node,
  type OnnxModel,
  openSession,
  type Tensor,
  type Tensors,
  writeOnnx,
} from '../../src/index.ts';

const rows = 12;
const random = seeded(5);

/** The identity on scores, so that the input's gradient is the loss's own. */
function identity(classes: number): OnnxModel {
  const value = (name: string) => ({
    name,
    elementType: elementTypes.float32,
    shape: ['N', classes],
  });
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    rest: new Uint8Array(0),
    graph: {
      name: 'identity',
      rest: new Uint8Array(0),
      nodes: [node('Mul', ['x', 'one'], ['scores'])],
      initializers: [floatTensor('one', [], [1])],
      inputs: [value('x')],
      outputs: [value('scores')],
      values: [],
    },
  };
}

/** The slow readable twin: each loss of one row as its paper writes it, in float64. */
const twins: Readonly<
  Record<Loss, (z: number[], y: number, t: number, c: readonly number[]) => number>
> = {
  'cross-entropy': (z, y) =>
    Math.log(z.reduce((sum, value) => sum + Math.exp(value), 0)) - (z[y] ?? 0),
  margin: (z, y) => Math.max(...z.filter((_, k) => k !== y)) - (z[y] ?? 0),
  dlr: (z, y) => {
    const sorted = z.toSorted((a, b) => b - a);
    const top = (z[y] ?? 0) - Math.max(...z.filter((_, k) => k !== y));
    return -top / ((sorted[0] ?? 0) - (sorted[2] ?? 0) + 1e-12);
  },
  'targeted-dlr': (z, y, t) => {
    const [first = 0, , third = 0, fourth = 0] = z.toSorted((a, b) => b - a);
    return -((z[y] ?? 0) - (z[t] ?? 0)) / (first - (third + fourth) / 2 + 1e-12);
  },
  difference: (z, y, t) => (z[t] ?? 0) - (z[y] ?? 0),
  linear: (z, _y, _t, c) => z.reduce((sum, value, k) => sum + value * (c[k] ?? 0), 0),
};

const cases = losses.flatMap((loss) => [4, 7].map((classes) => ({ loss, classes })));

describe('losses', () => {
  it.each(cases)('$loss over $classes classes is its twin, and so is its gradient', async (row) => {
    const { loss, classes } = row;
    const { model } = await gradientModel(identity(classes), { loss });
    const session = await openSession(writeOnnx(model));
    const x = Float32Array.from({ length: rows * classes }, () => 3 * random.normal());
    const cotangent = x.map(() => random.normal());
    const labels = Array.from({ length: rows }, () => random.integer(classes));
    const targets = labels.map((y) => (y + 1 + random.integer(classes - 1)) % classes);
    const integers = (data: number[]): Tensor => ({
      type: 'int64',
      shape: [rows],
      data: BigInt64Array.from(data, BigInt),
    });
    const matrix = (data: Float32Array): Tensor => ({
      type: 'float32',
      shape: [rows, classes],
      data,
    });
    const all: Tensors = {
      x: matrix(x),
      merlon_labels: integers(labels),
      merlon_targets: integers(targets),
      merlon_cotangent: matrix(cotangent),
    };
    const wanted = session.inputs.map(({ name }) => name);
    const out = await session.run(
      Object.fromEntries(wanted.map((name) => [name, all[name] ?? matrix(x)])),
    );
    const twin = (z: number[], i: number) =>
      twins[loss](z, labels[i] ?? 0, targets[i] ?? 0, [
        ...cotangent.subarray(i * classes, (i + 1) * classes),
      ]);
    const found = out.merlon_loss?.data as Float32Array;
    const gradient = out.merlon_gradient?.data as Float32Array;
    for (let i = 0; i < rows; i++) {
      const z = [...x.subarray(i * classes, (i + 1) * classes)];
      expect(found[i]).toBeCloseTo(twin(z, i), 4);
      for (let k = 0; k < classes; k++) {
        const moved = (by: number) => z.map((value, j) => (j === k ? value + by : value));
        const slope = (twin(moved(1e-5), i) - twin(moved(-1e-5), i)) / 2e-5;
        expect(gradient[i * classes + k]).toBeCloseTo(slope, 3);
      }
    }
    await session.close();
  });

  it.each([
    ['dlr', 2, 'loss "dlr" expected 3 classes or more, got 2'],
    ['targeted-dlr', 3, 'loss "targeted-dlr" expected 4 classes or more, got 3'],
  ] as const)('%s is refused where it is not defined', async (loss, classes, message) => {
    await expect(gradientModel(identity(classes), { loss })).rejects.toMatchObject({
      code: 'shape-mismatch',
      message,
    });
  });
});
