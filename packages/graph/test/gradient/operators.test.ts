/** Every operator as a row: its gradient against central differences of the runtime itself. */
import { describe, expect, it } from 'vitest';
import {
  differentiableOperators,
  gradientModel,
  openSession,
  type Tensor,
  writeOnnx,
} from '../../src/index.ts';
import { cases } from './cases/all.ts';
import { quantizedCases } from './cases/quantize.ts';
import { differences, worst } from './differences.ts';
import { modelOf, type OperatorCase, sizeOf, values } from './models.ts';

const rows = 3;
const labels = [0, 2, 1];
const count = 24;

function inputOf(test: OperatorCase): Tensor {
  const data = values(rows * sizeOf(test.row), test.seed ?? 11, test.shift);
  const scaled = data.map((value) => value * (test.spread ?? 1));
  return { type: 'float32', shape: [rows, ...test.row], data: scaled };
}

function floats(tensor: Tensor | undefined): Float32Array {
  return tensor?.data as Float32Array;
}

/** The largest difference, relative to the largest element. */
function distance(a: Float32Array, b: Float32Array): number {
  const scale = b.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  return a.reduce((most, value, i) => Math.max(most, Math.abs(value - (b[i] ?? 0))), 0) / scale;
}

describe('gradients agree with central differences', () => {
  it.each(cases)('$name, by the input', async (test) => {
    const model = modelOf(test);
    const x = inputOf(test);
    const gradient = await gradientModel(model);
    const session = await openSession(writeOnnx(gradient.model));
    const data = BigInt64Array.from(labels, BigInt);
    const out = await session.run({ x, merlon_labels: { type: 'int64', shape: [rows], data } });
    await session.close();
    expect(out.merlon_gradient?.shape).toEqual(x.shape);
    const own = await openSession(writeOnnx(model));
    const { scores } = await own.run({ x }, ['scores']);
    await own.close();
    expect(distance(floats(out.merlon_scores), floats(scores))).toBeLessThan(1e-5);
    const found = await differences(model, x, {
      labels,
      count,
      floatsOnly: test.floatsOnly ?? false,
      step: test.step ?? 1e-2,
    });
    const error = worst(floats(out.merlon_gradient), found);
    expect(error).toBeLessThan(found.exact ? 3e-5 : 2e-3);
    expect(gradient.approximations.map(({ kind }) => kind)).toEqual(test.approximations ?? []);
  });

  it('every operator with a rule has a case', () => {
    const all = [...cases, ...quantizedCases.map(({ quantized }) => quantized)];
    const covered = new Set(all.flatMap(({ nodes }) => nodes.map((each) => each.operator)));
    covered.add('Gemm');
    expect(differentiableOperators.filter((operator) => !covered.has(operator))).toEqual([]);
  });
});

describe('gradients of quantised models are those of the models without rounding', () => {
  it.each(quantizedCases.map((each) => ({ ...each, name: each.quantized.name })))(
    '$name',
    async ({ quantized, plain }) => {
      const x = inputOf(quantized);
      const data = BigInt64Array.from(labels, BigInt);
      const gradients = [];
      for (const test of [quantized, plain]) {
        const gradient = await gradientModel(modelOf(test));
        const kinds = gradient.approximations.map(({ kind }) => kind);
        expect(kinds).toEqual(test.approximations ?? []);
        const session = await openSession(writeOnnx(gradient.model));
        const out = await session.run({ x, merlon_labels: { type: 'int64', shape: [rows], data } });
        gradients.push(floats(out.merlon_gradient).slice());
        await session.close();
      }
      const [rough = [], exact = []] = gradients;
      const at = Array.from(exact).map((slope, index) => ({ index, slope }));
      // Rounding moves scores a little, and with them the place where the slope is taken.
      expect(worst(rough, { exact: false, at })).toBeLessThan(0.08);
    },
  );
});

describe('gradients by the weights agree with central differences', () => {
  const named = /^(Conv|Gemm|MatMul|PRelu|\w+Norm|LSTM|GRU|RNN)/;
  it.each(cases.filter(({ name, step }) => named.test(name) && step === undefined))(
    '$name',
    async (test) => {
      const gradient = await gradientModel(modelOf(test), { weights: 'train' });
      const session = await openSession(writeOnnx(gradient.model));
      const given = BigInt64Array.from(labels, BigInt);
      const feeds: Record<string, Tensor> = {
        x: inputOf(test),
        merlon_labels: { type: 'int64', shape: [rows], data: given },
      };
      for (const { name, shape, data } of gradient.weights) {
        feeds[name] = { type: 'float32', shape, data: new Float32Array(data.slice().buffer) };
      }
      const out = await session.run(feeds);
      expect(gradient.weights.map(({ name }) => name)).toContain('head');
      for (const { name } of gradient.weights) {
        const own = floats(out[`merlon_gradient/${name}`]).map((g) => g * rows);
        const weight = floats(feeds[name]);
        const loss = async (index: number, step: number): Promise<number> => {
          const held = weight[index] ?? 0;
          weight[index] = held + step;
          const out = await session.run(feeds, ['merlon_loss']);
          weight[index] = held;
          return Array.from(floats(out.merlon_loss)).reduce((sum, value) => sum + value, 0);
        };
        const at = [];
        for (let index = 0; index < Math.min(12, weight.length); index++) {
          const near = (await loss(index, 5e-3)) - (await loss(index, -5e-3));
          const far = (await loss(index, 1e-2)) - (await loss(index, -1e-2));
          at.push({ index, slope: (8 * near - far) / 6e-2 });
        }
        const error = worst(own, { exact: false, at });
        expect([name, error < 0.01 ? 0 : error]).toEqual([name, 0]);
      }
      await session.close();
    },
  );
});
