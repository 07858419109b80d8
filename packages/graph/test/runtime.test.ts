import { describe, expect, it } from 'vitest';
import {
  elementTypes,
  int,
  node,
  type OnnxModel,
  openSession,
  type Tensor,
  type TensorType,
  writeOnnx,
} from '../src/index.ts';

const nothing = new Uint8Array(0);

/** y = Identity(x) of one element type, and its shape. */
function identity(elementType: number): OnnxModel {
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    rest: nothing,
    graph: {
      name: 'identity',
      nodes: [node('Identity', ['x'], ['y']), node('Shape', ['x'], ['shape'])],
      initializers: [],
      inputs: [{ name: 'x', elementType, shape: ['N', 2] }],
      outputs: [
        { name: 'y', elementType, shape: ['N', 2] },
        { name: 'shape', elementType: elementTypes.int64, shape: [2] },
      ],
      values: [],
      rest: nothing,
    },
  };
}

const data: Readonly<Record<TensorType, Tensor['data']>> = {
  float32: Float32Array.of(1.5, -2),
  float64: Float64Array.of(1.5, -2),
  int8: Int8Array.of(1, -2),
  uint8: Uint8Array.of(1, 200),
  int16: Int16Array.of(1, -2),
  uint16: Uint16Array.of(1, 60_000),
  int32: Int32Array.of(1, -2),
  uint32: Uint32Array.of(1, 4_000_000_000),
  int64: BigInt64Array.of(1n, -2n),
  uint64: BigUint64Array.of(1n, 2n ** 63n),
  bool: Uint8Array.of(0, 1),
  string: ['a', 'ß'],
};

describe('sessions', () => {
  it.each(Object.keys(data) as TensorType[])('take and give %s', async (type) => {
    const session = await openSession(writeOnnx(identity(elementTypes[type])));
    expect(session.inputs).toEqual([{ name: 'x', type, shape: [-1, 2] }]);
    const x: Tensor = { type, shape: [1, 2], data: data[type] };
    const { y, shape } = await session.run({ x });
    expect(y).toEqual(x);
    expect(shape?.data).toEqual(BigInt64Array.of(1n, 2n));
    await session.close();
  });
  it('give only what is asked for', async () => {
    const session = await openSession(writeOnnx(identity(1)));
    const x: Tensor = { type: 'float32', shape: [1, 2], data: data.float32 };
    expect(Object.keys(await session.run({ x }, ['shape']))).toEqual(['shape']);
    await session.close();
  });
  it('refuse what is no model', async () => {
    for (const bytes of [nothing, Uint8Array.of(1, 2, 3)]) {
      await expect(openSession(bytes)).rejects.toMatchObject({ code: 'invalid-model' });
    }
    const odd = identity(1);
    const nodes = [node('NoSuchOperator', ['x'], ['y'], { to: int(1) })];
    const model = writeOnnx({ ...odd, graph: { ...odd.graph, nodes } });
    await expect(openSession(model)).rejects.toMatchObject({ code: 'invalid-model' });
  });
  it('refuse tensors of another type, another shape or with missing elements', async () => {
    const session = await openSession(writeOnnx(identity(1)));
    const wrong: Tensor[] = [
      { type: 'int32', shape: [1, 2], data: data.int32 },
      { type: 'float32', shape: [1, 3], data: new Float32Array(3) },
      { type: 'float32', shape: [2, 2], data: new Float32Array(3) },
      { type: 'float32', shape: [-1, 2], data: new Float32Array(2) },
    ];
    for (const x of wrong) {
      await expect(session.run({ x })).rejects.toMatchObject({ code: 'runtime-failed' });
    }
    await expect(session.run({})).rejects.toMatchObject({ code: 'runtime-failed' });
    await expect(
      session.run({ x: { ...(wrong[1] as Tensor), shape: [1, 2] } }),
    ).rejects.toMatchObject({ code: 'runtime-failed' });
    await session.close();
  });
  it('refuse element types that have no place in a typed array', async () => {
    await expect(openSession(writeOnnx(identity(elementTypes.float16)))).rejects.toMatchObject({
      code: 'invalid-model',
      message: '"x" expected a type that sessions take, got float16',
    });
  });
});
