/** Reductions, with axes as attribute and as input, and softmax. */
import { int, ints, intTensor } from '../../../src/index.ts';
import { type OperatorCase, xToY } from '../models.ts';

const row = [3, 4, 2] as const;
const names = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'Sum', 'SumSquare'];

/** Cases. */
export const reduceCases: readonly OperatorCase[] = [
  ...names.flatMap((name): OperatorCase[] => {
    const operator = `Reduce${name}`;
    const shift = name === 'LogSum' ? 4 : 0.3;
    const old = { opset: name === 'Sum' ? 12 : 17 };
    return [
      {
        ...{ name: `${operator} of two axes`, row, out: [1, 4, 1], shift, ...old },
        nodes: [xToY(operator, { axes: ints([1, -1]) })],
      },
      {
        ...{ name: `${operator} of the middle, left out`, row, out: [3, 2], shift, ...old },
        nodes: [xToY(operator, { axes: ints([2]), keepdims: int(0) })],
      },
      {
        ...{ name: `${operator} with axes as an input`, row, out: [3, 4, 1], shift, opset: 18 },
        nodes: [xToY(operator, {}, ['a'])],
        tensors: [intTensor('a', [1], [-1])],
      },
    ];
  }),
  {
    ...{ name: 'ReduceSum of no axes', row, out: row, opset: 18 },
    nodes: [xToY('ReduceSum', { noop_with_empty_axes: int(1) })],
  },
  ...['Softmax', 'LogSoftmax'].flatMap((operator): OperatorCase[] => [
    { name: `${operator} inside`, row, out: row, nodes: [xToY(operator, { axis: int(2) })] },
    {
      ...{ name: `${operator}, flattening`, row, out: row, opset: 11 },
      nodes: [xToY(operator, { axis: int(1) })],
    },
    {
      name: `${operator}, flattening by default`,
      row,
      out: row,
      opset: 9,
      nodes: [xToY(operator)],
    },
    {
      name: `${operator}, of the last`,
      row,
      out: row,
      opset: 9,
      nodes: [xToY(operator, { axis: int(3) })],
    },
  ]),
];
