/** Gradients of activations; conventions at kinks are PyTorch's (ReLU'(0) = 0). */
import type { OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { add, div, greater, has, less, mul, number, sub, sumTo, text, where } from '../emitter.ts';

/** An activation: the gradient times a local derivative. */
type Local = (context: Backward, of: Activation) => string;

interface Activation {
  readonly forward: OnnxNode;
  readonly x: string;
  readonly y: string;
  readonly gradient: string;
}

function unary(local: Local): GradientRule {
  return (context, forward, gradient) => {
    const [x = ''] = forward.inputs;
    const [y = ''] = forward.outputs;
    if (context.wants(x)) context.give(x, local(context, { forward, x, y, gradient }));
  };
}

/** Rules by operator. */
export const activationRules: Readonly<Record<string, GradientRule>> = {
  // The output is never negative, so its sign is exactly the mask.
  Relu: unary((context, { y, gradient }) => mul(context, gradient, context.emit('Sign', [y]))),
  LeakyRelu: unary((context, { forward, x, gradient }) => {
    const below = mul(context, gradient, number(forward, 'alpha', 0.01));
    return where(context, greater(context, x, 0), gradient, below);
  }),
  PRelu: parametric,
  ThresholdedRelu: unary((context, { forward, x, gradient }) => {
    const alpha = number(forward, 'alpha', 1);
    return where(context, greater(context, x, alpha), gradient, 0);
  }),
  Elu: unary((context, { forward, x, y, gradient }) => {
    // Below zero y = α(eˣ − 1), so its derivative is y + α.
    const below = mul(context, gradient, add(context, y, number(forward, 'alpha', 1)));
    return where(context, greater(context, x, 0), gradient, below);
  }),
  Celu: unary((context, { forward, x, y, gradient }) => {
    // Below zero y = α(eˣᐟᵅ − 1), so its derivative is y / α + 1.
    const slope = add(context, mul(context, y, 1 / number(forward, 'alpha', 1)), 1);
    return where(context, greater(context, x, 0), gradient, mul(context, gradient, slope));
  }),
  Selu: unary((context, { forward, x, y, gradient }) => {
    const alpha = number(forward, 'alpha', 1.6732632423543772);
    const gamma = number(forward, 'gamma', 1.0507009873554805);
    const below = mul(context, gradient, add(context, y, alpha * gamma));
    return where(context, greater(context, x, 0), mul(context, gradient, gamma), below);
  }),
  Softplus: unary((context, { x, gradient }) =>
    mul(context, gradient, context.emit('Sigmoid', [x])),
  ),
  Softsign: unary((context, { x, gradient }) => {
    const base = add(context, context.emit('Abs', [x]), 1);
    return div(context, gradient, mul(context, base, base));
  }),
  Sigmoid: unary((context, { y, gradient }) =>
    mul(context, gradient, mul(context, y, sub(context, 1, y))),
  ),
  HardSigmoid: unary((context, { forward, y, gradient }) => {
    const sloped = mul(context, gradient, number(forward, 'alpha', 0.2));
    // Flat exactly where the output is 0 or 1.
    const inside = context.emit('Sign', [mul(context, y, sub(context, 1, y))]);
    return mul(context, sloped, inside);
  }),
  HardSwish: unary(hardSwish),
  Tanh: unary((context, { y, gradient }) =>
    mul(context, gradient, sub(context, 1, mul(context, y, y))),
  ),
  Swish: unary((context, { forward, x, y, gradient }) => {
    // y = x σ(αx), so the derivative is σ + α y (1 − σ).
    const alpha = number(forward, 'alpha', 1);
    const share = context.emit('Sigmoid', [alpha === 1 ? x : mul(context, x, alpha)]);
    const rest = mul(context, mul(context, y, alpha), sub(context, 1, share));
    return mul(context, gradient, add(context, share, rest));
  }),
  Mish: unary((context, { x, gradient }) => {
    // y = x tanh(s), s = ln(1 + eˣ), so the derivative is tanh(s) + x (1 − tanh²(s)) σ(x).
    const turn = context.emit('Tanh', [context.emit('Softplus', [x])]);
    const slope = mul(context, sub(context, 1, mul(context, turn, turn)), x);
    const rest = mul(context, slope, context.emit('Sigmoid', [x]));
    return mul(context, gradient, add(context, turn, rest));
  }),
  Shrink: unary((context, { forward, x, gradient }) => {
    const beyond = greater(context, context.emit('Abs', [x]), number(forward, 'lambd', 0.5));
    return where(context, beyond, gradient, 0);
  }),
  Gelu: unary(gelu),
  Erf: unary((context, { x, gradient }) =>
    mul(context, gradient, bell(context, x, { scale: 2 / Math.sqrt(Math.PI), width: 1 })),
  ),
  Clip: clip,
};

/** A slope of its own for each channel, which may be trained. */
function parametric(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', slope = ''] = forward.inputs;
  const above = greater(context, x, 0);
  if (context.wants(x)) {
    context.give(x, where(context, above, gradient, mul(context, gradient, slope)));
  }
  if (context.wants(slope)) {
    const below = where(context, above, 0, mul(context, gradient, x));
    context.give(slope, sumTo(context, below, context.shape(x), context.shape(slope)));
  }
}

/** y = x · max(0, min(1, x / 6 + 1 / 2)). */
function hardSwish(context: Backward, { x, gradient }: Activation): string {
  const inside = add(context, mul(context, x, 1 / 3), 0.5);
  const bent = where(context, greater(context, x, 3), 1, inside);
  return mul(context, gradient, where(context, less(context, x, -3), 0, bent));
}

/** scale · e^(−x² · width). */
function bell(
  context: Backward,
  x: string,
  of: { readonly scale: number; readonly width: number },
): string {
  const power = context.emit('Exp', [mul(context, mul(context, x, x), -of.width)]);
  return mul(context, power, of.scale);
}

/** y = x Φ(x), so the derivative is Φ(x) + x φ(x) (Hendrycks and Gimpel 2016). */
function gelu(context: Backward, of: Activation): string {
  const { forward, x, gradient } = of;
  if (text(forward, 'approximate', 'none') === 'tanh') return geluTanh(context, of);
  const [, half, share] = forward.outputs;
  if (half !== undefined && share !== undefined) {
    // x φ(x) = u e^(−u²) / √π with u = x / √2; the divisor goes into the exponent.
    const power = sub(context, -0.5 * Math.log(Math.PI), mul(context, half, half));
    const density = mul(context, half, context.emit('Exp', [power]));
    return mul(context, gradient, add(context, share, density));
  }
  const both = add(context, context.emit('Erf', [mul(context, x, Math.SQRT1_2)]), 1);
  const density = bell(context, x, { scale: 1 / Math.sqrt(2 * Math.PI), width: 0.5 });
  const slope = add(context, mul(context, both, 0.5), mul(context, x, density));
  return mul(context, gradient, slope);
}

/** y = x (1 + tanh u) / 2 with u = √(2/π) (x + 0.044715 x³). */
function geluTanh(context: Backward, { x, gradient }: Activation): string {
  const root = Math.sqrt(2 / Math.PI);
  const square = mul(context, x, x);
  const inner = mul(context, x, add(context, mul(context, square, 0.044715 * root), root));
  const turn = context.emit('Tanh', [inner]);
  const flat = sub(context, 1, mul(context, turn, turn));
  const rise = add(context, mul(context, square, 3 * 0.044715 * root), root);
  const moved = mul(context, mul(context, flat, rise), x);
  const slope = mul(context, add(context, add(context, turn, 1), moved), 0.5);
  return mul(context, gradient, slope);
}

/** Passes where the input lies within the bounds, both of them included; bounds take the rest. */
function clip(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', low = '', high = ''] = forward.inputs;
  const below = has(forward, 1) ? less(context, x, low) : null;
  const above = has(forward, 2) ? greater(context, x, high) : null;
  if (context.wants(x)) {
    let out = gradient;
    for (const outside of [below, above]) {
      if (outside !== null) out = where(context, outside, 0, out);
    }
    context.give(x, out);
  }
  const bounds = [
    [low, below],
    [high, above],
  ] as const;
  for (const [bound, outside] of bounds) {
    if (outside === null || !context.wants(bound)) continue;
    const taken = where(context, outside, gradient, 0);
    context.give(bound, sumTo(context, taken, context.shape(x), context.shape(bound)));
  }
}
