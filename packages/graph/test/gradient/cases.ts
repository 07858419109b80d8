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

const groups: OperatorCase[] = [
  convolution('by channel', [6, 1, 3, 3], [6, 3, 4], { group: int(3) }),
  convolution(
    'grouped',
    [4, 3, 2, 3],
    [4, 3, 2],
    { group: int(2), strides: ints([2, 2]), pads: ints([1, 0, 0, 1]) },
    [6, 5, 5],
  ),
];

function transposed(
  name: string,
  weights: readonly number[],
  out: readonly number[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
): OperatorCase {
  const tensors = [randomTensor('w', weights, 5), randomTensor('b', [out[0] ?? 1], 6)];
  const nodes = [xToY('ConvTranspose', attributes, ['w', 'b'])];
  return { name: `ConvTranspose ${name}`, row: [4, 3, 4], out, nodes, tensors };
}

const transposes: OperatorCase[] = [
  transposed('plain', [4, 2, 3, 3], [2, 5, 6], {}),
  transposed('strided', [4, 2, 3, 2], [2, 6, 8], {
    strides: ints([2, 2]),
    pads: ints([1, 0, 0, 0]),
    output_padding: ints([0, 0]),
  }),
  transposed('grouped', [4, 3, 2, 2], [6, 7, 9], {
    group: int(2),
    strides: ints([2, 2]),
    output_padding: ints([1, 1]),
  }),
];

function pool(
  operator: string,
  name: string,
  out: readonly number[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
): OperatorCase {
  const nodes = [xToY(operator, attributes)];
  return { name: `${operator} ${name}`, row: image, out, nodes, seed: 12 };
}

const pools: OperatorCase[] = ['MaxPool', 'AveragePool'].flatMap((operator) => [
  pool(operator, 'disjoint', [3, 2, 3], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
  pool(operator, 'overlapping', [3, 3, 4], { kernel_shape: ints([3, 3]) }),
  pool(operator, 'padded', [3, 3, 3], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
  }),
  pool(operator, 'rounding up', [3, 3, 3], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
    ceil_mode: int(1),
    pads: ints([0, 0, 0, 0]),
  }),
  pool(operator, 'apart', [3, 2, 2], { kernel_shape: ints([2, 2]), strides: ints([3, 3]) }),
]);

/** Every case; the head after it is a Gemm in each. */
export const cases: readonly OperatorCase[] = [
  ...convolutions,
  ...groups,
  ...transposes,
  ...pools,
  pool('MaxPool', 'dilated', [3, 2, 2], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
    dilations: ints([2, 2]),
  }),
  {
    ...pool('MaxPool', 'overlapping, in an old opset', [3, 3, 3], {
      kernel_shape: ints([3, 2]),
      strides: ints([2, 2]),
      pads: ints([1, 0, 1, 0]),
    }),
    opset: 10,
  },
  {
    ...convolution('in an old opset', [4, 6, 3, 3], [4, 3, 3], {}, [6, 5, 5]),
    opset: 9,
  },
  pool('AveragePool', 'counting pads', [3, 3, 3], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
    count_include_pad: int(1),
  }),
  pool('AveragePool', 'counting pads and rounding up', [3, 3, 4], {
    kernel_shape: ints([2, 2]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 0, 0]),
    count_include_pad: int(1),
    ceil_mode: int(1),
  }),
  pool('GlobalAveragePool', '', [3, 1, 1], {}),
  pool('GlobalMaxPool', '', [3, 1, 1], {}),
  ...['Add', 'Sub', 'Mul', 'Div', 'Max', 'Min'].flatMap(binary),
  ...['Relu', 'Sigmoid', 'Tanh', 'Exp', 'Neg', 'Abs', 'Identity', 'Dropout'].map((op) => unary(op)),
  ...['Elu', 'Selu', 'Softplus', 'Softsign', 'Erf'].map((op) => unary(op)),
  ...['HardSigmoid', 'HardSwish'].map((op) => unary(op)),
  { ...unary('Gelu'), opset: 20 },
  ...['Log', 'Sqrt', 'Reciprocal'].map((op) => unary(op, 6)),
  { ...unary('Cast'), nodes: [xToY('Cast', { to: int(1) })] },
  {
    name: 'PRelu',
    row: [3, 4],
    out: [3, 4],
    nodes: [xToY('PRelu', {}, ['slope'])],
    tensors: [randomTensor('slope', [3, 1], 4)],
  },
  {
    ...unary('Pow', 4),
    nodes: [xToY('Pow', {}, ['e'])],
    tensors: [floatTensor('e', [], [2.5])],
  },
  {
    name: 'Sum of three',
    row: vector,
    out: vector,
    nodes: [node('Tanh', ['x'], ['t']), node('Sum', ['x', 't', 'c'], ['y'])],
    tensors: [randomTensor('c', [6], 3)],
  },
  {
    name: 'Where',
    row: vector,
    out: vector,
    nodes: [
      node('Tanh', ['x'], ['t']),
      node('Greater', ['x', 'c'], ['more']),
      node('Where', ['more', 'x', 't'], ['y']),
    ],
    tensors: [floatTensor('c', [], [0.2])],
  },
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
  {
    name: 'Split, one part unused',
    row: [6, 2],
    out: [2, 2],
    nodes: [
      node('Split', ['x', 's'], ['a', 'b', 'c'], { axis: int(1) }),
      node('Mul', ['b', 'c'], ['y']),
    ],
    tensors: [intTensor('s', [3], [2, 2, 2])],
  },
  {
    name: 'Slice',
    row: [5, 4],
    out: [2, 3],
    nodes: [xToY('Slice', {}, ['from', 'to', 'axes'])],
    tensors: [
      intTensor('from', [2], [-4, 1]),
      intTensor('to', [2], [3, 1000]),
      intTensor('axes', [2], [1, -1]),
    ],
  },
  {
    name: 'Gather of one',
    row: [5, 4],
    out: [4],
    nodes: [xToY('Gather', { axis: int(1) }, ['at'])],
    tensors: [intTensor('at', [], [-2])],
  },
  {
    name: 'Gather of several, one twice',
    row: [5, 4],
    out: [3, 4],
    nodes: [xToY('Gather', { axis: int(1) }, ['at'])],
    tensors: [intTensor('at', [3], [3, 0, 3])],
  },
  {
    name: 'Expand',
    row: [3, 1],
    out: [3, 4],
    nodes: [xToY('Expand', {}, ['to'])],
    tensors: [intTensor('to', [3], [1, 3, 4])],
  },
  {
    name: 'LayerNormalization',
    row: [4, 6],
    out: [4, 6],
    nodes: [xToY('LayerNormalization', {}, ['s', 'b'])],
    tensors: [randomTensor('s', [6], 1), randomTensor('b', [6], 2)],
  },
  {
    name: 'ReduceSum',
    row: [4, 6],
    out: [4],
    nodes: [xToY('ReduceSum', { keepdims: int(0) }, ['axes'])],
    tensors: [intTensor('axes', [1], [-1])],
  },
  {
    name: 'Constants of nodes',
    row: [2, 3],
    out: [6],
    nodes: [
      node('Constant', [], ['shape'], { value_ints: ints([-1, 6]) }),
      node('Constant', [], ['factor'], { value_float: float(0.5) }),
      node('Mul', ['x', 'factor'], ['half']),
      node('Reshape', ['half', 'shape'], ['y']),
    ],
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
