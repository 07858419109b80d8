/** Fused operators of the runtime's own domain, which its optimiser writes, as their parts. */
import { unsupported } from '../../error.ts';
import { float, type OnnxNode } from '../../onnx/model.ts';
import { add, integer, mul, number, text, transpose } from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';

/** Lowerings by operator. */
export const contribLowerings: Readonly<Record<string, Lowering>> = {
  BiasGelu: (context, forward) => {
    const [x = '', bias = ''] = forward.inputs;
    context.output(forward, 0, gelu(context, add(context, x, bias)));
  },
  Gelu: (context, forward) => {
    const [x = ''] = forward.inputs;
    context.output(forward, 0, gelu(context, x));
  },
  FastGelu: (context, forward) => {
    const [x = '', bias = ''] = forward.inputs;
    context.output(forward, 0, fastGelu(context, bias === '' ? x : add(context, x, bias)));
  },
  QuickGelu: (context, forward) => {
    const [x = ''] = forward.inputs;
    const share = context.emit('Sigmoid', [mul(context, x, number(forward, 'alpha', 1.702))]);
    context.output(forward, 0, mul(context, x, share));
  },
  FusedMatMul: fusedMatMul,
  TransposeMatMul: fusedMatMul,
  FusedGemm: (context, forward) => {
    const names = ['alpha', 'beta', 'transA', 'transB'];
    const entries = Object.entries(forward.attributes).filter(([name]) => names.includes(name));
    const sum = context.emit('Gemm', forward.inputs, Object.fromEntries(entries));
    context.output(forward, 0, activated(context, forward, sum));
  },
  FusedConv: (context, forward) => {
    const { activation: _, activation_params: __, ...attributes } = forward.attributes;
    const sum = context.emit('Conv', forward.inputs.slice(0, 3), attributes);
    const [, , , other = ''] = forward.inputs;
    const whole = other === '' ? sum : add(context, sum, other);
    context.output(forward, 0, activated(context, forward, whole));
  },
  MatMulNBits: (context, forward) => {
    // A product with the identity tells the weights, whatever their packing; it is constant.
    const [x = '', ...others] = forward.inputs;
    const size = integer(forward, 'K', 1);
    const identity = Float32Array.from({ length: size * size }, (_, i) => {
      return Math.floor(i / size) === i % size ? 1 : 0;
    });
    const [bias] = others.slice(4);
    const packed = [context.floats([size, size], identity), ...others.slice(0, 4)];
    const weights = context.fresh('weights');
    const inner = { ...forward, name: weights, inputs: packed, outputs: [weights] };
    context.put([inner], []);
    const product = context.emit('MatMul', [x, weights]);
    const biased = bias === undefined || bias === '' ? product : add(context, product, bias);
    context.output(forward, 0, biased);
  },
};

/** x Φ(x). */
function gelu(context: Lower, x: string): string {
  const both = add(context, context.emit('Erf', [mul(context, x, Math.SQRT1_2)]), 1);
  return mul(context, mul(context, x, 0.5), both);
}

/** Hendrycks and Gimpel 2016, the approximation by tanh. */
function fastGelu(context: Lower, x: string): string {
  const root = Math.sqrt(2 / Math.PI);
  const square = mul(context, x, x);
  const inner = mul(context, x, add(context, mul(context, square, 0.044715 * root), root));
  const both = add(context, context.emit('Tanh', [inner]), 1);
  return mul(context, mul(context, x, 0.5), both);
}

function fusedMatMul(context: Lower, forward: OnnxNode): void {
  const [a = '', b = ''] = forward.inputs;
  if (integer(forward, 'transBatchA', 0) + integer(forward, 'transBatchB', 0) > 0) {
    throw unsupported(forward.operator, forward.name, 'it transposes batches');
  }
  const side = (name: string, flag: string): string => {
    const rank = context.shape(name).length;
    if (integer(forward, flag, 0) === 0 || rank < 2) return name;
    const order = Array.from({ length: rank }, (_, i) => i);
    return transpose(context, name, [...order.slice(0, -2), rank - 1, rank - 2]);
  };
  const product = context.emit('MatMul', [side(a, 'transA'), side(b, 'transB')]);
  const alpha = number(forward, 'alpha', 1);
  context.output(forward, 0, alpha === 1 ? product : mul(context, product, alpha));
}

/** The activation that was fused behind, with its numbers. */
function activated(context: Lower, forward: OnnxNode, value: string): string {
  const name = text(forward, 'activation', '');
  const given = forward.attributes.activation_params;
  const params = given?.kind === 'floats' ? given.value : [];
  const own = (key: string, index: number, otherwise: number): number =>
    params[index] ?? number(forward, key, otherwise);
  switch (name) {
    case '':
      return value;
    case 'Relu':
    case 'Sigmoid':
    case 'Tanh':
      return context.emit(name, [value]);
    case 'LeakyRelu':
      return context.emit(name, [value], { alpha: float(own('activation_alpha', 0, 0.01)) });
    case 'HardSigmoid':
      return context.emit(name, [value], {
        alpha: float(own('activation_alpha', 0, 0.2)),
        beta: float(own('activation_beta', 1, 0.5)),
      });
    case 'Clip':
      return context.emit(name, [
        value,
        context.floats([], [params[0] ?? Number.NEGATIVE_INFINITY]),
        context.floats([], [params[1] ?? Number.POSITIVE_INFINITY]),
      ]);
    default:
      throw unsupported(forward.operator, forward.name, `its activation "${name}" is not known`);
  }
}
