/** Resampling: every mode, with scales and with sizes. */
import { float, floatTensor, int, ints, intTensor } from '../../../src/index.ts';
import { type OperatorCase, text, xToY } from '../models.ts';

const row = [2, 4, 5] as const;

function scaled(
  mode: string,
  transformation: string,
  nearest = 'round_prefer_floor',
  scales: readonly number[] = [1.5, 2.2],
): OperatorCase {
  const out = [2, ...scales.map((scale, i) => Math.floor(scale * (i === 0 ? 4 : 5)))];
  return {
    ...{ name: `Resize ${mode} ${transformation} ${nearest} ${scales.join(' ')}`, row, out },
    opset: 13,
    nodes: [
      xToY(
        'Resize',
        {
          mode: text(mode),
          coordinate_transformation_mode: text(transformation),
          nearest_mode: text(nearest),
        },
        ['', 's'],
      ),
    ],
    tensors: [floatTensor('s', [4], [1, 1, ...scales])],
  };
}

/** Cases. */
export const resizeCases: readonly OperatorCase[] = [
  ...['round_prefer_floor', 'round_prefer_ceil', 'floor', 'ceil'].flatMap((nearest) => [
    scaled('nearest', 'half_pixel', nearest),
    scaled('nearest', 'asymmetric', nearest),
    scaled('nearest', 'asymmetric', nearest, [0.6, 0.5]),
  ]),
  ...['half_pixel', 'asymmetric', 'align_corners', 'pytorch_half_pixel'].flatMap((transformation) =>
    ['linear', 'cubic'].flatMap((mode) => [
      scaled(mode, transformation),
      scaled(mode, transformation, 'floor', [0.5, 0.6]),
    ]),
  ),
  {
    ...{ name: 'Resize to sizes', row, out: [2, 3, 8], opset: 13 },
    nodes: [xToY('Resize', { mode: text('linear') }, ['', '', 'to'])],
    tensors: [intTensor('to', [4], [3, 2, 3, 8])],
    fixedRows: true,
  },
  {
    ...{ name: 'Resize of two axes', row, out: [2, 8, 10], opset: 18 },
    nodes: [xToY('Resize', { mode: text('nearest'), axes: ints([2, 3]) }, ['', '', 'to'])],
    tensors: [intTensor('to', [2], [8, 10])],
  },
  {
    ...{ name: 'Resize keeping proportions', row, out: [2, 6, 8], opset: 18 },
    nodes: [
      xToY(
        'Resize',
        { mode: text('linear'), axes: ints([2, 3]), keep_aspect_ratio_policy: text('not_larger') },
        ['', '', 'to'],
      ),
    ],
    tensors: [intTensor('to', [2], [6, 10])],
  },
  {
    ...{ name: 'Resize half_pixel_symmetric', row, out: [2, 5, 9], opset: 19 },
    nodes: [
      xToY(
        'Resize',
        { mode: text('linear'), coordinate_transformation_mode: text('half_pixel_symmetric') },
        ['', 's'],
      ),
    ],
    tensors: [floatTensor('s', [4], [1, 1, 1.3, 1.9])],
  },
  {
    ...{ name: 'Resize of a region', row, out: [2, 5, 6], opset: 13 },
    nodes: [
      xToY(
        'Resize',
        {
          mode: text('linear'),
          coordinate_transformation_mode: text('tf_crop_and_resize'),
          extrapolation_value: float(3),
        },
        ['roi', 's'],
      ),
    ],
    tensors: [
      floatTensor('roi', [8], [0, 0, 0.2, 0.1, 1, 1, 1.1, 0.8]),
      floatTensor('s', [4], [1, 1, 1.25, 1.2]),
    ],
  },
  ...['linear', 'cubic'].map(
    (mode): OperatorCase => ({
      ...{
        name: `Resize ${mode}, smaller without aliases`,
        row: [2, 8, 10],
        out: [2, 4, 4],
        opset: 18,
      },
      nodes: [xToY('Resize', { mode: text(mode), antialias: int(1) }, ['', 's'])],
      tensors: [floatTensor('s', [4], [1, 1, 0.5, 0.4])],
    }),
  ),
  {
    ...{ name: 'Resize cubic, nothing from outside', row, out: [2, 8, 10], opset: 13 },
    nodes: [
      xToY('Resize', { mode: text('cubic'), exclude_outside: int(1), cubic_coeff_a: float(-0.5) }, [
        '',
        's',
      ]),
    ],
    tensors: [floatTensor('s', [4], [1, 1, 2, 2])],
  },
  {
    ...{ name: 'Upsample', row, out: [2, 8, 10], opset: 9 },
    nodes: [xToY('Upsample', { mode: text('nearest') }, ['s'])],
    tensors: [floatTensor('s', [4], [1, 1, 2, 2])],
  },
  {
    ...{ name: 'Upsample linear, in an old opset', row, out: [2, 8, 10], opset: 7 },
    nodes: [
      xToY('Upsample', { mode: text('linear'), scales: { kind: 'floats', value: [1, 1, 2, 2] } }),
    ],
  },
  {
    ...{ name: 'Resize in opset 10', row, out: [2, 8, 10], opset: 10 },
    nodes: [xToY('Resize', { mode: text('nearest') }, ['s'])],
    tensors: [floatTensor('s', [4], [1, 1, 2, 2])],
  },
];
