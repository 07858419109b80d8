/** Gradients of pooling. Of equal values the first is the greatest, as PyTorch has it. */
import { unsupported } from '../../error.ts';
import { int, ints, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { integer, likeValue, listOf, padded, reshape, sizesOf, zerosLike } from '../emitter.ts';
import { leftover, type Window, windowOf } from './window.ts';

/** Rules by operator. */
export const poolingRules: Readonly<Record<string, GradientRule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
  GlobalMaxPool: globalMaxPool,
  MaxUnpool: maxUnpool,
  Col2Im: columnsToImage,
};

function kernelOf(forward: OnnxNode): readonly number[] {
  const own = forward.attributes.kernel_shape;
  if (own?.kind !== 'ints') throw unsupported(forward.operator, forward.name, 'it has no kernel');
  return own.value;
}

/** The indices of the maxima say where each gradient goes. */
function maxPool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  if (!context.wants(x)) return;
  if (integer(forward, 'storage_order', 0) !== 0) {
    throw unsupported('MaxPool', forward.name, 'it counts by columns');
  }
  const indices = context.extraOutput(forward, 1);
  const kernel = kernelOf(forward);
  const spatial = context.shape(x).slice(2);
  const window = windowOf(forward, spatial, kernel);
  const pads = reaching(window, leftover(window, spatial, context.shape(y).slice(2)));
  const overlaps = kernel.some((size, i) => {
    return (size - 1) * (window.dilations[i] ?? 1) + 1 > (window.strides[i] ?? 1);
  });
  const sides = { x, indices, gradient };
  if (overlaps) context.give(x, scattered(context, sides));
  else context.give(x, unpooled(context, { ...sides, window: { ...window, pads } }));
}

interface Pooled {
  readonly x: string;
  readonly indices: string;
  readonly gradient: string;
}

/** A value may be the greatest of several windows, so their gradients add up. */
function scattered(context: Backward, { x, indices, gradient }: Pooled): string {
  const flat = context.ints([-1]);
  const size = context.emit('Shape', [context.emit('Reshape', [x, flat])]);
  const zeros = context.emit('ConstantOfShape', [size]);
  const at = context.emit('Reshape', [indices, flat]);
  const values = context.emit('Reshape', [gradient, flat]);
  const reduction = { kind: 'string' as const, value: new TextEncoder().encode('add') };
  const spread = context.emit('ScatterElements', [zeros, at, values], { axis: int(0), reduction });
  return likeValue(context, spread, x);
}

/** Windows that share no value are spread at once. */
function unpooled(context: Backward, of: Pooled & { readonly window: Window }): string {
  const { window } = of;
  const shape = context.emit('Shape', [of.x]);
  return context.emit('MaxUnpool', [of.gradient, of.indices, shape], {
    kernel_shape: ints(window.kernel.map((size, i) => (size - 1) * (window.dilations[i] ?? 1) + 1)),
    strides: ints(window.strides),
    pads: ints(window.pads),
  });
}

/** Each gradient is spread evenly over its window: a transposed convolution, channel by channel. */
function averagePool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const [, channels = 1, ...spatial] = context.shape(x);
  const kernel = kernelOf(forward);
  const [, , ...out] = context.shape(forward.outputs[0] ?? '');
  const window = windowOf(forward, spatial, kernel);
  const rest = leftover(window, spatial, out);
  const pads = reaching(window, rest);
  const scale = context.floats([1, 1, ...out], countsOf(forward, window, { spatial, out }));
  const each = context.emit('Mul', [gradient, scale]);
  const area = kernel.reduce((product, size) => product * size, 1);
  const ones = context.floats([channels, 1, ...kernel], new Float32Array(channels * area).fill(1));
  context.give(
    x,
    context.emit('ConvTranspose', [each, ones], {
      strides: ints(window.strides),
      dilations: ints(window.dilations),
      pads: ints(pads),
      output_padding: ints(rest.map((size) => Math.max(0, size))),
      group: int(channels),
    }),
  );
}

/** Padding as far as the last window reaches, which rounding up lets go beyond the padding. */
function reaching({ pads }: Window, rest: readonly number[]): number[] {
  return pads.map((pad, i) => {
    return i < rest.length ? pad : pad + Math.max(0, -(rest[i - rest.length] ?? 0));
  });
}

