import { readFileSync } from 'node:fs';
import { concat, seeded } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  elementTypes,
  floatsIn,
  floatTensor,
  GraphError,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxTensor,
  openSession,
  readOnnx,
  type Tensors,
  writeOnnx,
} from '../../src/index.ts';
import { intsIn } from '../../src/onnx/model.ts';
import { varint, WireWriter } from '../../src/proto/wire.ts';

const file = (name: string): Uint8Array =>
  readFileSync(new URL(`../../../../models/${name}`, import.meta.url));
const nothing = new Uint8Array(0);
const { float32, int64 } = elementTypes;

function modelOf(change: Partial<OnnxModel['graph']> = {}): OnnxModel {
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    rest: nothing,
    graph: {
      name: 'g',
      nodes: [node('Relu', ['x'], ['y'])],
      initializers: [],
      inputs: [{ name: 'x', elementType: float32, shape: ['N', 3, null] }],
      outputs: [{ name: 'y', elementType: float32, shape: null }],
      values: [],
      rest: nothing,
      ...change,
    },
  };
}

describe('reading and writing', () => {
  it.each([
    ['digits-cnn.onnx', 'image', [3, 1, 28, 28]],
    ['loans.onnx', 'features', [3, 22]],
  ] as const)('%s runs the same after a round trip', async (name, input, shape) => {
    const bytes = file(name);
    const again = writeOnnx(readOnnx(bytes));
    expect(readOnnx(again)).toEqual(readOnnx(bytes));
    const random = seeded(1);
    const count = shape.reduce<number>((product, size) => product * size, 1);
    const data = Float32Array.from({ length: count }, () => random.uniform());
    const answers: Tensors[] = [];
    for (const model of [bytes, again]) {
      const session = await openSession(model);
      answers.push(await session.run({ [input]: { type: 'float32', shape, data } }));
      await session.close();
    }
    expect(answers[1]).toEqual(answers[0]);
  });
  it('keeps every kind of attribute, and fields it does not know', () => {
    const attributes: Record<string, OnnxAttribute> = {
      float: { kind: 'float', value: Math.fround(0.1) },
      int: int(-3),
      string: { kind: 'string', value: Uint8Array.from([1, 255]) },
      tensor: { kind: 'tensor', value: floatTensor('t', [2], [1, 2]) },
      graph: { kind: 'graph', value: modelOf().graph },
      floats: { kind: 'floats', value: [1.5, -2] },
      ints: ints([0, -1, Number.MAX_SAFE_INTEGER]),
      ['__proto__']: int(1),
    };
    const unknown = new WireWriter().text(99, 'kept').finish();
    const model = modelOf({
      nodes: [{ ...node('Odd', ['', 'x'], ['y'], attributes), domain: 'far', rest: unknown }],
      inputs: [{ name: 'x', elementType: float32, shape: [1, 'N', null], rest: unknown }],
      rest: unknown,
    });
    const read = readOnnx(writeOnnx({ ...model, rest: unknown }));
    expect(read).toEqual({ ...model, rest: unknown });
    expect(Object.keys(read.graph.nodes[0]?.attributes ?? {})).toEqual(Object.keys(attributes));
    expect(writeOnnx(read)).toEqual(writeOnnx({ ...model, rest: unknown }));
  });
  it('keeps integers that a number cannot hold', () => {
    const odd = 2n ** 62n + 1n;
    const attribute = new WireWriter().text(1, 'keys').integer(8, odd).integer(20, 7).finish();
    const raw = modelOf({
      nodes: [node('Odd', ['x'], ['y'], { keys: { kind: 'raw', value: attribute } })],
    });
    expect(writeOnnx(readOnnx(writeOnnx(raw)))).toEqual(writeOnnx(raw));
    const toEnd = modelOf({ nodes: [node('Odd', ['x'], ['y'], { ends: ints([2 ** 63]) })] });
    expect(writeOnnx(readOnnx(writeOnnx(toEnd)))).toEqual(writeOnnx(toEnd));
  });
  it('reads long lists of floats', () => {
    const value = Array.from({ length: 300_000 }, (_, i) => i);
    const attributes = { floats: { kind: 'floats' as const, value } };
    const model = modelOf({ nodes: [node('Odd', ['x'], ['y'], attributes)] });
    expect(readOnnx(writeOnnx(model)).graph.nodes[0]?.attributes.floats).toEqual({
      kind: 'floats',
      value,
    });
  });
});

/** A TensorProto whose elements stand in a typed field. */
function typedTensor(elementType: number, shape: readonly number[], field: WireWriter): OnnxTensor {
  const dims = new WireWriter();
  for (const size of shape) dims.integer(1, size);
  const proto = dims.integer(2, elementType).text(8, 't').raw(field.finish()).finish();
  const graph = new WireWriter().bytes(5, proto);
  const bytes = new WireWriter().integer(1, 8).message(7, graph).finish();
  const [tensor] = readOnnx(bytes).graph.initializers;
  if (tensor === undefined) throw new Error('no tensor');
  return tensor;
}

const packed = (number: number, values: readonly bigint[]): WireWriter =>
  new WireWriter().bytes(number, concat(values.map(varint)));

