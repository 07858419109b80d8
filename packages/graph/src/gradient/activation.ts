/** Gradients of activations; conventions at kinks are PyTorch's (ReLU'(0) = 0). */
import { unsupported } from '../error.ts';
import { floatsIn, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, scalar, sumTo } from './builder.ts';

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
  Relu: unary((context, { y, gradient }) =>
    context.emit('Mul', [gradient, context.emit('Sign', [y])]),
  ),
  LeakyRelu: unary((context, of) => {
    const slope = scalar(context, factor(of.forward, 'alpha', 0.01));
    const less = context.emit('Mul', [of.gradient, slope]);
    return context.emit('Where', [positive(context, of.x), of.gradient, less]);
  }),
  PRelu: parametric,
  Elu: unary((context, of) => {
    // Below zero y = α(eˣ − 1), so its derivative is y + α.
    const below = context.emit('Add', [of.y, scalar(context, factor(of.forward, 'alpha', 1))]);
    const less = context.emit('Mul', [of.gradient, below]);
    return context.emit('Where', [positive(context, of.x), of.gradient, less]);
  }),
  Selu: unary((context, of) => {
    const alpha = factor(of.forward, 'alpha', 1.6732632423543772);
    const gamma = factor(of.forward, 'gamma', 1.0507009873554805);
    const below = context.emit('Add', [of.y, scalar(context, alpha * gamma)]);
    const less = context.emit('Mul', [of.gradient, below]);
    const more = context.emit('Mul', [of.gradient, scalar(context, gamma)]);
    return context.emit('Where', [positive(context, of.x), more, less]);
  }),
  Softplus: unary((context, { x, gradient }) =>
    context.emit('Mul', [gradient, context.emit('Sigmoid', [x])]),
  ),
  Softsign: unary((context, { x, gradient }) => {
    const base = context.emit('Add', [context.emit('Abs', [x]), scalar(context, 1)]);
    return context.emit('Div', [gradient, context.emit('Mul', [base, base])]);
  }),
  Sigmoid: unary((context, { y, gradient }) => {
    const rest = context.emit('Sub', [scalar(context, 1), y]);
    return context.emit('Mul', [gradient, context.emit('Mul', [y, rest])]);
  }),
  HardSigmoid: unary((context, { forward, y, gradient }) => {
    const slope = scalar(context, factor(forward, 'alpha', 0.2));
    const sloped = context.emit('Mul', [gradient, slope]);
    // Flat exactly where the output is 0 or 1.
    const rest = context.emit('Sub', [scalar(context, 1), y]);
    return context.emit('Mul', [sloped, context.emit('Sign', [context.emit('Mul', [y, rest])])]);
  }),
  HardSwish: unary(hardSwish),
  Tanh: unary((context, { y, gradient }) => {
    const square = context.emit('Mul', [y, y]);
    return context.emit('Mul', [gradient, context.emit('Sub', [scalar(context, 1), square])]);
  }),
  Gelu: unary(gelu),
  Erf: unary((context, { x, gradient }) =>
    context.emit('Mul', [gradient, bell(context, x, { scale: 2 / Math.sqrt(Math.PI), width: 1 })]),
  ),
  Clip: unary(clip),
};

function factor(forward: OnnxNode, name: string, otherwise: number): number {
  const own = forward.attributes[name];
  return own?.kind === 'float' ? own.value : otherwise;
}

function positive(context: Backward, x: string): string {
  return context.emit('Greater', [x, scalar(context, 0)]);
}

/** A slope of its own for each channel, which may be trained. */
function parametric(context: Backward, forward: OnnxNode, gradient: string): void {
  const [x = '', slope = ''] = forward.inputs;
  const above = positive(context, x);
  if (context.wants(x)) {
    const less = context.emit('Mul', [gradient, slope]);
    context.give(x, context.emit('Where', [above, gradient, less]));
  }
  if (context.wants(slope)) {
    const product = context.emit('Mul', [gradient, x]);
    const below = context.emit('Where', [above, scalar(context, 0), product]);
    context.give(slope, sumTo(context, below, context.shape(x), context.shape(slope)));
  }
}

/** y = x · max(0, min(1, x / 6 + 1 / 2)). */
function hardSwish(context: Backward, { x, gradient }: Activation): string {
  const sixth = context.emit('Mul', [x, scalar(context, 1 / 3)]);
  const inside = context.emit('Add', [sixth, scalar(context, 0.5)]);
  const low = context.emit('Less', [x, scalar(context, -3)]);
  const high = context.emit('Greater', [x, scalar(context, 3)]);
  const bent = context.emit('Where', [high, scalar(context, 1), inside]);
  const slope = context.emit('Where', [low, scalar(context, 0), bent]);
  return context.emit('Mul', [gradient, slope]);
}

/** scale · e^(−x² · width). */
function bell(
  context: Backward,
  x: string,
  of: { readonly scale: number; readonly width: number },
): string {
  const square = context.emit('Mul', [x, x]);
  const power = context.emit('Exp', [context.emit('Mul', [square, scalar(context, -of.width)])]);
  return context.emit('Mul', [power, scalar(context, of.scale)]);
}

/** y = x Φ(x), so the derivative is Φ(x) + x φ(x) (Hendrycks and Gimpel 2016). */
function gelu(context: Backward, { forward, x, gradient }: Activation): string {
  const mode = forward.attributes.approximate;
  if (mode?.kind === 'string' && new TextDecoder().decode(mode.value) !== 'none') {
    throw unsupported('Gelu', forward.name, 'it is approximated by tanh');
  }
  const root = context.emit('Mul', [x, scalar(context, Math.SQRT1_2)]);
  const both = context.emit('Add', [context.emit('Erf', [root]), scalar(context, 1)]);
  const below = context.emit('Mul', [both, scalar(context, 0.5)]);
  const density = bell(context, x, { scale: 1 / Math.sqrt(2 * Math.PI), width: 0.5 });
  const slope = context.emit('Add', [below, context.emit('Mul', [x, density])]);
  return context.emit('Mul', [gradient, slope]);
}

/** Passes where the input lies within the bounds, both of them included. */
function clip(context: Backward, { forward, x, gradient }: Activation): string {
  const bound = (index: number, attribute: string): number | null => {
    const own = forward.attributes[attribute];
    if (own?.kind === 'float') return own.value;
    const name = forward.inputs[index] ?? '';
    if (name === '') return null;
    const value = context.constant(name);
    if (value === null) throw unsupported('Clip', forward.name, 'its bounds are computed');
    return floatsIn(value)[0] ?? null;
  };
  const zero = scalar(context, 0);
  let out = gradient;
  const low = bound(1, 'min');
  const high = bound(2, 'max');
  if (low !== null) {
    out = context.emit('Where', [context.emit('Less', [x, scalar(context, low)]), zero, out]);
  }
  if (high !== null) {
    out = context.emit('Where', [context.emit('Greater', [x, scalar(context, high)]), zero, out]);
  }
  return out;
}
