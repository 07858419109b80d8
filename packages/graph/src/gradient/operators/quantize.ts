/**
 * Gradients of quantisation: straight-through, as if rounding were not there (Bengio, Léonard and
 * Courville 2013). Values beyond the range take none.
 */
import { unsupported } from '../../error.ts';
import { elementTypes, int, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { axisOf, div, greater, has, less, mul, where } from '../emitter.ts';

/** Rules by operator. */
export const quantizeRules: Readonly<Record<string, GradientRule>> = {
  QuantizeLinear: quantize,
  DequantizeLinear: dequantize,
  // Its range holds every value, so that all of them take their gradient.
  DynamicQuantizeLinear: (context, forward, gradient) => {
    const [x = ''] = forward.inputs;
    if (!context.wants(x)) return;
    context.give(x, div(context, gradient, context.extraOutput(forward, 1)));
  },
};

/** Whole numbers that an element type holds; null for types that quantisation does not use. */
const ranges: Readonly<Record<number, readonly [number, number]>> = {
  [elementTypes.uint8]: [0, 255],
  [elementTypes.int8]: [-128, 127],
  [elementTypes.uint16]: [0, 65535],
  [elementTypes.int16]: [-32768, 32767],
};

/** q = round(x / s) + z, so that the gradient by x is that by q over s. */
function quantize(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', , zero = ''] = forward.inputs;
  const [y = ''] = forward.outputs;
  if (!context.wants(x)) return;
  const [low, high] = ranges[context.type(y)] ?? [0, 0];
  if (low === high) throw unsupported('QuantizeLinear', forward.name, 'its type is not known here');
  const scale = standing(context, forward, 1);
  const to = { to: int(elementTypes.float32) };
  let place = div(context, x, scale);
  if (zero !== '') {
    place = context.emit('Add', [place, context.emit('Cast', [standing(context, forward, 2)], to)]);
  }
  const above = where(
    context,
    greater(context, place, high + 0.5),
    0,
    div(context, gradient, scale),
  );
  context.give(x, where(context, less(context, place, low - 0.5), 0, above));
}

/** y = (q − z) s. */
function dequantize(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = ''] = forward.inputs;
  if (context.wants(x)) context.give(x, mul(context, gradient, standing(context, forward, 1)));
}

/** Scales or zero points of each channel, along their axis. */
function standing(context: Backward, forward: OnnxNode, input: number): string {
  const [x = ''] = forward.inputs;
  const name = forward.inputs[input] ?? '';
  const [channels = 1, ...others] = context.shape(name);
  if (!has(forward, input) || context.shape(name).length === 0) return name;
  if (others.length > 0) throw unsupported(forward.operator, forward.name, 'it scales by blocks');
  if (channels === 1) return name;
  const axis = axisOf(context, forward, { value: x, otherwise: 1 });
  const shape = context.shape(x).map((_, i) => (i === axis ? -1 : 1));
  return context.emit('Reshape', [name, context.ints(shape)]);
}
