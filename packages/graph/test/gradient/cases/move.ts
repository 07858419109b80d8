/** Slices with steps, padding of every mode, tiles and blocks. */
import { float, int, ints, intTensor, node } from '../../../src/index.ts';
import { type OperatorCase, text, xToY } from '../models.ts';

function sliced(
  name: string,
  out: readonly number[],
  of: Readonly<Record<'starts' | 'ends' | 'axes' | 'steps', readonly number[]>>,
): OperatorCase {
  const inputs = ['starts', 'ends', 'axes', 'steps'] as const;
  return {
    ...{ name: `Slice ${name}`, row: [5, 6], out },
    nodes: [xToY('Slice', {}, inputs)],
    tensors: inputs.map((input) => intTensor(input, [of[input].length], of[input])),
  };
}

const padded = [0, 1, 2, 0, 2, 1];

/** Cases. */
export const moveCases: readonly OperatorCase[] = [
  sliced('in steps', [2, 2], { starts: [1, 0], ends: [4, 6], axes: [1, 2], steps: [2, 3] }),
  sliced('backwards', [5, 6], { starts: [-1], ends: [-100], axes: [1], steps: [-1] }),
  sliced('backwards in steps', [5, 2], { starts: [4], ends: [0], axes: [-1], steps: [-2] }),
  {
    ...{ name: 'Slice in an old opset', row: [5, 6], out: [2, 6], opset: 9 },
    nodes: [xToY('Slice', { starts: ints([1]), ends: ints([3]), axes: ints([1]) })],
  },
  ...['constant', 'reflect', 'edge', 'wrap'].map(
    (mode): OperatorCase => ({
      ...{ name: `Pad ${mode}`, row: [3, 4], out: [6, 7], opset: mode === 'wrap' ? 19 : 13 },
      nodes: [xToY('Pad', { mode: text(mode) }, ['p'])],
      tensors: [intTensor('p', [6], padded)],
    }),
  ),
  {
    ...{ name: 'Pad edge, wide on two axes', row: [3, 2], out: [9, 12] },
    nodes: [xToY('Pad', { mode: text('edge') }, ['p'])],
    tensors: [intTensor('p', [6], [0, 5, 6, 0, 1, 4])],
  },
  {
    ...{ name: 'Pad that cuts', row: [3, 4], out: [2, 5] },
    nodes: [xToY('Pad', {}, ['p'])],
    tensors: [intTensor('p', [6], [0, -1, 2, 0, 0, -1])],
  },
  {
    ...{ name: 'Pad of one axis', row: [3, 4], out: [3, 7], opset: 18 },
    nodes: [xToY('Pad', { mode: text('edge') }, ['p', '', 'a'])],
    tensors: [intTensor('p', [2], [3, 0]), intTensor('a', [1], [-1])],
  },
  {
    ...{ name: 'Pad in an old opset', row: [3, 4], out: [4, 4], opset: 10 },
    nodes: [xToY('Pad', { pads: ints([0, 1, 0, 0, 0, 0]), value: float(2) })],
  },
  {
    ...{ name: 'Tile', row: [3, 2], out: [6, 6] },
    nodes: [xToY('Tile', {}, ['t'])],
    tensors: [intTensor('t', [3], [1, 2, 3])],
  },
  ...['DCR', 'CRD'].map(
    (mode): OperatorCase => ({
      ...{ name: `DepthToSpace ${mode}`, row: [8, 2, 3], out: [2, 4, 6] },
      nodes: [xToY('DepthToSpace', { blocksize: int(2), mode: text(mode) })],
    }),
  ),
  {
    ...{ name: 'SpaceToDepth', row: [2, 4, 6], out: [8, 2, 3] },
    nodes: [xToY('SpaceToDepth', { blocksize: int(2) })],
  },
  {
    ...{ name: 'Squeeze and Unsqueeze in an old opset', row: [4], out: [4], opset: 11 },
    nodes: [
      node('Unsqueeze', ['x'], ['u'], { axes: ints([1, 3]) }),
      node('Squeeze', ['u'], ['y'], { axes: ints([1, 3]) }),
    ],
  },
  {
    ...{ name: 'Split in an old opset', row: [6, 2], out: [3, 2], opset: 11 },
    nodes: [node('Split', ['x'], ['a', 'b'], { axis: int(1) }), node('Mul', ['a', 'b'], ['y'])],
  },
  {
    ...{ name: 'Split of uneven parts in an old opset', row: [6, 2], out: [2, 2], opset: 11 },
    nodes: [
      node('Split', ['x'], ['a', 'b', 'c'], { axis: int(1), split: ints([2, 1, 3]) }),
      node('Mul', ['a', 'b'], ['y']),
    ],
  },
  {
    ...{ name: 'Split by number', row: [5, 2], out: [2, 2], opset: 18 },
    nodes: [
      node('Split', ['x'], ['a', 'b', 'c'], { axis: int(1), num_outputs: int(3) }),
      node('Mul', ['a', 'c'], ['ac']),
      node('Add', ['ac', 'b'], ['y']),
    ],
  },
  {
    ...{ name: 'rows merged with another axis and parted again', row: [4, 6], out: [4, 6] },
    nodes: [
      node('Reshape', ['x', 'merged'], ['m']),
      node('Softmax', ['m'], ['s'], { axis: int(-1) }),
      node('Reshape', ['s', 'parted'], ['y']),
    ],
    tensors: [intTensor('merged', [2], [-1, 6]), intTensor('parted', [3], [-1, 4, 6])],
  },
  {
    ...{ name: 'rows as the second axis', row: [4, 6], out: [4, 6] },
    nodes: [
      node('Transpose', ['x'], ['t'], { perm: ints([1, 0, 2]) }),
      node('CumSum', ['t', 'zero'], ['c']),
      node('ReduceMean', ['c'], ['m'], { axes: ints([0]) }),
      node('Sub', ['c', 'm'], ['d']),
      node('Transpose', ['d'], ['y'], { perm: ints([1, 0, 2]) }),
    ],
    tensors: [intTensor('zero', [], [0])],
  },
];