/** One over the number of elements that each window averages. */
function countsOf(
  forward: OnnxNode,
  window: Window,
  { spatial, out }: { readonly spatial: readonly number[]; readonly out: readonly number[] },
): Float32Array {
  const own = forward.attributes.count_include_pad;
  const includePads = own?.kind === 'int' && own.value === 1;
  let counts = [1];
  for (const [axis, size] of spatial.entries()) {
    const perPlace = Array.from({ length: out[axis] ?? 1 }, (_, place) => {
      const start = place * (window.strides[axis] ?? 1) - (window.pads[axis] ?? 0);
      const taps = Array.from({ length: window.kernel[axis] ?? 1 }, (__, tap) => {
        return start + tap * (window.dilations[axis] ?? 1);
      });
      const pad = includePads ? (window.pads[axis + spatial.length] ?? 0) : 0;
      const first = includePads ? Number.NEGATIVE_INFINITY : 0;
      return taps.filter((at) => at >= first && at < size + pad).length;
    });
    counts = counts.flatMap((count) => perPlace.map((here) => count * here));
  }
  return Float32Array.from(counts, (count) => 1 / count);
}

function globalAveragePool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const area = context
    .shape(x)
    .slice(2)
    .reduce((product, size) => product * size, 1);
  const each = context.emit('Mul', [gradient, context.floats([], [1 / area])]);
  context.give(x, context.emit('Expand', [each, context.emit('Shape', [x])]));
}

/** The first of the greatest takes the whole gradient. */
function globalMaxPool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const flat = context.ints([0, 0, -1]);
  const places = context.emit('Reshape', [x, flat]);
  const best = context.emit('ArgMax', [places], { axis: int(2), keepdims: int(1) });
  const values = context.emit('Reshape', [gradient, flat]);
  const zeros = zerosLike(context, places);
  const spread = context.emit('ScatterElements', [zeros, best, values], { axis: int(2) });
  context.give(x, likeValue(context, spread, x));
}

/** Every value went to the place that its index says, counted over the whole output. */
function maxUnpool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', indices = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const flat = context.ints([-1]);
  const places = context.emit('Reshape', [indices, flat]);
  const taken = context.emit('Gather', [context.emit('Reshape', [gradient, flat]), places]);
  context.give(x, likeValue(context, taken, x));
}

/** Blocks were added up where they overlap, so that each takes what its places got. */
function columnsToImage(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  if (!context.wants(x)) return;
  const kernel = listOf(context, forward, 2);
  if (kernel === null) throw unsupported('Col2Im', forward.name, 'its blocks are computed');
  const [, , ...spatial] = context.shape(y);
  const window = windowOf(forward, spatial, kernel);
  const { strides, dilations, pads } = window;
  const [begins, ends] = [pads.slice(0, kernel.length), pads.slice(kernel.length)];
  const image = padded(context, gradient, [0, 0, ...begins, 0, 0, ...ends]);
  const counts = spatial.map((size, i) => {
    const reach = ((kernel[i] ?? 1) - 1) * (dilations[i] ?? 1) + 1;
    const whole = size + (begins[i] ?? 0) + (ends[i] ?? 0);
    return Math.floor((whole - reach) / (strides[i] ?? 1)) + 1;
  });
  const places = kernel.reduce<readonly (readonly number[])[]>(
    (list, size) => list.flatMap((at) => Array.from({ length: size }, (_, i) => [...at, i])),
    [[]],
  );
  const [rows = 1, whole = 1, length = 1] = sizesOf(context, x);
  const channels = (typeof whole === 'number' ? whole : 1) / places.length;
  const parts = places.map((place) => {
    const starts = place.map((at, i) => at * (dilations[i] ?? 1));
    const stops = starts.map((at, i) => at + ((counts[i] ?? 1) - 1) * (strides[i] ?? 1) + 1);
    const lists = [starts, stops, kernel.map((_, i) => i + 2), strides];
    const taken = context.emit('Slice', [image, ...lists.map((list) => context.ints(list))]);
    return reshape(context, taken, [rows, channels, 1, length]);
  });
  const all = context.emit('Concat', parts, { axis: int(2) });
  context.give(x, likeValue(context, all, x));
}
