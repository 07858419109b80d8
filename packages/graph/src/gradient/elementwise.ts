/** Gradients of elementwise operators; conventions at kinks are PyTorch's (ReLU'(0) = 0). */
import { unsupported } from '../error.ts';
import { floatsIn, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, likeValue, sumTo } from './builder.ts';

const input = (forward: OnnxNode, index = 0): string => forward.inputs[index] ?? '';
const output = (forward: OnnxNode): string => forward.outputs[0] ?? '';

/** Gives to both inputs of a broadcasting operator what each of them wants. */
function binary(
  of: (context: Backward, forward: OnnxNode, gradient: string, side: 0 | 1) => string,
): GradientRule {
  return (context, forward, gradient) => {
    for (const side of [0, 1] as const) {
      const name = input(forward, side);
      if (!context.wants(name)) continue;
      const given = of(context, forward, gradient, side);
      const from = context.shape(output(forward));
      context.give(name, sumTo(context, given, from, context.shape(name)));
    }
  };
}

/** A unary operator: the gradient times a local derivative. */
function unary(
  of: (context: Backward, forward: OnnxNode, gradient: string) => string,
): GradientRule {
  return (context, forward, gradient) => {
    const name = input(forward);
    if (context.wants(name)) context.give(name, of(context, forward, gradient));
  };
}

const scalar = (context: Backward, value: number): string => context.floats([], [value]);

const negate = (context: Backward, value: string): string =>
  context.emit('Mul', [value, scalar(context, -1)]);

/** Rules by operator. */
export const elementwiseRules: Readonly<Record<string, GradientRule>> = {
  Add: binary((_, __, gradient) => gradient),
  Sub: binary((context, _, gradient, side) => (side === 0 ? gradient : negate(context, gradient))),
  Mul: binary((context, forward, gradient, side) =>
    context.emit('Mul', [gradient, input(forward, side === 0 ? 1 : 0)]),
  ),
  Div: binary((context, forward, gradient, side) => {
    const [a, b] = [input(forward), input(forward, 1)];
    const over = context.emit('Div', [gradient, b]);
    if (side === 0) return over;
    return negate(context, context.emit('Mul', [over, context.emit('Div', [a, b])]));
  }),
  // The output is never negative, so its sign is exactly the mask.
  Relu: unary((context, forward, gradient) =>
    context.emit('Mul', [gradient, context.emit('Sign', [output(forward)])]),
  ),
  LeakyRelu: unary((context, forward, gradient) => {
    const { alpha } = forward.attributes;
    const slope = scalar(context, alpha?.kind === 'float' ? alpha.value : 0.01);
    const positive = context.emit('Greater', [input(forward), scalar(context, 0)]);
    return context.emit('Where', [positive, gradient, context.emit('Mul', [gradient, slope])]);
  }),
  Sigmoid: unary((context, forward, gradient) => {
    const y = output(forward);
    const rest = context.emit('Sub', [scalar(context, 1), y]);
    return context.emit('Mul', [gradient, context.emit('Mul', [y, rest])]);
  }),
  Tanh: unary((context, forward, gradient) => {
    const y = output(forward);
    const square = context.emit('Mul', [y, y]);
    return context.emit('Mul', [gradient, context.emit('Sub', [scalar(context, 1), square])]);
  }),
  Exp: unary((context, forward, gradient) => context.emit('Mul', [gradient, output(forward)])),
  Log: unary((context, forward, gradient) => context.emit('Div', [gradient, input(forward)])),
  Sqrt: unary((context, forward, gradient) => {
    const half = context.emit('Mul', [gradient, scalar(context, 0.5)]);
    return context.emit('Div', [half, output(forward)]);
  }),
  Neg: unary((context, _, gradient) => negate(context, gradient)),
  Abs: unary((context, forward, gradient) =>
    context.emit('Mul', [gradient, context.emit('Sign', [input(forward)])]),
  ),
  Clip: unary(clip),
  Identity: unary((_, __, gradient) => gradient),
  // At inference dropout passes its input on.
  Dropout: unary((_, __, gradient) => gradient),
  Flatten: unary((context, forward, gradient) => likeValue(context, gradient, input(forward))),
  Reshape: unary((context, forward, gradient) => likeValue(context, gradient, input(forward))),
  Squeeze: unary((context, forward, gradient) => likeValue(context, gradient, input(forward))),
  Unsqueeze: unary((context, forward, gradient) => likeValue(context, gradient, input(forward))),
};

/** Passes where the input lies within the bounds, both of them included. */
function clip(context: Backward, forward: OnnxNode, gradient: string): string {
  const x = input(forward);
  const bound = (index: number, attribute: string): number | null => {
    const own = forward.attributes[attribute];
    if (own?.kind === 'float') return own.value;
    const name = input(forward, index);
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
