/** Gradients of operators that move elements and change none. */
import { unsupported } from '../error.ts';
import { int, ints, type OnnxNode } from '../onnx/model.ts';
import {
  axisOf,
  type Backward,
  type GradientRule,
  likeValue,
  listOf,
  slice,
  sumTo,
  zerosLike,
} from './builder.ts';

/** Rules by operator. */
export const shapeRules: Readonly<Record<string, GradientRule>> = {
  Flatten: reshaping,
  Reshape: reshaping,
  Squeeze: reshaping,
  Unsqueeze: reshaping,
  Transpose: transpose,
  Expand: expand,
  Concat: concatenation,
  Split: split,
  Slice: sliced,
  Gather: gather,
  Pad: pad,
};

/** Operators whose gradient may arrive at any of their outputs. */
export const manyOutputs: ReadonlySet<string> = new Set(['Split']);

function reshaping(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (context.wants(x)) context.give(x, likeValue(context, gradient, x));
}

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

function expand(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const from = context.shape(forward.outputs[0] ?? '');
  context.give(x, sumTo(context, gradient, from, context.shape(x)));
}

function concatenation(context: Backward, forward: OnnxNode, gradient: string): void {
  const axis = axisOf(context, forward, { value: forward.outputs[0] ?? '', otherwise: 0 });
  if (axis === 0) throw unsupported('Concat', forward.name, 'it joins along the batch');
  let start = 0;
  for (const name of forward.inputs) {
    const end = start + (context.shape(name)[axis] ?? 0);
    if (context.wants(name)) context.give(name, slice(context, gradient, { axis, start, end }));
    start = end;
  }
}

/** Parts that nothing depends on count as zeros. */
function split(context: Backward, forward: OnnxNode): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const axis = axisOf(context, forward, { value: x, otherwise: 0 });
  if (axis === 0) throw unsupported('Split', forward.name, 'it divides the batch');
  const parts = forward.outputs.map((part) => context.gradient(part) ?? zerosLike(context, part));
  context.give(x, context.emit('Concat', parts, { axis: int(axis) }));
}

function sliced(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const shape = context.shape(x);
  const starts = listOf(context, forward, { attribute: 'starts', input: 1 });
  const given = listOf(context, forward, { attribute: 'axes', input: 3 });
  const steps = listOf(context, forward, { attribute: '', input: 4 });
  if (starts === null) throw unsupported('Slice', forward.name, 'its bounds are computed');
  if (steps?.some((step) => step !== 1)) {
    throw unsupported('Slice', forward.name, 'it takes steps other than 1');
  }
  const out = context.shape(forward.outputs[0] ?? '');
  const before = shape.map(() => 0);
  for (const [i, start] of starts.entries()) {
    const axis = fromFront(given?.[i] ?? i, shape.length);
    const size = shape[axis] ?? 0;
    before[axis] = Math.min(size, Math.max(0, start < 0 ? start + size : start));
  }
  if (shape[0] !== out[0]) throw unsupported('Slice', forward.name, 'it takes part of the batch');
  const after = shape.map((size, axis) => size - (before[axis] ?? 0) - (out[axis] ?? 0));
  context.give(x, padded(context, gradient, [...before, ...after]));
}

function padded(context: Backward, value: string, pads: readonly number[]): string {
  if (context.opset >= 11) return context.emit('Pad', [value, context.ints(pads)]);
  return context.emit('Pad', [value], { pads: ints(pads) });
}

const selectionMax = 1_000_000;

/** Constant positions along one axis: a product with the matrix of ones at these positions. */
function gather(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', positions = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const shape = context.shape(x);
  const axis = axisOf(context, forward, { value: x, otherwise: 0 });
  const list = listOf(context, forward, { attribute: '', input: 1 });
  if (list === null) throw unsupported('Gather', forward.name, 'its positions are computed');
  if (axis === 0) throw unsupported('Gather', forward.name, 'it takes part of the batch');
  const size = shape[axis] ?? 0;
  if (context.shape(positions).length > 1 || list.length * size > selectionMax) {
    throw unsupported('Gather', forward.name, 'it takes too many positions');
  }
  const matrix = new Float32Array(list.length * size);
  for (const [row, position] of list.entries()) matrix[row * size + fromFront(position, size)] = 1;
  const standing = shape.map((length, i) => (i === 0 ? -1 : i === axis ? list.length : length));
  const rows = context.emit('Reshape', [gradient, context.ints(standing)]);
  const swap = shape.map((_, i) => i);
  [swap[axis], swap[shape.length - 1]] = [shape.length - 1, axis];
  const turned = context.emit('Transpose', [rows], { perm: ints(swap) });
  const spread = context.emit('MatMul', [turned, context.floats([list.length, size], matrix)]);
  context.give(x, context.emit('Transpose', [spread], { perm: ints(swap) }));
}

function fromFront(position: number, size: number): number {
  return position < 0 ? position + size : position;
}

function pad(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const mode = forward.attributes.mode;
  const kind = mode?.kind === 'string' ? new TextDecoder().decode(mode.value) : 'constant';
  if (kind !== 'constant') throw unsupported('Pad', forward.name, `mode "${kind}"`);
  const pads = listOf(context, forward, { attribute: 'pads', input: 1 });
  if (pads === null) throw unsupported('Pad', forward.name, 'its sizes are computed');
  const shape = context.shape(x);
  const half = pads.length / 2;
  const given = listOf(context, forward, { attribute: '', input: 3 }) ?? shape.keys();
  let out = gradient;
  for (const [i, counted] of [...given].entries()) {
    const axis = fromFront(counted, shape.length);
    const [before = 0, after = 0] = [pads[i], pads[i + half]];
    if (before === 0 && after === 0) continue;
    if (axis === 0) throw unsupported('Pad', forward.name, 'it pads the batch');
    if (before < 0 || after < 0) throw unsupported('Pad', forward.name, 'it cuts');
    const end = before + (shape[axis] ?? 0);
    out = slice(context, out, { axis, start: before, end });
  }
  context.give(x, out);
}
