/** Gradients of operators that take or put elements at positions. */
import { unsupported } from '../../error.ts';
import { floatTensor, int, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import {
  axisOf,
  fromFront,
  integer,
  likeValue,
  listOf,
  mul,
  reduceSum,
  reshape,
  type Size,
  sizesOf,
  string,
  text,
  transpose,
  zerosLike,
} from '../emitter.ts';
import { scattered, spread } from './spread.ts';

/** Rules by operator. */
export const indexingRules: Readonly<Record<string, GradientRule>> = {
  Gather: gather,
  GatherElements: gatherElements,
  GatherND: gatherPoints,
  ScatterElements: scatterElements,
  ScatterND: scatterPoints,
  TopK: topK,
  Range: range,
  Unique: unique,
};

/** start, start + delta, …; how many there are does not change with small steps. */
function range(context: Backward, forward: OnnxNode, gradient: string): void {
  const [start = '', , delta = ''] = forward.inputs;
  if (context.wants(start)) context.give(start, reduceSum(context, gradient, [0], false));
  if (!context.wants(delta)) return;
  const ones = context.emit('ConstantOfShape', [context.emit('Shape', [gradient])], {
    value: { kind: 'tensor', value: floatTensor('one', [1], [1]) },
  });
  const counted = context.emit('CumSum', [ones, context.intTensor([], [0])], {
    exclusive: int(1),
  });
  context.give(delta, reduceSum(context, mul(context, gradient, counted), [0], false));
}

/** Each value, or slice, comes from where it stood first. */
function unique(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const first = context.extraOutput(forward, 1);
  const own = forward.attributes.axis;
  const attributes = { axis: int(0), reduction: string('add') };
  if (own?.kind !== 'int') {
    const flat = context.emit('Reshape', [zerosLike(context, x), context.ints([-1])]);
    const spreadOut = context.emit('ScatterElements', [flat, first, gradient], attributes);
    context.give(x, likeValue(context, spreadOut, x));
    return;
  }
  const rank = context.shape(x).length;
  const axis = fromFront(own.value, rank);
  const perm = [axis, ...[...Array(rank).keys()].filter((each) => each !== axis)];
  const back = perm.map((_, at) => perm.indexOf(at));
  const zeros = transpose(context, zerosLike(context, x), perm);
  const standing = context.emit('Reshape', [first, context.ints([-1, 1])]);
  const slices = [zeros, standing, transpose(context, gradient, perm)];
  const whole = context.emit('ScatterND', slices, { reduction: string('add') });
  context.give(x, transpose(context, whole, back));
}

/** Positions of any shape count as one axis, behind which the others stay. */
function gather(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', positions = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const axis = axisOf(context, forward, { value: x, otherwise: 0 });
  if (context.rows(x, axis)) {
    throw unsupported('Gather', forward.name, 'it takes part of the batch');
  }
  const sizes: Size[] = sizesOf(context, x);
  const list = listOf(context, forward, 1);
  if (list !== null) {
    sizes[axis] = list.length;
    const rows = reshape(context, gradient, sizes);
    context.give(x, spread(context, rows, { x, axis, positions: list }));
    return;
  }
  const flat = context.emit('Reshape', [positions, context.ints([-1])]);
  const before = sizes.slice(0, axis);
  const after = sizes.slice(axis + 1);
  if ([...before, ...after].some((size) => typeof size !== 'number')) {
    throw unsupported('Gather', forward.name, 'its positions are computed');
  }
  const rows = reshape(context, gradient, [...before, -1, ...after]);
  context.give(x, scattered(context, rows, { x, axis, positions: flat }));
}

function gatherElements(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', positions = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const axis = int(axisOf(context, forward, { value: x, otherwise: 0 }));
  const attributes = { axis, reduction: string('add') };
  const inputs = [zerosLike(context, x), positions, gradient];
  context.give(x, context.emit('ScatterElements', inputs, attributes));
}

/** Leading axes that both share become part of every position. */
function gatherPoints(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', positions = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const shared = integer(forward, 'batch_dims', 0);
  const at = shared === 0 ? positions : withLeading(context, positions, shared);
  const inputs = [zerosLike(context, x), at, gradient];
  context.give(x, context.emit('ScatterND', inputs, { reduction: string('add') }));
}

/** Positions [b…, …, k] as [b…, …, b + k] that begin with where they stand. */
function withLeading(context: Backward, positions: string, shared: number): string {
  const rank = context.shape(positions).length;
  const shape = context.emit('Shape', [positions]);
  const last = context.ints([-1]);
  const width = context.ints([context.shape(positions)[rank - 1] ?? 1]);
  const lead = context.emit('Slice', [shape, context.ints([0]), last, context.ints([0])]);
  const one = context.emit('Concat', [lead, context.ints([1])], { axis: int(0) });
  const columns = Array.from({ length: shared }, (_, axis) => {
    const size = context.emit('Gather', [shape, context.intTensor([], [axis])]);
    const zero = context.intTensor([], [0]);
    const step = context.intTensor([], [1]);
    const counted = context.emit('Range', [zero, size, step]);
    const standing = Array.from({ length: rank }, (_, i) => (i === axis ? -1 : 1));
    const stood = context.emit('Reshape', [counted, context.ints(standing)]);
    return context.emit('Expand', [stood, one]);
  });
  const to = context.emit('Concat', [lead, width], { axis: int(0) });
  const own = context.emit('Reshape', [positions, to]);
  return context.emit('Concat', [...columns, own], { axis: int(rank - 1) });
}

/** What was overwritten gets nothing; what was put or added gets what arrived where it went. */
function scatterElements(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', positions = '', updates = ''] = forward.inputs;
  const axis = int(axisOf(context, forward, { value: x, otherwise: 0 }));
  const adds = addsUp(forward);
  if (context.wants(x)) {
    const zeros = zerosLike(context, positions);
    const kept = (): string =>
      context.emit('ScatterElements', [gradient, positions, zeros], { axis });
    context.give(x, adds ? gradient : kept());
  }
  if (context.wants(updates)) {
    context.give(updates, context.emit('GatherElements', [gradient, positions], { axis }));
  }
}

function scatterPoints(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', positions = '', updates = ''] = forward.inputs;
  const adds = addsUp(forward);
  if (context.wants(x)) {
    const zeros = (): string => zerosLike(context, updates);
    const kept = (): string => context.emit('ScatterND', [gradient, positions, zeros()]);
    context.give(x, adds ? gradient : kept());
  }
  if (context.wants(updates)) {
    context.give(updates, context.emit('GatherND', [gradient, positions]));
  }
}

function addsUp(forward: OnnxNode): boolean {
  const how = text(forward, 'reduction', 'none');
  if (how === 'none' || how === 'add') return how === 'add';
  throw unsupported(forward.operator, forward.name, `it combines values by "${how}"`);
}

/** The greatest values come from the places that the indices tell. */
function topK(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const axis = int(axisOf(context, forward, { value: x, otherwise: -1 }));
  const indices = context.extraOutput(forward, 1);
  const inputs = [zerosLike(context, x), indices, gradient];
  context.give(x, context.emit('ScatterElements', inputs, { axis }));
}
