/** Arithmetic and activations, element by element. */
import { float, floatTensor, int, ints, intTensor, node } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text, xToY } from '../models.ts';

const vector = [6] as const;

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

/** Cases. */
export const elementwiseCases: readonly OperatorCase[] = [
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
  ...['Sin', 'Cos', 'Tan', 'Atan', 'Sinh', 'Cosh', 'Asinh', 'Mish', 'Celu'].map((op) => ({
    ...unary(op),
    opset: 18,
  })),
  ...['Asin', 'Acos', 'Atanh'].map((op) => ({ ...unary(op, 0.1), spread: 0.2 })),
  unary('Acosh', 6),
  { ...unary('Swish'), opset: 24 },
  { ...unary('Swish of 2'), nodes: [xToY('Swish', { alpha: float(2) })], opset: 24 },
  { ...unary('Gelu by tanh'), nodes: [xToY('Gelu', { approximate: text('tanh') })], opset: 20 },
  { ...unary('Celu of 2'), nodes: [xToY('Celu', { alpha: float(2) })] },
  { ...unary('Elu of 2'), nodes: [xToY('Elu', { alpha: float(2) })] },
  { ...unary('ThresholdedRelu'), nodes: [xToY('ThresholdedRelu', { alpha: float(0.4) })] },
  {
    ...unary('Shrink'),
    floatsOnly: true,
    nodes: [xToY('Shrink', { lambd: float(0.6), bias: float(0.1) })],
  },
  { ...unary('HardSigmoid of 0.5'), nodes: [xToY('HardSigmoid', { alpha: float(0.5) })] },
  {
    ...unary('CastLike'),
    nodes: [xToY('CastLike', {}, ['c'])],
    tensors: [floatTensor('c', [1], [0])],
  },
  {
    ...unary('Pow of two paths', 3),
    nodes: [node('Tanh', ['x'], ['t']), node('Pow', ['x', 't'], ['y'])],
  },
  {
    ...unary('Pow of whole exponents'),
    nodes: [xToY('Pow', {}, ['e'])],
    tensors: [intTensor('e', [6], [2, 3, 1, 0, 2, 3])],
  },
  {
    ...unary('Pow of three'),
    nodes: [xToY('Pow', {}, ['e'])],
    tensors: [intTensor('e', [], [3])],
  },
  {
    ...unary('Pow of a constant base'),
    nodes: [node('Pow', ['b', 'x'], ['y'])],
    tensors: [floatTensor('b', [], [1.7])],
  },
  ...['Max', 'Min', 'Mean', 'Sum'].flatMap((op) => [
    {
      ...unary(`${op} of four, broadcast`),
      nodes: [
        node('Tanh', ['x'], ['t']),
        node('Neg', ['x'], ['n']),
        node(op, ['x', 't', 'n', 'c'], ['y']),
      ],
      tensors: [floatTensor('c', [1, 1], [0.2])],
    },
    { ...unary(`${op} of one`), nodes: [xToY(op)] },
  ]),
  {
    ...unary('Clip of one bound, in an old opset'),
    nodes: [xToY('Clip', { min: float(-0.2) })],
    opset: 7,
  },
  ...[0, 1].flatMap((reverse) =>
    [0, 1].map((exclusive) => ({
      ...unary(`CumSum ${reverse} ${exclusive}`),
      nodes: [xToY('CumSum', { reverse: int(reverse), exclusive: int(exclusive) }, ['a'])],
      tensors: [intTensor('a', [], [1])],
    })),
  ),
  ...['upper', 'lower'].map((side) => ({
    name: `Trilu ${side}`,
    row: [3, 4],
    out: [3, 4],
    nodes: [xToY('Trilu', { upper: int(side === 'upper' ? 1 : 0) }, ['k'])],
    tensors: [intTensor('k', [], [1])],
  })),
  {
    name: 'ReverseSequence',
    row: [4, 2],
    out: [4, 2],
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: ints([2, 1, 0]) }),
      node('ReverseSequence', ['t', 'n'], ['r'], { time_axis: int(1), batch_axis: int(0) }),
      node('Transpose', ['r'], ['y'], { perm: ints([2, 1, 0]) }),
    ],
    tensors: [intTensor('n', [2], [3, 4])],
  },
  {
    ...unary('Round, and a way around'),
    nodes: [
      node('Round', ['x'], ['r']),
      node('Tanh', ['x'], ['t']),
      node('Mul', ['r', 't'], ['y']),
    ],
    approximations: ['zero'],
  },
  {
    ...unary('whole numbers, and a way around'),
    nodes: [
      node('Cast', ['x'], ['w'], { to: int(7) }),
      node('Cast', ['w'], ['r'], { to: int(1) }),
      node('Tanh', ['x'], ['t']),
      node('Add', ['r', 't'], ['y']),
    ],
    approximations: ['zero'],
  },
];
