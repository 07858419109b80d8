import { describe, expect, it } from 'vitest';
import {
  elementTypes,
  floatCopy,
  floatsIn,
  floatTensor,
  gradientModel,
  int,
  node,
  type OnnxModel,
  type OnnxTensor,
  openSession,
  type Tensor,
  writeOnnx,
} from '../../src/index.ts';
import { inDoubles } from './differences.ts';
import { modelOf, values } from './models.ts';

const bfloat16 = 16;

function words(elementType: number, list: readonly number[]): OnnxTensor {
  const data = new Uint8Array(Uint16Array.from(list).buffer);
  return { name: 'w', elementType, shape: [list.length], data, rest: new Uint8Array(0) };
}

function with1(tensor: OnnxTensor): OnnxModel {
  const model = modelOf({
    ...{ name: 'copy', row: [4], out: [4] },
    nodes: [node('Mul', ['x', 'w'], ['y'])],
    tensors: [tensor],
  });
  return model;
}

describe('a float32 copy', () => {
  it('has the value of every half, subnormal and special ones included', () => {
    const halves = [0x3c00, 0xc000, 0x0001, 0x03ff, 0x7bff, 0x7c00, 0xfc00, 0x8000, 0x3555];
    const [w] = floatCopy(with1(words(elementTypes.float16, halves))).graph.initializers;
    const expected = [1, -2, 2 ** -24, 1023 * 2 ** -24, 65504, Infinity, -Infinity, -0];
    expect(w === undefined ? [] : [...floatsIn(w)].slice(0, 8)).toEqual(expected);
    expect(w === undefined ? 0 : floatsIn(w)[8]).toBe(0.333251953125);
  });
  it('has the value of every bfloat16', () => {
    const list = [0x3f80, 0xc000, 0x7f80, 0x4049];
    const [w] = floatCopy(with1(words(bfloat16, list))).graph.initializers;
    expect(w === undefined ? [] : [...floatsIn(w)]).toEqual([1, -2, Infinity, 3.140625]);
  });
  it('is the model itself where that has nothing else', () => {
    const model = with1(floatTensor('w', [4], [1, 2, 3, 4]));
    expect(floatCopy(model)).toBe(model);
  });
  it('is what models of doubles and halves are differentiated as', async () => {
    const plain = modelOf({
      ...{ name: 'copy', row: [4], out: [4] },
      nodes: [node('Cast', ['x'], ['c'], { to: int(1) }), node('Tanh', ['c'], ['y'])],
    });
    const x: Tensor = { type: 'float32', shape: [3, 4], data: values(12, 1) };
    const labels = BigInt64Array.of(0n, 1n, 2n);
    const gradients = [];
    for (const model of [plain, inDoubles(plain)]) {
      const gradient = await gradientModel(model);
      const session = await openSession(writeOnnx(gradient.model));
      expect(session.inputs[0]?.type).toBe('float32');
      const feeds = { x, merlon_labels: { type: 'int64', shape: [3], data: labels } as const };
      gradients.push((await session.run(feeds)).merlon_gradient);
      await session.close();
    }
    expect(gradients[1]).toEqual(gradients[0]);
  });
  it('is no model to train: its weights are not those of the file', async () => {
    const model = inDoubles(with1(floatTensor('w', [4], [1, 2, 3, 4])));
    await expect(gradientModel(model, { weights: 'train' })).rejects.toMatchObject({
      code: 'unsupported-operator',
      message: 'expected weights of float32 to train',
    });
  });
});
