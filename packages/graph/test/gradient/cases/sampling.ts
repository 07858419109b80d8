/** Sampling at computed places, blocks, losses, and classic models. */
import {
  float,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxNode,
} from '../../../src/index.ts';
import { type OperatorCase, randomTensor, text, xToY } from '../models.ts';

const image = [2, 4, 5] as const;

/** Places that depend on the image itself, so that both inputs take their gradients. */
function sampled(mode: string, padding: string, aligned: number): OperatorCase {
  return {
    ...{ name: `GridSample ${mode} ${padding} ${aligned}`, row: image, out: [2, 2, 3], opset: 20 },
    nodes: [
      node('Flatten', ['x'], ['flat1']),
      node('MatMul', ['flat1', 'turn'], ['t']),
      node('Tanh', ['t'], ['bent']),
      node('Mul', ['bent', 'stretch'], ['wide']),
      node('Reshape', ['wide', 'places'], ['grid']),
      node('GridSample', ['x', 'grid'], ['y'], {
        mode: text(mode),
        padding_mode: text(padding),
        align_corners: int(aligned),
      }),
    ],
    tensors: [
      randomTensor('turn', [40, 12], 5),
      floatTensor('stretch', [], [1.4]),
      intTensor('places', [4], [-1, 2, 3, 2]),
    ],
    floatsOnly: true,
    step: 1e-3,
  };
}

function classic(
  operator: string,
  attributes: Readonly<Record<string, OnnxAttribute>>,
  outputs: readonly string[] = ['y'],
): OnnxNode {
  return { ...node(operator, ['x'], outputs, attributes), domain: 'ai.onnx.ml' };
}

const floats = (value: readonly number[]): OnnxAttribute => ({ kind: 'floats', value });

const classicCases: readonly OperatorCase[] = [
  {
    ...{
      name: 'FeatureVectorizer and ArrayFeatureExtractor',
      row: [3],
      out: [2],
      floatsOnly: true,
    },
    nodes: [
      node('Tanh', ['x'], ['t']),
      {
        ...node('FeatureVectorizer', ['x', 't'], ['both'], { inputdimensions: ints([3, 3]) }),
        domain: 'ai.onnx.ml',
      },
      { ...node('ArrayFeatureExtractor', ['both', 'at'], ['y']), domain: 'ai.onnx.ml' },
    ],
    tensors: [intTensor('at', [2], [4, 1])],
  },
  {
    ...{ name: 'Scaler', row: [3], out: [3] },
    nodes: [classic('Scaler', { offset: floats([1, 2, 3]), scale: floats([0.5, 2, 1]) })],
  },
  ...['MAX', 'L1', 'L2'].map(
    (norm): OperatorCase => ({
      ...{ name: `Normalizer ${norm}`, row: [4], out: [4], shift: 3, floatsOnly: true },
      nodes: [classic('Normalizer', { norm: text(norm) })],
    }),
  ),
  {
    ...{ name: 'LinearRegressor', row: [3], out: [2], floatsOnly: true },
    nodes: [
      classic('LinearRegressor', {
        coefficients: floats([0.5, -1, 2, 1, 0.3, -0.4]),
        intercepts: floats([0.1, -0.2]),
        targets: int(2),
      }),
    ],
  },
  ...['NONE', 'LOGISTIC', 'SOFTMAX'].map(
    (how): OperatorCase => ({
      ...{ name: `LinearClassifier ${how}`, row: [2], out: [3], floatsOnly: true },
      nodes: [
        classic(
          'LinearClassifier',
          {
            coefficients: floats([0.5, -1, 2, 1, 0.3, -0.4]),
            intercepts: floats([0.1, -0.2, 0.3]),
            classlabels_ints: ints([0, 1, 2]),
            post_transform: text(how),
            multi_class: int(0),
          },
          ['label', 'y'],
        ),
      ],
    }),
  ),
  {
    ...{ name: 'Imputer', row: [3], out: [3], floatsOnly: true },
    nodes: [
      classic('Imputer', {
        imputed_value_floats: floats([1, 2, 3]),
        replaced_value_float: float(Number.NaN),
      }),
    ],
  },
];

/** Cases. */
export const samplingCases: readonly OperatorCase[] = [
  ...['linear', 'cubic', 'nearest']
    .flatMap((mode) =>
      ['zeros', 'border', 'reflection'].flatMap((padding) =>
        [0, 1].map((aligned) => sampled(mode, padding, aligned)),
      ),
    )
    .filter(
      ({ name }) => !/nearest (border|reflection)|cubic (zeros 1|border|reflection 0)/.test(name),
    ),
  ...[0, 1].map(
    (aligned): OperatorCase => ({
      ...{ name: `AffineGrid ${aligned}`, row: [2, 3], out: [3, 4, 2], opset: 20 },
      nodes: [xToY('AffineGrid', { align_corners: int(aligned) }, ['size'])],
      tensors: [intTensor('size', [4], [3, 1, 3, 4])],
      fixedRows: true,
      floatsOnly: true,
    }),
  ),
  {
    ...{ name: 'CenterCropPad', row: [5, 3], out: [2, 6], opset: 18, fixedRows: true },
    nodes: [xToY('CenterCropPad', { axes: ints([1, 2]) }, ['size'])],
    tensors: [intTensor('size', [2], [2, 6])],
  },
  {
    ...{ name: 'Col2Im', row: [8, 6], out: [2, 4, 4], opset: 18 },
    nodes: [
      xToY('Col2Im', { strides: ints([2, 1]), dilations: ints([1, 2]), pads: ints([0, 0, 0, 1]) }, [
        'image',
        'block',
      ]),
    ],
    tensors: [intTensor('image', [2], [4, 4]), intTensor('block', [2], [2, 2])],
    floatsOnly: true,
  },
  ...[0, 1].map(
    (weighted): OperatorCase => ({
      ...{ name: `SoftmaxCrossEntropyLoss ${weighted}`, row: [4, 2], out: [2] },
      nodes: [
        node('ArgMax', ['x'], ['label'], { axis: int(1), keepdims: int(0) }),
        node('SoftmaxCrossEntropyLoss', ['x', 'label', ...(weighted === 1 ? ['w'] : [])], ['y'], {
          reduction: text('none'),
          ...(weighted === 1 && { ignore_index: int(2) }),
        }),
      ],
      tensors: [floatTensor('w', [4], [1, 2, 0.5, 3])],
    }),
  ),
  {
    ...{ name: 'NegativeLogLikelihoodLoss', row: [4, 2], out: [2] },
    nodes: [
      node('ArgMax', ['x'], ['label'], { axis: int(1), keepdims: int(0) }),
      node('NegativeLogLikelihoodLoss', ['x', 'label'], ['y'], { reduction: text('none') }),
    ],
  },
  {
    ...{ name: 'Mod', row: [6], out: [6], floatsOnly: true, step: 1e-3 },
    nodes: [node('Mod', ['x', 'm'], ['y'], { fmod: int(1) })],
    tensors: [floatTensor('m', [6], [0.7, 0.6, 1.1, 0.8, 0.5, 0.9])],
  },
  {
    ...{ name: 'Mod of two paths', row: [6], out: [6], shift: 3, step: 1e-3, floatsOnly: true },
    nodes: [node('Tanh', ['x'], ['t']), node('Mod', ['x', 't'], ['y'], { fmod: int(1) })],
  },
  ...classicCases,
];
