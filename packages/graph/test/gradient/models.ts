/** Small models for tests: one operator between an input and a linear head of two classes. */
import { seeded } from '@merlon/core';
import {
  elementTypes,
  floatTensor,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../src/index.ts';

/** One operator under test. */
export interface OperatorCase {
  readonly name: string;
  /** Shape of one row. */
  readonly row: readonly number[];
  /** Shape of the operator's output for one row. */
  readonly out: readonly number[];
  readonly nodes: readonly OnnxNode[];
  readonly tensors?: readonly OnnxTensor[];
  readonly opset?: number;
  /** Keeps inputs away from kinks and poles. */
  readonly shift?: number;
  /** Makes inputs as many times smaller or larger. */
  readonly spread?: number;
  /** Of differences in float32, smaller where kinks are near. */
  readonly step?: number;
  /** For operators that compute in float32 whatever they are given. */
  readonly floatsOnly?: boolean;
  /** For models that are bound to the three rows of the tests. */
  readonly fixedRows?: boolean;
  /** Nodes whose gradient is known not to be the true one. */
  readonly approximations?: readonly string[];
  /** Another one where two values of a window are too close for a difference to tell. */
  readonly seed?: number;
}

const nothing = new Uint8Array(0);

/** Random values around `shift`. */
export function values(count: number, seed: number, shift = 0): Float32Array {
  const random = seeded(seed);
  return Float32Array.from({ length: count }, () => shift + random.normal());
}

/** A tensor of random values. */
export function randomTensor(name: string, shape: readonly number[], seed: number): OnnxTensor {
  return floatTensor(
    name,
    shape,
    values(sizeOf(shape), seed).map((v) => v / 2),
  );
}

/** Number of elements. */
export function sizeOf(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** x → operator → Flatten → Gemm → scores [N, 3]. */
export function modelOf(test: OperatorCase): OnnxModel {
  const width = sizeOf(test.out);
  const rows = test.fixedRows === true ? 3 : 'N';
  return {
    irVersion: 8,
    opsets: [
      { domain: '', version: test.opset ?? 17 },
      { domain: 'com.microsoft', version: 1 },
    ],
    producer: 'test',
    rest: nothing,
    graph: {
      name: 'test',
      rest: nothing,
      nodes: [
        ...test.nodes,
        node('Reshape', ['y', 'flat'], ['f']),
        node('Gemm', ['f', 'head', 'headBias'], ['scores']),
      ],
      initializers: [
        ...(test.tensors ?? []),
        intTensor('flat', [2], [-1, width]),
        randomTensor('head', [width, 3], 99),
        randomTensor('headBias', [3], 98),
      ],
      inputs: [{ name: 'x', elementType: elementTypes.float32, shape: [rows, ...test.row] }],
      outputs: [{ name: 'scores', elementType: elementTypes.float32, shape: [rows, 3] }],
      values: [],
    },
  };
}

/** A node from x to y. */
export function xToY(
  operator: string,
  attributes: Readonly<Record<string, OnnxAttribute>> = {},
  others: readonly string[] = [],
): OnnxNode {
  return node(operator, ['x', ...others], ['y'], attributes);
}

/** A text as attribute. */
export function text(value: string): OnnxAttribute {
  return { kind: 'string', value: new TextEncoder().encode(value) };
}
