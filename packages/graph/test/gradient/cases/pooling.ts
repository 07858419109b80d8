/** Pooling. */
import { int, ints, node, type OnnxAttribute } from '../../../src/index.ts';
import { type OperatorCase, text, xToY } from '../models.ts';

const image = [3, 5, 6] as const;

function pool(
  operator: string,
  name: string,
  out: readonly number[],
  attributes: Readonly<Record<string, OnnxAttribute>>,
  row: readonly number[] = image,
): OperatorCase {
  const nodes = [xToY(operator, attributes)];
  return { name: `${operator} ${name}`, row, out, nodes, seed: 12 };
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

/** Cases. */
export const poolingCases: readonly OperatorCase[] = [
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
  ...['MaxPool', 'AveragePool', 'LpPool'].flatMap((operator) => [
    pool(operator, 'one axis', [3, 3], { kernel_shape: ints([3]), strides: ints([2]) }, [3, 7]),
    pool(operator, 'three axes', [2, 2, 2, 2], { kernel_shape: ints([2, 2, 2]) }, [2, 3, 3, 3]),
    pool(operator, 'same upper', [3, 3, 3], {
      kernel_shape: ints([3, 3]),
      strides: ints([2, 2]),
      auto_pad: text('SAME_UPPER'),
    }),
    pool(operator, 'same lower', [3, 3, 3], {
      kernel_shape: ints([2, 2]),
      strides: ints([2, 2]),
      auto_pad: text('SAME_LOWER'),
    }),
  ]),
  pool(
    'MaxPool',
    'three axes, disjoint',
    [2, 2, 1, 2],
    {
      kernel_shape: ints([2, 2, 2]),
      strides: ints([2, 2, 2]),
    },
    [2, 4, 3, 5],
  ),
  pool(
    'MaxPool',
    'one axis, disjoint',
    [3, 3],
    { kernel_shape: ints([2]), strides: ints([2]) },
    [3, 7],
  ),
  {
    ...pool('AveragePool', 'dilated', [3, 3, 2], {
      kernel_shape: ints([2, 3]),
      strides: ints([1, 1]),
      dilations: ints([2, 2]),
    }),
    opset: 19,
  },
  pool('LpPool', 'padded', [3, 3, 3], {
    kernel_shape: ints([3, 3]),
    strides: ints([2, 2]),
    pads: ints([1, 1, 1, 1]),
    p: int(3),
  }),
  {
    ...pool('LpPool', 'rounding up, dilated', [3, 2, 3], {
      kernel_shape: ints([2, 2]),
      strides: ints([2, 2]),
      dilations: ints([2, 1]),
      ceil_mode: int(1),
    }),
    opset: 18,
  },
  pool('GlobalLpPool', '', [3, 1, 1], { p: int(2) }),
  { ...pool('GlobalLpPool', 'of 1', [3, 1, 1], { p: int(1) }), shift: 4 },
  pool('GlobalMaxPool', 'one axis', [3, 1], {}, [3, 7]),
  pool('GlobalAveragePool', 'three axes', [2, 1, 1, 1], {}, [2, 3, 2, 2]),
  {
    name: 'MaxUnpool',
    row: [2, 4, 4],
    out: [2, 4, 4],
    seed: 12,
    nodes: [
      node('MaxPool', ['x'], ['m', 'i'], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
      node('Tanh', ['m'], ['t']),
      node('MaxUnpool', ['t', 'i'], ['y'], { kernel_shape: ints([2, 2]), strides: ints([2, 2]) }),
    ],
  },
  {
    name: 'MaxPool counted by columns',
    row: image,
    out: [3, 2, 3],
    seed: 12,
    nodes: [
      xToY('MaxPool', { kernel_shape: ints([2, 2]), strides: ints([2, 2]), storage_order: int(1) }),
    ],
  },
];
