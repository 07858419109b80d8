/** Gradients of pooling. Of equal values the first is the greatest, as PyTorch has it. */
import { unsupported } from '../error.ts';
import { int, ints, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, likeValue } from './builder.ts';
import { leftover, type Window, windowOf } from './convolution.ts';

/** Rules by operator. */
export const poolingRules: Readonly<Record<string, GradientRule>> = {
  MaxPool: maxPool,
  AveragePool: averagePool,
  GlobalAveragePool: globalAveragePool,
};

function kernelOf(forward: OnnxNode): readonly number[] {
  const own = forward.attributes.kernel_shape;
  if (own?.kind !== 'ints') throw unsupported(forward.operator, forward.name, 'it has no kernel');
  return own.value;
}

/** The indices of the maxima say where each gradient goes. */
function maxPool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const indices = context.extraOutput(forward, 1);
  const flat = context.ints([-1]);
  const size = context.emit('Shape', [context.emit('Reshape', [x, flat])]);
  const zeros = context.emit('ConstantOfShape', [size]);
  const at = context.emit('Reshape', [indices, flat]);
  const values = context.emit('Reshape', [gradient, flat]);
  const spread = scatter(context, forward, { zeros, at, values });
  context.give(x, likeValue(context, spread, x));
}

function scatter(
  context: Backward,
  forward: OnnxNode,
  of: { readonly zeros: string; readonly at: string; readonly values: string },
): string {
  const inputs = [of.zeros, of.at, of.values];
  const [x = ''] = forward.inputs;
  const kernel = kernelOf(forward);
  const { strides } = windowOf(forward, context.shape(x).slice(2), kernel);
  const disjoint = kernel.every((size, i) => (strides[i] ?? 1) >= size);
  if (disjoint) return context.emit('ScatterElements', inputs, { axis: int(0) });
  if (context.opset < 16) {
    const why = `overlapping windows need opset 16, the model has ${context.opset}`;
    throw unsupported('MaxPool', forward.name, why);
  }
  const reduction = { kind: 'string' as const, value: new TextEncoder().encode('add') };
  return context.emit('ScatterElements', inputs, { axis: int(0), reduction });
}

/** Each gradient is spread evenly over its window: a transposed convolution, channel by channel. */
function averagePool(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const [, channels = 1, ...spatial] = context.shape(x);
  const kernel = kernelOf(forward);
  const window = windowOf(forward, spatial, kernel);
  const [, , ...out] = context.shape(forward.outputs[0] ?? '');
  const rest = leftover(window, spatial, out);
  if (rest.some((size) => size < 0)) {
    throw unsupported('AveragePool', forward.name, 'windows reach beyond the padding');
  }
  const scale = context.floats([1, 1, ...out], countsOf(forward, window, { spatial, out }));
  const each = context.emit('Mul', [gradient, scale]);
  const area = kernel.reduce((product, size) => product * size, 1);
  const ones = context.floats([channels, 1, ...kernel], new Float32Array(channels * area).fill(1));
  context.give(
    x,
    context.emit('ConvTranspose', [each, ones], {
      strides: ints(window.strides),
      dilations: ints(window.dilations),
      pads: ints(window.pads),
      output_padding: ints(rest),
      group: int(channels),
    }),
  );
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
      return includePads ? taps.length : taps.filter((at) => at >= 0 && at < size).length;
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
