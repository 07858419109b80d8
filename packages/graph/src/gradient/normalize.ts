/** Gradients of normalisations and of softmax. */
import { unsupported } from '../error.ts';
import { floatsIn, type OnnxNode } from '../onnx/model.ts';
import { axisOf, type Backward, type GradientRule, reduceSum, scalar } from './builder.ts';

/** Rules by operator. */
export const normalizeRules: Readonly<Record<string, GradientRule>> = {
  BatchNormalization: batchNormalization,
  LayerNormalization: layerNormalization,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};

/** At inference a fixed affine map of each channel; its scale and bias may be trained. */
function batchNormalization(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', scale = '', bias = '', meanName = '', varianceName = ''] = forward.inputs;
  const mean = context.constant(meanName);
  const variance = context.constant(varianceName);
  const training = forward.attributes.training_mode;
  if (training?.kind === 'int' && training.value !== 0) {
    throw unsupported('BatchNormalization', forward.name, 'it is in training mode');
  }
  if (mean === null || variance === null) {
    throw unsupported('BatchNormalization', forward.name, 'its statistics are computed');
  }
  const own = forward.attributes.epsilon;
  const epsilon = own?.kind === 'float' ? own.value : 1e-5;
  const widths = floatsIn(variance).map((value) => 1 / Math.sqrt(value + epsilon));
  const rank = context.shape(x).length;
  const standing = [1, widths.length, ...Array.from({ length: rank - 2 }, () => 1)];
  const inverse = context.floats(standing, widths);
  if (context.wants(x)) {
    const factor = context.emit('Mul', [
      context.emit('Reshape', [scale, context.ints(standing)]),
      inverse,
    ]);
    context.give(x, context.emit('Mul', [gradient, factor]));
  }
  const others = standing.flatMap((_, i) => (i === 1 ? [] : [i]));
  if (context.wants(scale)) {
    const centred = context.emit('Sub', [x, context.floats(standing, floatsIn(mean))]);
    const normal = context.emit('Mul', [centred, inverse]);
    const product = context.emit('Mul', [gradient, normal]);
    context.give(scale, reduceSum(context, product, others, false));
  }
  if (context.wants(bias)) context.give(bias, reduceSum(context, gradient, others, false));
}

/** Ba, Kiros and Hinton 2016; the operator tells its means and inverse deviations. */
function layerNormalization(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', scale = '', bias = ''] = forward.inputs;
  const shape = context.shape(x);
  const first = axisOf(context, forward, { value: x, otherwise: -1 });
  if (first === 0) throw unsupported('LayerNormalization', forward.name, 'it mixes the batch');
  const axes = [...shape.keys()].slice(first);
  const leading = [...shape.keys()].slice(0, first);
  const mean = context.extraOutput(forward, 1);
  const inverse = context.extraOutput(forward, 2);
  const normal = context.emit('Mul', [context.emit('Sub', [x, mean]), inverse]);
  if (context.wants(x)) {
    const scaled = context.emit('Mul', [gradient, scale]);
    const count = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
    const average = (value: string): string =>
      context.emit('Mul', [reduceSum(context, value, axes, true), scalar(context, 1 / count)]);
    const along = average(context.emit('Mul', [scaled, normal]));
    const centred = context.emit('Sub', [scaled, average(scaled)]);
    const rest = context.emit('Sub', [centred, context.emit('Mul', [normal, along])]);
    context.give(x, context.emit('Mul', [rest, inverse]));
  }
  if (context.wants(scale)) {
    const product = context.emit('Mul', [gradient, normal]);
    context.give(scale, reduceSum(context, product, leading, false));
  }
  if (bias !== '' && context.wants(bias)) {
    context.give(bias, reduceSum(context, gradient, leading, false));
  }
}

function softmax(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const y = forward.outputs[0] ?? '';
  const weighted = context.emit('Mul', [gradient, y]);
  const sum = reduceSum(context, weighted, [softmaxAxis(context, forward)], true);
  const centred = context.emit('Sub', [gradient, sum]);
  context.give(x, context.emit('Mul', [centred, y]));
}

function logSoftmax(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const sum = reduceSum(context, gradient, [softmaxAxis(context, forward)], true);
  const shares = context.emit('Exp', [forward.outputs[0] ?? '']);
  context.give(x, context.emit('Sub', [gradient, context.emit('Mul', [shares, sum])]));
}

/** Before opset 13 softmax flattened everything from its axis on; on the last axis it is one. */
function softmaxAxis(context: Backward, forward: OnnxNode): number {
  const [x = ''] = forward.inputs;
  const axis = axisOf(context, forward, { value: x, otherwise: context.opset < 13 ? 1 : -1 });
  if (context.opset < 13 && axis !== context.shape(x).length - 1) {
    throw unsupported(forward.operator, forward.name, 'it flattens several axes');
  }
  return axis;
}
