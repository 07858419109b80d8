/** Normalisations as layer normalisation and arithmetic. */
import { unsupported } from '../../error.ts';
import { float, int, ints, type OnnxNode } from '../../onnx/model.ts';
import {
  add,
  axisOf,
  div,
  fromFront,
  has,
  integer,
  integers,
  mul,
  number,
  reduceMean,
  reshape,
  type Size,
  scalar,
  sizesOf,
  sub,
  where,
} from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const normalizeLowerings: Readonly<Record<string, Lowering>> = {
  InstanceNormalization: (context, forward) => grouped(context, forward, null),
  GroupNormalization: (context, forward) =>
    grouped(context, forward, integer(forward, 'num_groups', 1)),
  RMSNormalization: rootMeanSquare,
  SimplifiedLayerNormalization: rootMeanSquare,
  LRN: localResponse,
  MeanVarianceNormalization: meanVariance,
  LpNormalization: byNorm,
};

/** Lowerings by operator of the runtime's domain. */
export const runtimeNormalizeLowerings: Readonly<Record<string, Lowering>> = {
  SimplifiedLayerNormalization: rootMeanSquare,
  SkipLayerNormalization: (context, forward) => {
    const [x = '', skip = '', scale = '', shift = '', bias = ''] = forward.inputs;
    const sum = summed(context, [x, skip, bias]);
    const inputs = shift === '' ? [sum, scale] : [sum, scale, shift];
    const attributes = { axis: int(-1), epsilon: float(number(forward, 'epsilon', 1e-12)) };
    context.output(forward, 0, context.emit('LayerNormalization', inputs, attributes));
    context.output(forward, 3, sum);
  },
  SkipSimplifiedLayerNormalization: (context, forward) => {
    const [x = '', skip = '', scale = '', bias = ''] = forward.inputs;
    const sum = summed(context, [x, skip, bias]);
    const rank = context.shape(x).length;
    const epsilon = number(forward, 'epsilon', 1e-12);
    context.output(forward, 0, mul(context, overRoot(context, sum, [rank - 1], epsilon), scale));
    context.output(forward, 3, sum);
  },
};

function summed(context: Lower, names: readonly string[]): string {
  return names.filter((name) => name !== '').reduce((sum, name) => add(context, sum, name));
}

/** Every channel (or group of channels) of every row as one layer to normalise. */
function grouped(context: Lower, forward: OnnxNode, groups: number | null): void {
  const [x = '', scale = '', shift = ''] = forward.inputs;
  const [, channels = 1, ...spatial] = context.shape(x);
  const count = groups ?? channels;
  const area = spatial.reduce((product, size) => product * size, channels / count);
  const sizes: readonly Size[] = sizesOf(context, x);
  const layers = reshape(context, x, [sizes[0] ?? 1, count, area]);
  const ones = context.floats([area], new Float32Array(area).fill(1));
  const normal = context.emit('LayerNormalization', [layers, ones], {
    axis: int(-1),
    epsilon: float(number(forward, 'epsilon', 1e-5)),
  });
  // Opset 18 scales by groups, opset 21 by channels.
  const scales = context.shape(scale)[0] ?? 1;
  const apart = scales === count && scales !== channels;
  const before = apart ? normal : reshape(context, normal, sizes);
  const standing = apart ? [scales, 1] : [channels, ...spatial.map(() => 1)];
  const stand = (name: string): string => context.emit('Reshape', [name, context.ints(standing)]);
  const scaled = add(context, mul(context, before, stand(scale)), stand(shift));
  context.output(forward, 0, apart ? reshape(context, scaled, sizes) : scaled);
}

/** Zhang and Sennrich 2019. */
function rootMeanSquare(context: Lower, forward: OnnxNode): void {
  const [x = '', scale = ''] = forward.inputs;
  const first = axisOf(context, forward, { value: x, otherwise: -1 });
  const axes = [...context.shape(x).keys()].slice(first);
  const normal = overRoot(context, x, axes, number(forward, 'epsilon', 1e-5));
  context.output(forward, 0, has(forward, 1) ? mul(context, normal, scale) : normal);
}

function overRoot(context: Lower, x: string, axes: readonly number[], epsilon: number): string {
  const mean = reduceMean(context, mul(context, x, x), axes);
  return div(context, x, context.emit('Sqrt', [add(context, mean, epsilon)]));
}

/** Krizhevsky, Sutskever and Hinton 2012, section 3.3: squares of neighbouring channels. */
function localResponse(context: Lower, forward: OnnxNode): void {
  const [x = ''] = forward.inputs;
  const size = integer(forward, 'size', 1);
  const alpha = number(forward, 'alpha', 1e-4);
  const beta = number(forward, 'beta', 0.75);
  const [, channels = 1, ...spatial] = context.shape(x);
  const sizes = sizesOf(context, x);
  const area = spatial.reduce((product, each) => product * each, 1);
  const rows = reshape(context, mul(context, x, x), [sizes[0] ?? 1, 1, channels, area]);
  const before = Math.floor((size - 1) / 2);
  const mean = context.emit('AveragePool', [rows], {
    kernel_shape: ints([size, 1]),
    pads: ints([before, 0, size - 1 - before, 0]),
    count_include_pad: int(1),
  });
  const base = add(context, mul(context, mean, alpha), number(forward, 'bias', 1));
  const power = context.emit('Pow', [base, scalar(context, -beta)]);
  context.output(forward, 0, mul(context, x, reshape(context, power, sizes)));
}

function meanVariance(context: Lower, forward: OnnxNode): void {
  const [x = ''] = forward.inputs;
  const rank = context.shape(x).length;
  const axes = (integers(forward, 'axes') ?? [0, 2, 3]).map((axis) => fromFront(axis, rank));
  if (axes.some((axis) => context.rows(x, axis))) {
    throw unsupported(forward.operator, forward.name, 'it mixes the rows of the batch');
  }
  const centred = sub(context, x, reduceMean(context, x, axes));
  const variance = reduceMean(context, mul(context, centred, centred), axes);
  const width = add(context, context.emit('Sqrt', [variance]), 1e-9);
  context.output(forward, 0, div(context, centred, width));
}

/** What has no length stays as it is. */
function byNorm(context: Lower, forward: OnnxNode): void {
  const [x = ''] = forward.inputs;
  const axis = axisOf(context, forward, { value: x, otherwise: -1 });
  const operator = integer(forward, 'p', 2) === 1 ? 'ReduceL1' : 'ReduceL2';
  const norm = context.emit(operator, [x, context.ints([axis])]);
  const zero = context.emit('Equal', [norm, scalar(context, 0)]);
  context.output(forward, 0, div(context, x, where(context, zero, 1, norm)));
}