describe('elements in typed fields', () => {
  it('are read as raw data would be', () => {
    const floats = new WireWriter().bytes(4, new Uint8Array(Float32Array.of(1, 2.5).buffer));
    expect([...floatsIn(typedTensor(float32, [2], floats))]).toEqual([1, 2.5]);
    expect(intsIn(typedTensor(int64, [2], packed(7, [-1n, 5n])))).toEqual([-1, 5]);
    expect(intsIn(typedTensor(elementTypes.int32, [2], packed(5, [-1n, 5n])))).toEqual([-1, 5]);
    expect([...typedTensor(elementTypes.int8, [2], packed(5, [-1n, 5n])).data]).toEqual([255, 5]);
    expect([...typedTensor(elementTypes.uint16, [1], packed(5, [258n])).data]).toEqual([2, 1]);
    const wide = typedTensor(elementTypes.uint32, [1], packed(11, [4_294_967_295n]));
    expect([...wide.data]).toEqual([255, 255, 255, 255]);
  });
  it.each([
    ['floats in a field of integers', float32, packed(7, [1n])],
    ['integers in a field of floats', int64, new WireWriter().bytes(4, new Uint8Array(8))],
    ['fewer than the shape needs', int64, packed(7, [1n])],
  ])('are refused: %s', (_, elementType, field) => {
    expect(() => typedTensor(elementType, [2], field)).toThrow(
      expect.objectContaining({ code: 'invalid-model' }),
    );
  });
  it('are refused when they are of another type than is asked for', () => {
    expect(() => floatsIn(intTensor('count', [1], [1]))).toThrow(
      'tensor "count" expected float32, got element type 7',
    );
    expect(() => intsIn(floatTensor('scale', [1], [1]))).toThrow(
      'tensor "scale" expected int64 or int32, got element type 1',
    );
  });
});

describe('files that are no models', () => {
  const onlyGraphErrors = (bytes: Uint8Array): void => {
    try {
      writeOnnx(readOnnx(bytes));
    } catch (error) {
      expect(error).toBeInstanceOf(GraphError);
      expect((error as GraphError).code).toBe('invalid-model');
    }
  };
  it.each([
    ['nothing', nothing, 'it has no graph'],
    ['text', new TextEncoder().encode('hello, world'), 'wire type 4'],
    ['no version', new WireWriter().message(7, new WireWriter()).finish(), 'IR version 0'],
  ])('%s', (_, bytes, why) => {
    expect(() => readOnnx(bytes)).toThrow(
      expect.objectContaining({
        code: 'invalid-model',
        message: `not a sound ONNX model: ${why}`,
      }),
    );
  });
  it('cut anywhere, are refused', () => {
    const bytes = writeOnnx(modelOf({ initializers: [floatTensor('w', [4], [1, 2, 3, 4])] }));
    for (let end = 0; end < bytes.length; end++) onlyGraphErrors(bytes.subarray(0, end));
  });
  it('mutated anywhere, are read or refused, never worse', () => {
    const sources = [
      file('digits-cnn.onnx').subarray(0, 4000),
      file('loans.onnx'),
      writeOnnx(
        modelOf({
          nodes: [
            node('If', ['c'], ['y'], { body: { kind: 'graph', value: modelOf().graph } }),
            node('Odd', ['x'], ['y'], { ints: ints([1, 2]) }),
          ],
          initializers: [floatTensor('w', [4], [1, 2, 3, 4]), intTensor('i', [1], [3])],
        }),
      ),
    ];
    const change = fc.record({ at: fc.double({ min: 0, max: 1, noNaN: true }), to: fc.nat(255) });
    fc.assert(
      fc.property(
        fc.constantFrom(...sources),
        fc.array(change, { minLength: 1, maxLength: 8 }),
        (source, changes) => {
          const bytes = Uint8Array.from(source);
          for (const { at, to } of changes) {
            // Most of the structure stands at the beginning.
            bytes[Math.floor(at ** 3 * (bytes.length - 1))] = to;
          }
          onlyGraphErrors(bytes);
        },
      ),
      { seed: 5, numRuns: 1500 },
    );
  });
  it('made of random bytes, are refused', () => {
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), onlyGraphErrors), { seed: 6 });
  });
  it('nested without end, are refused', () => {
    let graph = new WireWriter().text(2, 'innermost');
    for (let depth = 0; depth < 40; depth++) {
      const attribute = new WireWriter().text(1, 'body').message(6, graph).integer(20, 5);
      graph = new WireWriter().message(1, new WireWriter().message(5, attribute));
    }
    const bytes = new WireWriter().integer(1, 8).message(7, graph).finish();
    expect(() => readOnnx(bytes)).toThrow('graphs nested deeper than 16');
  });
  it('of millions of empty parts, are refused before memory runs out', () => {
    const graph = new Uint8Array(2_200_000);
    for (let i = 0; i < graph.length; i += 2) graph[i] = 10;
    const bytes = new WireWriter().integer(1, 8).bytes(7, graph).finish();
    expect(() => readOnnx(bytes)).toThrow(expect.objectContaining({ code: 'too-large' }));
  });
});
