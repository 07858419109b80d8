/** Convolutions and transposed convolutions. */
import { int, ints, node, type OnnxAttribute } from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text, xToY } from '../models.ts';

const image = [3, 5, 6] as const;

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
  row: readonly number[] = [4, 3, 4],
): OperatorCase {
  const tensors = [randomTensor('w', weights, 5), randomTensor('b', [out[0] ?? 1], 6)];
  const nodes = [xToY('ConvTranspose', attributes, ['w', 'b'])];
  return { name: `ConvTranspose ${name}`, row, out, nodes, tensors };
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

const more: OperatorCase[] = [
  convolution(
    'three axes',
    [2, 2, 2, 2, 2],
    [2, 2, 2, 3],
    { strides: ints([2, 1, 1]) },
    [2, 4, 3, 4],
  ),
  convolution(
    'one axis, strided and dilated',
    [4, 3, 3],
    [4, 3],
    {
      strides: ints([2]),
      dilations: ints([2]),
      pads: ints([1, 1]),
    },
    [3, 7],
  ),
  convolution('same lower', [2, 3, 2, 2], [2, 3, 3], {
    auto_pad: text('SAME_LOWER'),
    strides: ints([2, 2]),
  }),
  convolution('valid', [2, 3, 2, 2], [2, 2, 3], { auto_pad: text('VALID'), strides: ints([2, 2]) }),
  convolution(
    'by channel, wide',
    [6, 1, 3, 3],
    [6, 5, 5],
    { group: int(6), pads: ints([1, 1, 1, 1]) },
    [6, 5, 5],
  ),
  convolution(
    'grouped and dilated',
    [4, 2, 2, 2],
    [4, 3, 3],
    { group: int(2), dilations: ints([2, 2]) },
    [4, 5, 5],
  ),
  {
    name: 'Conv of computed weights',
    row: [2, 3, 3],
    out: [2, 2, 2],
    nodes: [node('Tanh', ['w'], ['t']), node('Conv', ['x', 't'], ['y'])],
    tensors: [randomTensor('w', [2, 2, 2, 2], 5)],
  },
  transposed('one axis', [4, 2, 3], [2, 7], { strides: ints([2]) }, [4, 3]),
  transposed(
    'three axes',
    [2, 2, 2, 2, 2],
    [2, 4, 3, 3],
    { strides: ints([2, 1, 1]) },
    [2, 2, 2, 2],
  ),
  transposed('dilated', [4, 2, 2, 2], [2, 5, 6], { dilations: ints([2, 2]) }),
  transposed('same upper', [4, 2, 3, 3], [2, 6, 8], {
    auto_pad: text('SAME_UPPER'),
    strides: ints([2, 2]),
  }),
  transposed('same lower', [4, 2, 3, 3], [2, 6, 8], {
    auto_pad: text('SAME_LOWER'),
    strides: ints([2, 2]),
  }),
  transposed('of a given size', [4, 2, 3, 3], [2, 6, 8], {
    output_shape: ints([6, 8]),
    strides: ints([2, 2]),
  }),
  transposed('valid', [4, 2, 3, 3], [2, 7, 9], { auto_pad: text('VALID'), strides: ints([2, 2]) }),
];

/** Cases. */
export const convolutionCases: readonly OperatorCase[] = [
  ...convolutions,
  ...groups,
  ...transposes,
  ...more,
  {
    ...convolution('in an old opset', [4, 6, 3, 3], [4, 3, 3], {}, [6, 5, 5]),
    opset: 9,
  },
];
