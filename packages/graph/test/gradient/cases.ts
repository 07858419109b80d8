/** One case or more for every operator that has a rule. */
import {
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
} from '../../src/index.ts';
import { type OperatorCase, randomTensor, xToY } from './models.ts';

const text = (value: string): OnnxAttribute => {
  return { kind: 'string', value: new TextEncoder().encode(value) };
};
const vector = [6] as const;
const image = [3, 5, 6] as const;

function unary(operator: string, shift = 0.3): OperatorCase {
  return { name: operator, row: vector, out: vector, nodes: [xToY(operator)], shift };
}

/** Binary operators against a constant on either side, a broadcast, and themselves. */
function binary(operator: string): OperatorCase[] {
  const c = randomTensor('c', [6], 3);
  const away = floatTensor('c', [6], [1.5, -2, 2.5, 1.1, -1.2, 3]);
  const base = { row: vector, out: vector, shift: 3 };
  return [
    { ...base, name: `${operator} x∘c`, nodes: [xToY(operator, {}, ['c'])], tensors: [away] },
    { ...base, name: `${operator} c∘x`, nodes: [node(operator, ['c', 'x'], ['y'])], tensors: [c] },
    {
      ...base,
      name: `${operator} of two paths`,
      nodes: [node('Tanh', ['x'], ['t']), node(operator, ['t', 'x'], ['y'])],
    },
    {
      name: `${operator} broadcast`,
      row: [2, 1, 3],
      out: [2, 2, 3],
      shift: 3,
      nodes: [
        node('Transpose', ['x'], ['t'], { perm: ints([0, 2, 1, 3]) }),
        node(operator, ['x', 't'], ['y']),
      ],
    },
  ];
}

