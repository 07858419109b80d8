import { describe, expect, it } from 'vitest';
import {
  float,
  floatTensor,
  gradientModel,
  int,
  losses,
  node,
  type OnnxModel,
  type OnnxNode,
  openFastest,
  openSession,
  type Tensors,
  writeOnnx,
} from '../../src/index.ts';
import { planOf } from '../../src/small/plan.ts';
import { isSmallModel } from '../../src/small/session.ts';
import { openArena } from '../../src/small/wasm.ts';
import { modelOf, randomTensor, values } from '../gradient/models.ts';

const width = 9;
const layer = (...between: OnnxNode[]): OnnxModel =>
  modelOf({
    name: 'layers',
    row: [width],
    out: [13],
    nodes: [
      node('Gemm', ['x', 'w', 'b'], ['h'], { transB: int(1) }),
      ...between,
      node('MatMul', ['a', 'v'], ['y']),
    ],
    tensors: [
      randomTensor('w', [17, width], 1),
      randomTensor('b', [17], 2),
      randomTensor('v', [17, 13], 3),
      floatTensor('two', [1, 1], [2]),
      randomTensor('side', [17], 4),
    ],
  });

const nets: Readonly<Record<string, OnnxModel>> = {
  relu: layer(node('Relu', ['h'], ['a'])),
  tanh: layer(node('Tanh', ['h'], ['a'])),
  sigmoid: layer(node('Sigmoid', ['h'], ['a'])),
  softplus: layer(node('Softplus', ['h'], ['a'])),
  'a residual sum and broadcast factors': layer(
    node('Relu', ['h'], ['r']),
    node('Mul', ['r', 'two'], ['d']),
    node('Sub', ['h', 'side'], ['s']),
    node('Add', ['d', 's'], ['a']),
  ),
  'hard sigmoid': layer(node('HardSigmoid', ['h'], ['a'], { alpha: float(0.3), beta: float(0.4) })),
};

function feedsOf(rows: number, classes: number, seed: number): Tensors {
  const data = BigInt64Array.from({ length: rows }, (_, row) => BigInt(row % classes));
  const turned = data.map((label) => (label + 1n) % BigInt(classes));
  return {
    x: { type: 'float32', shape: [rows, width], data: values(rows * width, seed) },
    merlon_labels: { type: 'int64', shape: [rows], data },
    merlon_targets: { type: 'int64', shape: [rows], data: turned },
    merlon_cotangent: {
      type: 'float32',
      shape: [rows, classes],
      data: values(rows * classes, seed + 1),
    },
  };
}

describe('small models', () => {
  it.each(Object.entries(nets))('answer like the runtime: %s', async (_, net) => {
    for (const loss of losses.filter((each) => each !== 'dlr' && each !== 'targeted-dlr')) {
      const { model } = await gradientModel(net, { loss });
      expect(isSmallModel(model)).toBe(true);
      const runtime = await openSession(writeOnnx(model));
      for (const rows of [1, 2, 7]) {
        const all = feedsOf(rows, 3, rows);
        const feeds = Object.fromEntries(
          runtime.inputs.map(({ name }) => [name, all[name]] as const),
        ) as Tensors;
        const plan = planOf(model, rows);
        const expected = await runtime.run(feeds);
        const small = await openFastest(model);
        const got = await small.run(feeds);
        for (const { name } of runtime.outputs) {
          const value = plan?.outputs.get(name);
          expect(value?.shape).toEqual(expected[name]?.shape);
          expect(got[name]?.shape).toEqual(expected[name]?.shape);
          const [left, right] = [expected[name]?.data, got[name]?.data];
          const [a, b] = [left as Float32Array, right as Float32Array];
          for (let i = 0; i < a.length; i++) expect(b[i]).toBeCloseTo(a[i] ?? Number.NaN, 4);
        }
        await small.close();
      }
      await runtime.close();
    }
  });
  it('leave many rows to the runtime, with the same answers', async () => {
    const { model } = await gradientModel(nets.relu as OnnxModel);
    const [small, runtime] = [await openFastest(model), await openSession(writeOnnx(model))];
    const { x, merlon_labels: labels } = feedsOf(700, 3, 5);
    const feeds = { x, merlon_labels: labels } as Tensors;
    expect((planOf(model, 700, openArena())?.cost ?? 0) > 200_000).toBe(true);
    expect(await small.run(feeds)).toEqual(await runtime.run(feeds));
    await Promise.all([small.close(), runtime.close()]);
  });
  it('give answers of their own at every run', async () => {
    const { model } = await gradientModel(nets.relu as OnnxModel);
    const small = await openFastest(model);
    const first = await small.run(feedsOf(1, 3, 1));
    const before = Float32Array.from(first.merlon_gradient?.data as Float32Array);
    await small.run(feedsOf(1, 3, 2));
    expect(first.merlon_gradient?.data).toEqual(before);
    await small.close();
  });
  it('say what the runtime says of wrong feeds', async () => {
    const { model } = await gradientModel(nets.relu as OnnxModel);
    const small = await openFastest(model);
    const { x } = feedsOf(1, 3, 1);
    await expect(small.run({ x } as Tensors)).rejects.toMatchObject({ code: 'runtime-failed' });
    await small.close();
  });
  it('are none where an operator is not known, or where there is too much to do', async () => {
    const unknown = layer(node('Erf', ['h'], ['a']));
    expect(planOf((await gradientModel(unknown)).model, 1)).toBeNull();
    const wide = modelOf({
      name: 'wide',
      row: [300],
      out: [400],
      nodes: [node('MatMul', ['x', 'w'], ['y'])],
      tensors: [randomTensor('w', [300, 400], 1)],
    });
    expect(isSmallModel((await gradientModel(wide)).model)).toBe(false);
  });
});

describe('products by vector instructions', () => {
  it.each([
    [1, 1, 1],
    [1, 30, 64],
    [3, 7, 16],
    [5, 200, 17],
    [9, 64, 33],
  ])('of [%i, %i] by %i columns are those of a plain loop', (rows, inner, columns) => {
    const arena = openArena();
    if (arena === null) throw new Error('this machine has no vector instructions');
    const weights = values(inner * columns, 1);
    const shift = Float64Array.from(values(columns, 2));
    // A second product of the arena has a place of its own.
    const first = arena.product({ weights, shift, rows, inner, columns });
    arena.product({ weights: weights.map(() => 7), shift, rows, inner, columns });
    const from = values(rows * inner, 3);
    const to = new Float32Array(rows * columns);
    first(from, to);
    for (const [at, got] of to.entries()) {
      const [row, n] = [Math.floor(at / columns), at % columns];
      let sum = shift[n] ?? 0;
      for (let k = 0; k < inner; k++) {
        sum += (from[row * inner + k] ?? 0) * (weights[n * inner + k] ?? 0);
      }
      expect(got).toBeCloseTo(sum, 4);
    }
  });
});
