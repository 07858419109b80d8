/** Gradients of small networks against PyTorch's (scripts/make_gradient_vectors.py). */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { gradientModel, openSession, readOnnx, type Tensor, writeOnnx } from '../../src/index.ts';
import { differences, worst } from './differences.ts';

interface Recorded {
  readonly name: string;
  readonly model: string;
  readonly shape: readonly number[];
  readonly x: string;
  readonly scores: string;
  readonly gradient: string;
}

const folder = new URL('../../../../vectors/gradient/', import.meta.url);
const { cases } = JSON.parse(readFileSync(new URL('torch.json', folder), 'utf8')) as {
  readonly cases: readonly Recorded[];
};

function floats(encoded: string): Float32Array {
  return new Float32Array(Uint8Array.from(Buffer.from(encoded, 'base64')).buffer);
}

function distance(found: Tensor | undefined, expected: Float32Array): number {
  const scale = expected.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-6);
  const values = found?.data as Float32Array;
  const errors = expected.map((value, i) => Math.abs(value - (values[i] ?? Number.NaN)) / scale);
  return errors.reduce((most, error) => Math.max(most, error), 0);
}

describe('gradients agree with PyTorch', () => {
  it.each(cases)('$name', async (recorded) => {
    const { model } = await gradientModel(readOnnx(Buffer.from(recorded.model, 'base64')));
    const session = await openSession(writeOnnx(model));
    const out = await session.run({
      x: { type: 'float32', shape: recorded.shape, data: floats(recorded.x) },
      merlon_labels: { type: 'int64', shape: [2], data: BigInt64Array.of(0n, 2n) },
    });
    await session.close();
    expect(distance(out.merlon_scores, floats(recorded.scores))).toBeLessThan(1e-5);
    expect(distance(out.merlon_gradient, floats(recorded.gradient))).toBeLessThan(1e-4);
  });
});

describe('a model with functions of its own', () => {
  it('is differentiated with their nodes in place, attributes and opsets included', async () => {
    const model = readOnnx(readFileSync(new URL('functions.onnx', folder)));
    const gradient = await gradientModel(model);
    expect(gradient.operators).toEqual(
      expect.arrayContaining(['Add', 'Elu', 'Identity', 'MatMul', 'Softmax']),
    );
    const x: Tensor = {
      type: 'float32',
      shape: [2, 2, 3],
      data: Float32Array.from({ length: 12 }, (_, i) => Math.sin(3 * i)),
    };
    const session = await openSession(writeOnnx(gradient.model));
    const labels = { type: 'int64', shape: [2], data: BigInt64Array.of(0n, 2n) } as const;
    const out = await session.run({ x, merlon_labels: labels });
    await session.close();
    const found = await differences(model, x, { labels: [0, 2], count: 12, floatsOnly: true });
    expect(worst(out.merlon_gradient?.data as Float32Array, found)).toBeLessThan(1e-3);
  });
});
