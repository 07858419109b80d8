/** Pooling by norms as a convolution of powers, and selections by a mask. */
import { unsupported } from '../../error.ts';
import { int, ints, type OnnxNode } from '../../onnx/model.ts';
import { fromFront, integer, integers, mul, reduceSum, scalar } from '../emitter.ts';
import { leftover, windowOf } from '../operators/window.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const poolingLowerings: Readonly<Record<string, Lowering>> = {
  LpPool: pool,
  GlobalLpPool: (context, forward) => {
    const [x = ''] = forward.inputs;
    const axes = [...context.shape(x).keys()].slice(2);
    const p = integer(forward, 'p', 2);
    const sum = reduceSum(context, powers(context, x, p), axes, true);
    context.output(forward, 0, root(context, sum, p));
  },
  Compress: compress,
};

/** The places of columns are asked for by nobody, so that rows may count them. */
export const rowsFirst: Lowering = (context, forward) => {
  const { storage_order: _, ...attributes } = forward.attributes;
  context.output(forward, 0, context.emit('MaxPool', forward.inputs, attributes));
};

function powers(context: Lower, x: string, p: number): string {
  if (p === 2) return mul(context, x, x);
  const size = context.emit('Abs', [x]);
  return p === 1 ? size : context.emit('Pow', [size, scalar(context, p)]);
}

/** The slope of a root is endless at 0, where nothing that moves could be told from nothing. */
const least = 1e-30;

function root(context: Lower, sum: string, p: number): string {
  if (p === 1) return sum;
  const safe = context.emit('Max', [sum, scalar(context, least)]);
  return context.emit('Pow', [safe, scalar(context, 1 / p)]);
}

function pool(context: Lower, forward: OnnxNode): void {
  const [x = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  const kernel = integers(forward, 'kernel_shape') ?? [];
  const [, channels = 1, ...spatial] = context.shape(x);
  const p = integer(forward, 'p', 2);
  const window = windowOf(forward, spatial, kernel);
  const rest = leftover(window, spatial, context.shape(y).slice(2));
  const pads = window.pads.map((pad, i) => {
    return i < rest.length ? pad : pad + Math.max(0, -(rest[i - rest.length] ?? 0));
  });
  const area = kernel.reduce((product, size) => product * size, 1);
  const ones = context.floats([channels, 1, ...kernel], new Float32Array(channels * area).fill(1));
  const sum = context.emit('Conv', [powers(context, x, p), ones], {
    strides: ints(window.strides),
    dilations: ints(window.dilations),
    pads: ints(pads),
    group: int(channels),
  });
  context.output(forward, 0, root(context, sum, p));
}

/** A constant mask says which positions stay. */
function compress(context: Lower, forward: OnnxNode): void {
  const [x = '', mask = ''] = forward.inputs;
  const tensor = context.constant(mask);
  if (tensor === null) throw unsupported('Compress', forward.name, 'its mask is computed');
  const positions = [...tensor.data].flatMap((chosen, i) => (chosen === 0 ? [] : [i]));
  const axis = forward.attributes.axis;
  const rank = context.shape(x).length;
  const whole = axis?.kind !== 'int';
  if (whole && context.shape(x).some((_, i) => context.rows(x, i))) {
    throw unsupported('Compress', forward.name, 'it takes part of the batch');
  }
  const from = whole ? context.emit('Reshape', [x, context.ints([-1])]) : x;
  const at = context.intTensor([positions.length], positions);
  const along = int(whole ? 0 : fromFront(axis.value, rank));
  context.output(forward, 0, context.emit('Gather', [from, at], { axis: along }));
}
