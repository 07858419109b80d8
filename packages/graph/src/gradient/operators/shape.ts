/** Gradients of operators that move elements and change none. */
import { unsupported } from '../../error.ts';
import { int, ints, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import {
  axisOf,
  fromFront,
  integer,
  integers,
  likeValue,
  listOf,
  padded,
  reduceSum,
  reshape,
  type Size,
  sizeOf,
  sizesOf,
  slice,
  sumTo,
  text,
  transpose,
  zerosLike,
} from '../emitter.ts';
import { spread } from './spread.ts';

/** Rules by operator. */
export const shapeRules: Readonly<Record<string, GradientRule>> = {
  Flatten: reshaping,
  Reshape: reshaping,
  Squeeze: reshaping,
  Unsqueeze: reshaping,
  Transpose: turning,
  Expand: expand,
  Tile: tile,
  Concat: concatenation,
  Split: split,
  Slice: sliced,
  Pad: pad,
  DepthToSpace: depthToSpace,
  SpaceToDepth: spaceToDepth,
};

function reshaping(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (context.wants(x)) context.give(x, likeValue(context, gradient, x));
}

function turning(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const rank = context.shape(x).length;
  const backwards = Array.from({ length: rank }, (_, i) => rank - 1 - i);
  const perm = integers(forward, 'perm') ?? backwards;
  const inverse = Array.from({ length: rank }, (_, i) => perm.indexOf(i));
  context.give(x, context.emit('Transpose', [gradient], { perm: ints(inverse) }));
}

function expand(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const from = context.shape(forward.outputs[0] ?? '');
  context.give(x, sumTo(context, gradient, from, context.shape(x)));
}

/** Every axis apart into its repetitions and its own size; the repetitions add up. */
function tile(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  if (!context.wants(x)) return;
  const shape = context.shape(x);
  const counts = shape.map((size, axis) => (context.shape(y)[axis] ?? 0) / Math.max(1, size));
  const repeated = counts.flatMap((count, axis) => (count === 1 ? [] : [axis]));
  if (repeated.some((axis) => context.rows(x, axis) || context.rows(y, axis))) {
    throw unsupported('Tile', forward.name, 'it repeats the rows of the batch');
  }
  const apart: Size[] = [];
  const summed: number[] = [];
  for (const [axis, count] of counts.entries()) {
    if (count !== 1) {
      summed.push(apart.length);
      apart.push(count);
    }
    apart.push(sizeOf(context, x, axis));
  }
  if (summed.length === 0) context.give(x, gradient);
  else context.give(x, reduceSum(context, reshape(context, gradient, apart), summed, false));
}

function concatenation(context: Backward, forward: OnnxNode, gradient: string): void {
  const [y = ''] = forward.outputs;
  const axis = axisOf(context, forward, { value: y, otherwise: 0 });
  if (context.rows(y, axis)) throw unsupported('Concat', forward.name, 'it joins along the batch');
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
  if (context.rows(x, axis)) throw unsupported('Split', forward.name, 'it divides the batch');
  const parts = forward.outputs.map((part) => context.gradient(part) ?? zerosLike(context, part));
  context.give(x, context.emit('Concat', parts, { axis: int(axis) }));
}

/** Positions from `start` in steps, axis by axis. */
function sliced(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  if (!context.wants(x)) return;
  const [shape, out] = [context.shape(x), context.shape(y)];
  const starts = listOf(context, forward, 1);
  const given = listOf(context, forward, 3);
  const steps = listOf(context, forward, 4);
  if (starts === null) throw unsupported('Slice', forward.name, 'its bounds are computed');
  let back = gradient;
  const before = shape.map(() => 0);
  const after = shape.map(() => 0);
  for (const [i, asked] of starts.entries()) {
    const axis = fromFront(given?.[i] ?? i, shape.length);
    const [size = 0, taken = 0, step = 1] = [shape[axis], out[axis], steps?.[i]];
    const low = step < 0 ? -1 : 0;
    const most = step < 0 ? size - 1 : size;
    const start = Math.min(most, Math.max(low, asked < 0 ? asked + size : asked));
    if (taken === size && step === 1) continue;
    if (context.rows(x, axis)) {
      throw unsupported('Slice', forward.name, 'it takes part of the batch');
    }
    if (step === 1) {
      before[axis] = start;
      after[axis] = size - start - taken;
    } else {
      const positions = Array.from({ length: taken }, (_, at) => start + at * step);
      back = spread(context, back, { x, axis, positions });
    }
  }
  context.give(x, padded(context, back, [...before, ...after]));
}

/** Mirrored and repeated values are copies of positions, so their gradients add up there. */
function pad(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const mode = text(forward, 'mode', 'constant');
  const pads = listOf(context, forward, 1);
  if (pads === null) throw unsupported('Pad', forward.name, 'its sizes are computed');
  const shape = context.shape(x);
  const half = pads.length / 2;
  const given = listOf(context, forward, 3) ?? shape.keys();
  let out = gradient;
  for (const [i, counted] of [...given].entries()) {
    const axis = fromFront(counted, shape.length);
    const [before = 0, after = 0] = [pads[i], pads[i + half]];
    if (before === 0 && after === 0) continue;
    if (context.rows(x, axis)) throw unsupported('Pad', forward.name, 'it pads the batch');
    const size = shape[axis] ?? 0;
    if (mode === 'constant') {
      const start = Math.max(0, before);
      const kept = size + Math.min(0, before) + Math.min(0, after);
      out = slice(context, out, { axis, start, end: start + kept });
      const cut = Array.from({ length: 2 * shape.length }, () => 0);
      cut[axis] = Math.max(0, -before);
      cut[axis + shape.length] = Math.max(0, -after);
      out = padded(context, out, cut);
      continue;
    }
    const positions = Array.from({ length: before + size + after }, (_, at) => {
      return sourceOf(at - before, size, mode);
    });
    out = spread(context, out, { x, axis, positions });
  }
  context.give(x, out);
}

/** The position that a padded place copies. */
function sourceOf(at: number, size: number, mode: string): number {
  if (mode === 'edge') return Math.min(size - 1, Math.max(0, at));
  if (mode === 'wrap') return ((at % size) + size) % size;
  const period = Math.max(1, 2 * (size - 1));
  const inside = ((at % period) + period) % period;
  return inside < size ? inside : period - inside;
}

/** Blocks of a channel become depth again; the two modes differ in where the block axes stood. */
function depthToSpace(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const block = integer(forward, 'blocksize', 1);
  const [rows = 1, channels = 1, height = 1, width = 1] = sizesOf(context, x);
  const depth = (typeof channels === 'number' ? channels : 1) / block ** 2;
  const apart = reshape(context, gradient, [rows, depth, height, block, width, block]);
  const columnsFirst = text(forward, 'mode', 'DCR') === 'CRD';
  const perm = columnsFirst ? [0, 1, 3, 5, 2, 4] : [0, 3, 5, 1, 2, 4];
  context.give(x, likeValue(context, transpose(context, apart, perm), x));
}

function spaceToDepth(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const blocksize = int(integer(forward, 'blocksize', 1));
  context.give(x, context.emit('DepthToSpace', [gradient], { blocksize }));
}
