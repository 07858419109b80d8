/** Fourier transforms, deformable convolutions, regions, and results whose size data decide. */
import {
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
} from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text, xToY } from '../models.ts';

type Attributes = Readonly<Record<string, OnnxAttribute>>;

function dft(name: string, of: Pick<OperatorCase, 'row' | 'out'>, attributes: Attributes) {
  return {
    ...{ name: `DFT ${name}`, ...of, opset: 17, floatsOnly: true },
    nodes: [xToY('DFT', attributes, name.endsWith('longer') ? ['length'] : [])],
    tensors: [intTensor('length', [], [7])],
  };
}

function stft(name: string, onesided: number, window: boolean): OperatorCase {
  return {
    ...{ name: `STFT ${name}`, row: [12], out: [5, onesided === 1 ? 3 : 4, 2] },
    ...{ opset: 17, floatsOnly: true },
    nodes: [
      node('Unsqueeze', ['x', 'last'], ['signal']),
      node('STFT', ['signal', 'step', window ? 'window' : '', 'length'], ['y'], {
        onesided: int(onesided),
      }),
    ],
    tensors: [
      intTensor('last', [1], [-1]),
      intTensor('step', [], [2]),
      intTensor('length', [], [4]),
      floatTensor('window', [4], [0.2, 0.9, 1, 0.4]),
    ].filter((tensor) => window || tensor.name !== 'window'),
  };
}

/** Offsets and masks depend on the picture too. */
function deformed(name: string, attributes: Attributes, groups: number, mask: boolean) {
  const [out, taps] = [[2, 3, 4], 4] as const;
  const offsets = groups * taps * 2 * 12;
  const masks = groups * taps * 12;
  const inputs = ['x', 'w', 'offset', 'b', ...(mask ? ['mask'] : [])];
  return {
    ...{ name: `DeformConv ${name}`, row: [4, 4, 5], out, opset: 22, floatsOnly: true, step: 1e-3 },
    nodes: [
      node('Flatten', ['x'], ['lined']),
      node('MatMul', ['lined', 'toOffset'], ['moves']),
      node('Reshape', ['moves', 'offsetShape'], ['offset']),
      ...(mask
        ? [
            node('MatMul', ['lined', 'toMask'], ['heights']),
            node('Sigmoid', ['heights'], ['shares']),
            node('Reshape', ['shares', 'maskShape'], ['mask']),
          ]
        : []),
      node('DeformConv', inputs, ['y'], {
        kernel_shape: ints([2, 2]),
        offset_group: int(groups),
        ...attributes,
      }),
    ],
    tensors: [
      randomTensor('w', attributes.group === undefined ? [2, 4, 2, 2] : [2, 2, 2, 2], 1),
      randomTensor('b', [2], 2),
      randomTensor('toOffset', [80, offsets], 3),
      intTensor('offsetShape', [4], [-1, groups * taps * 2, 3, 4]),
      ...(mask
        ? [
            randomTensor('toMask', [80, masks], 4),
            intTensor('maskShape', [4], [-1, groups * taps, 3, 4]),
          ]
        : []),
    ],
  };
}

function regions(mode: string): OperatorCase {
  return {
    ...{ name: `RoiAlign ${mode}`, row: [2, 6, 7], out: [2, 2, 3], opset: 16 },
    ...{ floatsOnly: true, fixedRows: true },
    nodes: [
      node('RoiAlign', ['x', 'boxes', 'rows'], ['y'], {
        coordinate_transformation_mode: text(mode),
        output_height: int(2),
        output_width: int(3),
        sampling_ratio: int(2),
        spatial_scale: float(0.5),
      }),
    ],
    tensors: [
      floatTensor('boxes', [3, 4], [1, 2, 9.3, 10.1, -3.1, 0, 4, 7.7, 6, 5, 15.5, 13]),
      intTensor('rows', [3], [1, 0, 2]),
    ],
  };
}

/** Both the cache and what is written depend on the input. */
function cache(mode: string): OperatorCase {
  return {
    ...{ name: `TensorScatter ${mode}`, row: [2, 4, 2], out: [2, 4, 2], opset: 24 },
    ...{ fixedRows: true, floatsOnly: true },
    nodes: [
      node('Tanh', ['x'], ['bent']),
      node('Slice', ['bent', 'from', 'to', 'axis'], ['fresh']),
      node('TensorScatter', ['x', 'fresh', 'starts'], ['y'], { mode: text(mode) }),
    ],
    tensors: [
      intTensor('from', [1], [1]),
      intTensor('to', [1], [3]),
      intTensor('axis', [1], [2]),
      intTensor('starts', [3], mode === 'circular' ? [3, 0, 2] : [2, 0, 1]),
    ],
  };
}

/** Cases of transforms and regions. */
export const regionCases: readonly OperatorCase[] = [
  dft('real', { row: [5, 1], out: [5, 2] }, { axis: int(1) }),
  dft('real onesided', { row: [6, 1], out: [4, 2] }, { axis: int(1), onesided: int(1) }),
  dft('complex', { row: [3, 4, 2], out: [3, 4, 2] }, { axis: int(2) }),
  dft('inverse', { row: [4, 3, 2], out: [4, 3, 2] }, { axis: int(1), inverse: int(1) }),
  dft('longer', { row: [5, 1], out: [7, 2] }, { axis: int(1) }),
  {
    ...{ name: 'DFT with the axis as input', row: [3, 5, 1], out: [3, 5, 2] },
    ...{ opset: 20, floatsOnly: true },
    nodes: [xToY('DFT', {}, ['', 'axis'])],
    tensors: [intTensor('axis', [], [-2])],
  },
  stft('onesided', 1, true),
  stft('whole, without window', 0, false),
  deformed('plain', {}, 1, false),
  deformed('with masks and groups', { group: int(2) }, 2, true),
  cache('linear'),
  cache('circular'),
  regions('half_pixel'),
  regions('output_half_pixel'),
  {
    ...{ name: 'Unique', row: [4], out: [4], fixedRows: true, floatsOnly: true },
    nodes: [
      node('Unique', ['x'], ['all'], { sorted: int(1) }),
      node('Reshape', ['all', 'shape'], ['y']),
    ],
    tensors: [intTensor('shape', [2], [3, 4])],
  },
  {
    ...{ name: 'Unique along an axis', row: [4], out: [4], fixedRows: true, floatsOnly: true },
    nodes: [xToY('Unique', { axis: int(1), sorted: int(0) })],
  },
  {
    ...{ name: 'Range', row: [4], out: [4], fixedRows: true, floatsOnly: true },
    nodes: [
      node('ReduceSum', ['x'], ['sum'], { keepdims: int(0) }),
      node('Tanh', ['sum'], ['start']),
      node('Add', ['start', 'twelve'], ['end']),
      node('Div', ['start', 'ten'], ['small']),
      node('Add', ['small', 'four'], ['delta']),
      node('Range', ['start', 'end', 'delta'], ['steps']),
      node('Slice', ['steps', 'first', 'three'], ['some']),
      node('Unsqueeze', ['some', 'one'], ['tall']),
      node('Mul', ['x', 'tall'], ['y']),
    ],
    tensors: [
      floatTensor('twelve', [], [13]),
      floatTensor('ten', [], [10]),
      floatTensor('four', [], [4]),
      intTensor('first', [1], [0]),
      intTensor('three', [1], [3]),
      intTensor('one', [1], [1]),
    ],
  },
];