function convolution(
  name: string,
  weights: readonly number[],
  out: readonly number[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
  row: readonly number[] = image,
): OperatorCase {
  const tensors = [randomTensor('w', weights, 5), randomTensor('b', [weights[0] ?? 1], 6)];
  return { name: `Conv ${name}`, row, out, nodes: [xToY('Conv', attributes, ['w', 'b'])], tensors };
}

const convolutions: OperatorCase[] = [
  convolution('plain', [4, 3, 3, 3], [4, 3, 4], {}),
  convolution('padded', [4, 3, 3, 3], [4, 5, 6], { pads: ints([1, 1, 1, 1]) }),
  convolution('many channels', [4, 6, 3, 3], [4, 5, 5], { pads: ints([1, 1, 1, 1]) }, [6, 5, 5]),
  convolution('wide padding', [4, 6, 1, 1], [4, 7, 7], { pads: ints([1, 1, 1, 1]) }, [6, 5, 5]),
  convolution('strided', [4, 3, 3, 3], [4, 3, 3], {
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
  }),
  convolution('leftover', [4, 3, 2, 2], [4, 2, 2], { strides: ints([2, 3]) }),
  convolution('dilated', [4, 3, 2, 2], [4, 3, 4], { dilations: ints([2, 2]) }),
  convolution('uneven pads', [4, 3, 3, 2], [4, 4, 6], { pads: ints([1, 0, 0, 1]) }),
  convolution('same upper', [2, 3, 3, 3], [2, 3, 3], {
    auto_pad: text('SAME_UPPER'),
    strides: ints([2, 2]),
  }),
  convolution('one axis', [4, 3, 3], [4, 5], { pads: ints([1, 1]) }, [3, 5]),
];

const grouped = convolution('grouped', [6, 1, 3, 3], [6, 3, 4], { group: int(3) });

function pool(
  operator: string,
  name: string,
  out: readonly number[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
): OperatorCase {
  return { name: `${operator} ${name}`, row: image, out, nodes: [xToY(operator, attributes)] };
}

const pools: OperatorCase[] = ['MaxPool', 'AveragePool'].flatMap((operator) => [
  pool(operator, 'disjoint', [3, 2, 3], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
  pool(operator, 'overlapping', [3, 3, 4], { kernel_shape: ints([3, 3]) }),
  pool(operator, 'padded', [3, 3, 3], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
  }),
]);

/** Every case; the head after it is a Gemm in each. */
export const cases: readonly OperatorCase[] = [
  ...convolutions,
  grouped,
  ...pools,
  pool('AveragePool', 'counting pads', [3, 3, 3], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
    count_include_pad: int(1),
  }),
  pool('GlobalAveragePool', '', [3, 1, 1], {}),
  ...['Add', 'Sub', 'Mul', 'Div'].flatMap(binary),
  ...['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Neg', 'Abs', 'Identity', 'Dropout'].map((op) => unary(op)),
  ...['Log', 'Sqrt'].map((op) => unary(op, 6)),
  { ...unary('LeakyRelu'), nodes: [xToY('LeakyRelu', { alpha: float(0.2) })] },
  {
    ...unary('Clip'),
    nodes: [xToY('Clip', {}, ['low', 'high'])],
    tensors: [floatTensor('low', [], [-0.5]), floatTensor('high', [], [0.9])],
  },
  {
    name: 'BatchNormalization',
    row: image,
    out: image,
    nodes: [xToY('BatchNormalization', {}, ['s', 'b', 'm', 'v'])],
    tensors: [
      randomTensor('s', [3], 1),
      randomTensor('b', [3], 2),
      randomTensor('m', [3], 3),
      floatTensor('v', [3], [0.5, 1, 2]),
    ],
  },
  {
    name: 'MatMul batched',
    row: [2, 3, 4],
    out: [2, 3, 5],
    nodes: [xToY('MatMul', {}, ['w'])],
    tensors: [randomTensor('w', [4, 5], 4)],
  },
  {
    name: 'MatMul of two paths',
    row: [3, 3],
    out: [3, 3],
    nodes: [node('Tanh', ['x'], ['t']), node('MatMul', ['t', 'x'], ['y'])],
  },
  {
    name: 'Gemm transposed',
    row: [5],
    out: [4],
    nodes: [xToY('Gemm', { transB: int(1), alpha: float(0.5), beta: float(2) }, ['w', 'b'])],
    tensors: [randomTensor('w', [4, 5], 4), randomTensor('b', [4], 5)],
  },
  {
    name: 'Transpose',
    row: [2, 3],
    out: [3, 2],
    nodes: [xToY('Transpose', { perm: ints([0, 2, 1]) })],
  },
  { name: 'Flatten', row: [2, 3], out: [6], nodes: [xToY('Flatten', { axis: int(1) })] },
  { name: 'Softmax', row: vector, out: vector, nodes: [xToY('Softmax', { axis: int(-1) })] },
  { name: 'LogSoftmax', row: vector, out: vector, nodes: [xToY('LogSoftmax', { axis: int(-1) })] },
  {
    name: 'Concat',
    row: [2, 3],
    out: [4, 3],
    nodes: [node('Tanh', ['x'], ['t']), node('Concat', ['x', 't'], ['y'], { axis: int(1) })],
  },
  {
    name: 'Squeeze and Unsqueeze',
    row: [4],
    out: [4],
    nodes: [node('Unsqueeze', ['x', 'a'], ['u']), node('Squeeze', ['u', 'a'], ['y'])],
    tensors: [intTensor('a', [1], [2])],
  },
  {
    name: 'Pad',
    row: [2, 3],
    out: [3, 6],
    nodes: [xToY('Pad', {}, ['p'])],
    tensors: [intTensor('p', [6], [0, 1, 1, 0, 0, 2])],
  },
  {
    name: 'ReduceMean',
    row: image,
    out: [3, 1, 1],
    nodes: [xToY('ReduceMean', { axes: ints([2, 3]) })],
  },
  {
    name: 'Reshape',
    row: [2, 3],
    out: [6],
    nodes: [xToY('Reshape', {}, ['r'])],
    tensors: [intTensor('r', [2], [0, 6])],
  },
];
