/** Taking and putting elements at positions. */
import { floatTensor, int, ints, intTensor, node } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text, xToY } from '../models.ts';

/** Positions that are computed from the data, so that no rule can know them. */
const greatest = node('ArgMax', ['x'], ['at'], { axis: int(1), keepdims: int(1) });

/** Cases. */
export const indexingCases: readonly OperatorCase[] = [
  {
    ...{ name: 'Gather of a table', row: [5, 4], out: [2, 3, 4] },
    nodes: [xToY('Gather', { axis: int(1) }, ['at'])],
    tensors: [intTensor('at', [2, 3], [3, 0, 3, 1, 1, -1])],
  },
  {
    ...{ name: 'Gather of one often', row: [5, 4], out: [7, 4] },
    nodes: [xToY('Gather', { axis: int(1) }, ['at'])],
    tensors: [intTensor('at', [7], [3, 0, 3, 3, 3, 3, 1])],
  },
  {
    ...{ name: 'Gather of a range', row: [5, 4], out: [5, 2] },
    nodes: [xToY('Gather', { axis: int(2) }, ['at'])],
    tensors: [intTensor('at', [2], [1, 2])],
  },
  {
    ...{ name: 'GatherElements', row: [4, 3], out: [2, 3] },
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'first'], ['n']),
      node('Concat', ['n', 'tail'], ['to'], { axis: int(0) }),
      node('Expand', ['at', 'to'], ['all']),
      xToY('GatherElements', { axis: int(1) }, ['all']),
    ],
    tensors: [
      intTensor('first', [1], [0]),
      intTensor('tail', [2], [2, 3]),
      intTensor('at', [1, 2, 3], [0, 2, 3, 0, 1, 3]),
    ],
  },
  {
    ...{ name: 'GatherElements of computed positions', row: [4, 3], out: [1, 3] },
    nodes: [greatest, xToY('GatherElements', { axis: int(1) }, ['at'])],
  },
  {
    ...{ name: 'GatherND of shared axes', row: [4, 3], out: [2, 3] },
    nodes: [
      node('Shape', ['x'], ['s']),
      node('Gather', ['s', 'first'], ['n']),
      node('Concat', ['n', 'tail'], ['to'], { axis: int(0) }),
      node('Expand', ['at', 'to'], ['all']),
      xToY('GatherND', { batch_dims: int(1) }, ['all']),
    ],
    tensors: [
      intTensor('first', [1], [0]),
      intTensor('tail', [2], [2, 1]),
      intTensor('at', [1, 2, 1], [1, 3]),
    ],
  },
  {
    ...{ name: 'GatherND', row: [4, 3], out: [2, 1] },
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: ints([1, 2, 0]) }),
      node('GatherND', ['t', 'at'], ['g']),
      node('Transpose', ['g'], ['y'], { perm: ints([1, 0]) }),
    ],
    tensors: [intTensor('at', [2, 2], [1, 2, 3, 0])],
  },
  ...['none', 'add'].map(
    (reduction): OperatorCase => ({
      ...{ name: `ScatterElements ${reduction}`, row: [4, 3], out: [4, 3], opset: 18 },
      nodes: [
        greatest,
        node('ReduceMean', ['x', 'one'], ['u']),
        node('ScatterElements', ['x', 'at', 'u'], ['y'], {
          axis: int(1),
          reduction: text(reduction),
        }),
      ],
      tensors: [intTensor('one', [1], [1])],
    }),
  ),
  ...['none', 'add'].map(
    (reduction): OperatorCase => ({
      ...{ name: `ScatterND ${reduction}`, row: [4, 3], out: [4, 3], opset: 18 },
      nodes: [
        node('Transpose', ['x'], ['t'], { perm: ints([1, 2, 0]) }),
        node('GatherND', ['t', 'from'], ['g']),
        node('Tanh', ['g'], ['u']),
        node('ScatterND', ['t', 'at', 'u'], ['p'], { reduction: text(reduction) }),
        node('Transpose', ['p'], ['y'], { perm: ints([2, 0, 1]) }),
      ],
      tensors: [intTensor('from', [2, 2], [1, 2, 3, 0]), intTensor('at', [2, 2], [0, 0, 3, 0])],
    }),
  ),
  {
    ...{ name: 'TopK', row: [6], out: [3] },
    nodes: [node('TopK', ['x', 'k'], ['y', 'i'], { axis: int(-1) })],
    tensors: [intTensor('k', [1], [3])],
  },
  {
    ...{ name: 'TopK of the least, in an old opset', row: [5, 2], out: [2, 2], opset: 9 },
    nodes: [node('TopK', ['x'], ['y', 'i'], { axis: int(1), k: int(2) })],
  },
  {
    ...{ name: 'Compress', row: [5, 2], out: [2, 2] },
    nodes: [xToY('Compress', { axis: int(1) }, ['c'])],
    tensors: [
      {
        name: 'c',
        elementType: 9,
        shape: [4],
        data: Uint8Array.of(0, 1, 0, 1),
        rest: new Uint8Array(0),
      },
    ],
  },
  {
    ...{ name: 'Embedding by a table of weights', row: [4], out: [4, 3] },
    nodes: [
      node('Cast', ['x'], ['w'], { to: int(7) }),
      node('Clip', ['w', 'low', 'high'], ['i']),
      node('Gather', ['table', 'i'], ['e']),
      node('Unsqueeze', ['x', 'last'], ['u']),
      node('Mul', ['e', 'u'], ['y']),
    ],
    tensors: [
      randomTensor('table', [5, 3], 5),
      intTensor('low', [], [0]),
      intTensor('high', [], [4]),
      intTensor('last', [1], [2]),
    ],
    approximations: ['zero'],
  },
  {
    ...{ name: 'OneHot beside the input', row: [3], out: [3, 4] },
    nodes: [
      node('Cast', ['x'], ['w'], { to: int(7) }),
      node('OneHot', ['w', 'depth', 'values'], ['h'], { axis: int(-1) }),
      node('Unsqueeze', ['x', 'last'], ['u']),
      node('Mul', ['h', 'u'], ['y']),
    ],
    tensors: [
      intTensor('depth', [1], [4]),
      floatTensor('values', [2], [0.5, 2]),
      intTensor('last', [1], [2]),
    ],
    approximations: ['zero'],
  },
];
