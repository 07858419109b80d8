/** Operators that move elements, and what else has few attributes. */
import { float, floatTensor, int, ints, intTensor, node } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, xToY } from '../models.ts';

const vector = [6] as const;
const image = [3, 5, 6] as const;

/** Cases. */
export const shapeCases: readonly OperatorCase[] = [
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
