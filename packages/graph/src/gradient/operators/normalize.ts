/** Gradients of normalisations and of softmax. */
import { unsupported } from '../../error.ts';
import { floatsIn, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import {
  add,
  axisOf,
  integer,
  mul,
  number,
  reduceMean,
  reduceSum,
  sub,
  sumTo,
} from '../emitter.ts';
import { centredGradient } from '../prepare/norm.ts';

/** Rules by operator. */
export const normalizeRules: Readonly<Record<string, GradientRule>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};

/** At inference a fixed affine map of each channel; its scale and bias may be trained. */
function batchNormalization(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', scale = '', bias = '', mean = '', variance = ''] = forward.inputs;
  if (integer(forward, 'training_mode', 0) !== 0) {
    throw unsupported('BatchNormalization', forward.name, 'it is in training mode');
  }
  if (context.wants(mean) || context.wants(variance)) {
    throw unsupported('BatchNormalization', forward.name, 'its statistics depend on the input');
  }
  const rank = context.shape(x).length;
  const standing = [1, context.shape(scale)[0] ?? 1, ...Array.from({ length: rank - 2 }, () => 1)];
  const inverse = inverseWidths(context, forward, standing);
  if (context.wants(x)) {
    const stood = context.emit('Reshape', [scale, context.ints(standing)]);
    context.give(x, mul(context, gradient, mul(context, stood, inverse)));
  }
  const others = standing.flatMap((_, i) => (i === 1 ? [] : [i]));
  if (context.wants(scale)) {
    const stood = context.emit('Reshape', [mean, context.ints(standing)]);
    const normal = mul(context, sub(context, x, stood), inverse);
    context.give(scale, reduceSum(context, mul(context, gradient, normal), others, false));
  }
  if (context.wants(bias)) context.give(bias, reduceSum(context, gradient, others, false));
}

function inverseWidths(context: Backward, forward: OnnxNode, standing: readonly number[]): string {
  const variance = forward.inputs[4] ?? '';
  const epsilon = number(forward, 'epsilon', 1e-5);
  const constant = context.constant(variance);
  if (constant !== null) {
    const widths = floatsIn(constant).map((value) => 1 / Math.sqrt(value + epsilon));
    return context.floats(standing, widths);
  }
  const stood = context.emit('Reshape', [variance, context.ints(standing)]);
  return context.emit('Reciprocal', [context.emit('Sqrt', [add(context, stood, epsilon)])]);
}

/** Ba, Kiros and Hinton 2016; the operator tells its means and inverse deviations. */
function layerNormalization(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', scale = '', bias = ''] = forward.inputs;
  const shape = context.shape(x);
  const first = axisOf(context, forward, { value: x, otherwise: -1 });
  const axes = [...shape.keys()].slice(first);
  if (axes.some((axis) => context.rows(x, axis))) {
    throw unsupported('LayerNormalization', forward.name, 'it mixes the rows of the batch');
  }
  const inverse = context.extraOutput(forward, 2);
  const factors = context.constant(scale);
  const plain = bias === '' && factors !== null && floatsIn(factors).every((value) => value === 1);
  const normal = plain
    ? (forward.outputs[0] ?? '')
    : mul(context, sub(context, x, context.extraOutput(forward, 1)), inverse);
  if (context.wants(x)) {
    const scaled = plain ? gradient : mul(context, gradient, scale);
    const average = (value: string): string => reduceMean(context, value, axes);
    const along = average(mul(context, scaled, normal));
    const isCentred = forward.attributes[centredGradient] !== undefined;
    const centred = isCentred ? scaled : sub(context, scaled, average(scaled));
    context.give(x, mul(context, sub(context, centred, mul(context, normal, along)), inverse));
  }
  if (context.wants(scale)) {
    const product = mul(context, gradient, normal);
    context.give(scale, sumTo(context, product, shape, context.shape(scale)));
  }
  if (bias !== '' && context.wants(bias)) {
    context.give(bias, sumTo(context, gradient, shape, context.shape(bias)));
  }
}

function softmax(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const y = forward.outputs[0] ?? '';
  const axis = axisOf(context, forward, { value: x, otherwise: -1 });
  const sum = reduceSum(context, mul(context, gradient, y), [axis], true);
  context.give(x, mul(context, sub(context, gradient, sum), y));
}

function logSoftmax(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const axis = axisOf(context, forward, { value: x, otherwise: -1 });
  const sum = reduceSum(context, gradient, [axis], true);
  const shares = context.emit('Exp', [forward.outputs[0] ?? '']);
  context.give(x, sub(context, gradient, mul(context, shares, sum)));
}
