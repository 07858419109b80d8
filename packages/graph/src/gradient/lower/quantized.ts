/** Operators on quantised values as: to floats, the operator on floats, quantised again. */
import { unsupported } from '../../error.ts';
import { elementTypes, float, int, type OnnxNode } from '../../onnx/model.ts';
import { add, has, mul, number, sub } from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

const floats = { to: int(elementTypes.float32) };

/** Lowerings by operator. */
export const quantizedLowerings: Readonly<Record<string, Lowering>> = {
  QLinearConv: (context, forward) => {
    const [, scaleX = '', , , scaleW = ''] = forward.inputs;
    const x = dequantized(context, forward, 0);
    const weights = dequantized(context, forward, 3, 0);
    const [, , , , , , scaleY = '', zeroY = '', bias = ''] = forward.inputs;
    const inputs = [x, weights];
    if (bias !== '') {
      const whole = context.emit('Cast', [bias], floats);
      inputs.push(mul(context, mul(context, whole, scaleX), scaleW));
    }
    const y = context.emit('Conv', inputs, forward.attributes);
    context.output(forward, 0, context.emit('QuantizeLinear', [y, scaleY, zeroY]));
  },
  QLinearMatMul: (context, forward) => {
    const [, , , , , , scaleY = '', zeroY = ''] = forward.inputs;
    const product = context.emit('MatMul', [
      dequantized(context, forward, 0),
      dequantized(context, forward, 3),
    ]);
    context.output(forward, 0, context.emit('QuantizeLinear', [product, scaleY, zeroY]));
  },
  MatMulInteger: (context, forward) => {
    const side = (input: number): string => centred(context, forward, { input, zero: input + 2 });
    context.output(forward, 0, context.emit('MatMul', [side(0), side(1)]));
  },
  ConvInteger: (context, forward) => {
    const x = centred(context, forward, { input: 0, zero: 2 });
    const weights = centred(context, forward, { input: 1, zero: 3 });
    context.output(forward, 0, context.emit('Conv', [x, weights], forward.attributes));
  },
};

/** Lowerings by operator of the runtime's domain. */
export const runtimeQuantizedLowerings: Readonly<Record<string, Lowering>> = {
  QLinearAdd: pair('Add'),
  QLinearMul: pair('Mul'),
  QLinearSigmoid: single('Sigmoid'),
  QLinearLeakyRelu: (context, forward) => {
    const alpha = float(number(forward, 'alpha', 0.01));
    const y = context.emit('LeakyRelu', [dequantized(context, forward, 0)], { alpha });
    requantized(context, forward, { value: y, scale: 3 });
  },
  QLinearGlobalAveragePool: (context, forward) => {
    const last = forward.attributes.channels_last;
    if (last?.kind === 'int' && last.value !== 0) {
      throw unsupported(forward.operator, forward.name, 'its channels are last');
    }
    single('GlobalAveragePool')(context, forward);
  },
  QuantizeLinear: (context, forward) => {
    const y = context.emit('QuantizeLinear', forward.inputs, forward.attributes);
    context.output(forward, 0, y);
  },
  DequantizeLinear: (context, forward) => {
    const y = context.emit('DequantizeLinear', forward.inputs, forward.attributes);
    context.output(forward, 0, y);
  },
  DynamicQuantizeMatMul: (context, forward) => {
    const [x = '', , scale = '', , bias = ''] = forward.inputs;
    const weights = mul(context, centred(context, forward, { input: 1, zero: 3 }), scale);
    const [y = '', scaleX = '', zeroX = ''] = context.emitMany('DynamicQuantizeLinear', [x], {
      outputs: 3,
    });
    const back = context.emit('DequantizeLinear', [y, scaleX, zeroX]);
    const product = context.emit('MatMul', [back, weights]);
    context.output(forward, 0, bias === '' ? product : add(context, product, bias));
  },
  MatMulIntegerToFloat: (context, forward) => {
    const [, , scaleA = '', scaleB = '', , , bias = ''] = forward.inputs;
    const a = mul(context, centred(context, forward, { input: 0, zero: 4 }), scaleA);
    const b = mul(context, centred(context, forward, { input: 1, zero: 5 }), scaleB);
    const product = context.emit('MatMul', [a, b]);
    context.output(forward, 0, bias === '' ? product : add(context, product, bias));
  },
};

/** The floats of an input that is followed by its scale and its zero point. */
function dequantized(context: Lower, forward: OnnxNode, input: number, axis?: number): string {
  const names = forward.inputs.slice(input, input + 3);
  const [, scale = ''] = names;
  const many = axis !== undefined && context.shape(scale).some((size) => size > 1);
  return context.emit('DequantizeLinear', names, many ? { axis: int(axis) } : {});
}

/** Whole numbers less their zero point, as floats; they count in steps still. */
function centred(
  context: Lower,
  forward: OnnxNode,
  of: { readonly input: number; readonly zero: number },
): string {
  const name = forward.inputs[of.input] ?? '';
  const value = context.emit('Cast', [name], floats);
  if (!has(forward, of.zero)) return value;
  const zero = forward.inputs[of.zero] ?? '';
  const shift = context.emit('Cast', [zero], floats);
  const count = context.shape(zero)[0] ?? 1;
  if (context.shape(zero).length !== 1 || count === 1) return sub(context, value, shift);
  const rank = context.shape(name).length;
  // Zero points of each channel: the last axis of a matrix, the first of a kernel.
  const standing = rank > 2 ? [count, ...Array.from({ length: rank - 1 }, () => 1)] : [1, count];
  return sub(context, value, context.emit('Reshape', [shift, context.ints(standing)]));
}

function requantized(
  context: Lower,
  forward: OnnxNode,
  of: { readonly value: string; readonly scale: number },
): void {
  const others = forward.inputs.slice(of.scale, of.scale + 2);
  context.output(forward, 0, context.emit('QuantizeLinear', [of.value, ...others]));
}

function single(operator: string): Lowering {
  return (context, forward) => {
    const value = context.emit(operator, [dequantized(context, forward, 0)]);
    requantized(context, forward, { value, scale: 3 });
  };
}

function pair(operator: string): Lowering {
  return (context, forward) => {
    const sides = [dequantized(context, forward, 0), dequantized(context, forward, 3)];
    requantized(context, forward, { value: context.emit(operator, sides), scale: 6 });
  };
}
