/** Normalisations. */
import { float, floatTensor, int, ints, node } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, xToY } from '../models.ts';

const image = [4, 3, 2] as const;
const scales = [randomTensor('s', [4], 1), randomTensor('b', [4], 2)];

function plain(
  operator: string,
  row: readonly number[],
  attributes: OperatorCase['nodes'][number]['attributes'] = {},
): OperatorCase {
  return { name: operator, row, out: row, nodes: [xToY(operator, attributes)] };
}

/** Cases. */
export const normalizeCases: readonly OperatorCase[] = [
  {
    ...plain('InstanceNormalization', image),
    nodes: [xToY('InstanceNormalization', { epsilon: float(1e-3) }, ['s', 'b'])],
    tensors: scales,
  },
  {
    ...plain('GroupNormalization', image),
    name: 'GroupNormalization, scaled by channels',
    nodes: [xToY('GroupNormalization', { num_groups: int(2) }, ['s', 'b'])],
    tensors: scales,
    opset: 21,
    floatsOnly: true,
  },
  {
    ...plain('GroupNormalization', image),
    name: 'GroupNormalization, scaled by groups',
    nodes: [xToY('GroupNormalization', { num_groups: int(2) }, ['s', 'b'])],
    tensors: [randomTensor('s', [2], 1), randomTensor('b', [2], 2)],
    opset: 18,
    floatsOnly: true,
  },
  {
    ...plain('RMSNormalization', [4, 6]),
    nodes: [xToY('RMSNormalization', { axis: int(-1) }, ['s'])],
    tensors: [randomTensor('s', [6], 1)],
    opset: 23,
  },
  {
    ...plain('LayerNormalization', [4, 6]),
    name: 'LayerNormalization over two axes',
    nodes: [xToY('LayerNormalization', { axis: int(1) }, ['s', 'b'])],
    tensors: [randomTensor('s', [4, 6], 1), randomTensor('b', [4, 6], 2)],
  },
  {
    ...plain('LRN', [5, 2, 3], {
      size: int(3),
      alpha: float(0.4),
      beta: float(0.6),
      bias: float(2),
    }),
  },
  { ...plain('MeanVarianceNormalization', [2, 3, 4], { axes: ints([2, 3]) }) },
  { ...plain('LpNormalization', [3, 4], { axis: int(1) }) },
  { ...plain('LpNormalization', [3, 4], { p: int(1) }), name: 'LpNormalization of 1', seed: 5 },
  {
    ...plain('BatchNormalization', [3]),
    name: 'BatchNormalization of features',
    nodes: [xToY('BatchNormalization', {}, ['s', 'b', 'm', 'v'])],
    tensors: [
      ...['s', 'b', 'm'].map((name, i) => randomTensor(name, [3], i + 1)),
      floatTensor('v', [3], [0.5, 1, 2]),
    ],
    opset: 7,
  },
  {
    ...plain('BatchNormalization', [3]),
    name: 'BatchNormalization of computed statistics',
    nodes: [node('Exp', ['v'], ['e']), xToY('BatchNormalization', {}, ['s', 'b', 'm', 'e'])],
    tensors: ['s', 'b', 'm', 'v'].map((name, i) => randomTensor(name, [3], i + 1)),
  },
];
