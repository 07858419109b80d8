/** Gradients of operators that move elements, of normalisations and of softmax. */
import { unsupported } from '../error.ts';
import { floatsIn, ints, intsIn, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, reduceSum } from './builder.ts';

/** Rules by operator. */
export const shapeRules: Readonly<Record<string, GradientRule>> = {
  Transpose: transpose,
  Concat: concatenation,
  Pad: pad,
  ReduceMean: reduceMean,
  BatchNormalization: batchNormalization,
  Softmax: softmax,
  LogSoftmax: logSoftmax,
};

function transpose(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const rank = context.shape(x).length;
  const own = forward.attributes.perm;
  const perm =
    own?.kind === 'ints' ? own.value : Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const inverse = Array.from({ length: rank }, (_, i) => perm.indexOf(i));
  context.give(x, context.emit('Transpose', [gradient], { perm: ints(inverse) }));
}

function concatenation(context: Backward, forward: OnnxNode, gradient: string): void {
  const axis = axisOf(context, forward, forward.outputs[0] ?? '', 0);
  if (axis === 0) throw unsupported('Concat', forward.name, 'it joins along the batch');
  let start = 0;
  for (const name of forward.inputs) {
    const end = start + (context.shape(name)[axis] ?? 0);
    if (context.wants(name)) context.give(name, slice(context, gradient, [axis, start, end]));
    start = end;
  }
}

function slice(
  context: Backward,
  input: string,
  [axis, start, end]: readonly [number, number, number],
): string {
  const at = [start, end, axis].map((value) => context.ints([value]));
  return context.emit('Slice', [input, ...at]);
}

function pad(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', padsName = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const mode = forward.attributes.mode;
  const kind = mode?.kind === 'string' ? new TextDecoder().decode(mode.value) : 'constant';
  if (kind !== 'constant') throw unsupported('Pad', forward.name, `mode "${kind}"`);
  const own = forward.attributes.pads;
  const tensor = context.constant(padsName);
  const pads = own?.kind === 'ints' ? own.value : tensor === null ? null : intsIn(tensor);
  if (pads === null) throw unsupported('Pad', forward.name, 'its sizes are computed');
  const shape = context.shape(x);
  let out = gradient;
  for (const [axis, size] of shape.entries()) {
    const before = pads[axis] ?? 0;
    const after = pads[axis + shape.length] ?? 0;
    if (before === 0 && after === 0) continue;
    if (axis === 0) throw unsupported('Pad', forward.name, 'it pads the batch');
    out = slice(context, out, [axis, before, before + size]);
  }
  context.give(x, out);
}

function reduceMean(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', axesName = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const shape = context.shape(x);
  const own = forward.attributes.axes;
  const tensor = axesName === '' ? null : context.constant(axesName);
  const given = own?.kind === 'ints' ? own.value : tensor === null ? shape.keys() : intsIn(tensor);
  const axes = [...given].map((axis) => (axis < 0 ? axis + shape.length : axis));
  if (axes.includes(0)) throw unsupported('ReduceMean', forward.name, 'it averages the batch');
  const kept = shape.map((size, i) => (i === 0 ? -1 : axes.includes(i) ? 1 : size));
  const count = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
  const standing = context.emit('Reshape', [gradient, context.ints(kept)]);
  const each = context.emit('Mul', [standing, context.floats([], [1 / count])]);
  context.give(x, context.emit('Expand', [each, context.emit('Shape', [x])]));
}

/** At inference a fixed affine map of each channel. */
function batchNormalization(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', scaleName = '', , , varianceName = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const scale = context.constant(scaleName);
  const variance = context.constant(varianceName);
  if (scale === null || variance === null) {
    throw unsupported('BatchNormalization', forward.name, 'its statistics are computed');
  }
  const own = forward.attributes.epsilon;
  const epsilon = own?.kind === 'float' ? own.value : 1e-5;
  const variances = floatsIn(variance);
  const factors = floatsIn(scale).map((s, i) => s / Math.sqrt((variances[i] ?? 0) + epsilon));
  const spatial = context
    .shape(x)
    .slice(2)
    .map(() => 1);
  const factor = context.floats([1, factors.length, ...spatial], factors);
  context.give(x, context.emit('Mul', [gradient, factor]));
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
  const x = forward.inputs[0] ?? '';
  const axis = axisOf(context, forward, x, context.opset < 13 ? 1 : -1);
  if (context.opset < 13 && axis !== context.shape(x).length - 1) {
    throw unsupported(forward.operator, forward.name, 'it flattens several axes');
  }
  return axis;
}

function axisOf(context: Backward, forward: OnnxNode, of: string, otherwise: number): number {
  const own = forward.attributes.axis;
  const axis = own?.kind === 'int' ? own.value : otherwise;
  return axis < 0 ? axis + context.shape(of).length : axis;
}
