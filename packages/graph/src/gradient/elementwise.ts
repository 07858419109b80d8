/** Gradients of arithmetic, element by element, with broadcasting. */
import { unsupported } from '../error.ts';
import { elementTypes, floatsIn, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, scalar, sumTo } from './builder.ts';

const input = (forward: OnnxNode, index = 0): string => forward.inputs[index] ?? '';
const output = (forward: OnnxNode): string => forward.outputs[0] ?? '';

/** What a broadcasting operator gives to the input of an index; null for nothing. */
type Share = (
  context: Backward,
  of: { readonly forward: OnnxNode; readonly gradient: string; readonly index: number },
) => string | null;

/** Gives to every input what it wants, summed back to its own shape. */
function broadcasting(share: Share): GradientRule {
  return (context, forward, gradient) => {
    for (const [index, name] of forward.inputs.entries()) {
      if (!context.wants(name)) continue;
      const given = share(context, { forward, gradient, index });
      if (given === null) continue;
      const from = context.shape(output(forward));
      context.give(name, sumTo(context, given, from, context.shape(name)));
    }
  };
}

function unary(
  of: (context: Backward, forward: OnnxNode, gradient: string) => string,
): GradientRule {
  return (context, forward, gradient) => {
    const name = input(forward);
    if (context.wants(name)) context.give(name, of(context, forward, gradient));
  };
}

const negate = (context: Backward, value: string): string =>
  context.emit('Mul', [value, scalar(context, -1)]);

/** Rules by operator. */
export const elementwiseRules: Readonly<Record<string, GradientRule>> = {
  Add: broadcasting((_, { gradient }) => gradient),
  Sum: broadcasting((_, { gradient }) => gradient),
  Sub: broadcasting((context, { gradient, index }) =>
    index === 0 ? gradient : negate(context, gradient),
  ),
  Mul: broadcasting((context, { forward, gradient, index }) =>
    context.emit('Mul', [gradient, input(forward, 1 - index)]),
  ),
  Div: broadcasting((context, { forward, gradient, index }) => {
    const [a, b] = [input(forward), input(forward, 1)];
    const over = context.emit('Div', [gradient, b]);
    if (index === 0) return over;
    return negate(context, context.emit('Mul', [over, context.emit('Div', [a, b])]));
  }),
  Max: broadcasting((context, of) => extreme(context, of)),
  Min: broadcasting((context, of) => extreme(context, { ...of, index: 1 - of.index })),
  Where: broadcasting((context, { forward, gradient, index }) => {
    if (index === 0) return null;
    const zero = scalar(context, 0);
    const [own, other] = index === 1 ? [gradient, zero] : [zero, gradient];
    return context.emit('Where', [input(forward), own, other]);
  }),
  Pow: unary(power),
  Exp: unary((context, forward, gradient) => context.emit('Mul', [gradient, output(forward)])),
  Log: unary((context, forward, gradient) => context.emit('Div', [gradient, input(forward)])),
  Sqrt: unary((context, forward, gradient) => {
    const half = context.emit('Mul', [gradient, scalar(context, 0.5)]);
    return context.emit('Div', [half, output(forward)]);
  }),
  Reciprocal: unary((context, forward, gradient) => {
    const y = output(forward);
    return negate(context, context.emit('Mul', [gradient, context.emit('Mul', [y, y])]));
  }),
  Neg: unary((context, _, gradient) => negate(context, gradient)),
  Abs: unary((context, forward, gradient) =>
    context.emit('Mul', [gradient, context.emit('Sign', [input(forward)])]),
  ),
  Identity: unary((_, __, gradient) => gradient),
  // At inference dropout passes its input on.
  Dropout: unary((_, __, gradient) => gradient),
  Cast: unary((_, forward, gradient) => {
    const { to } = forward.attributes;
    if (to?.kind === 'int' && to.value === elementTypes.float32) return gradient;
    throw unsupported('Cast', forward.name, 'it leaves float32');
  }),
};

/** The greater of two takes the gradient; equal ones take half each, as PyTorch has it. */
function extreme(
  context: Backward,
  of: { readonly forward: OnnxNode; readonly gradient: string; readonly index: number },
): string {
  const { forward, gradient, index } = of;
  if (forward.inputs.length > 2) {
    throw unsupported(forward.operator, forward.name, 'it has more than two inputs');
  }
  const [own, other] = [input(forward, index), input(forward, 1 - index)];
  const above = context.emit('Sign', [context.emit('Sub', [own, other])]);
  const mask = context.emit('Add', [
    context.emit('Mul', [above, scalar(context, 0.5)]),
    scalar(context, 0.5),
  ]);
  return context.emit('Mul', [gradient, mask]);
}

/** A constant exponent of one element. */
function power(context: Backward, forward: OnnxNode, gradient: string): string {
  const tensor = context.constant(input(forward, 1));
  const isFloat = tensor?.elementType === elementTypes.float32;
  const exponents = tensor !== null && isFloat ? floatsIn(tensor) : new Float32Array(0);
  const [exponent] = exponents;
  if (exponent === undefined || exponents.length > 1) {
    throw unsupported('Pow', forward.name, 'its exponent is no float32 constant of one element');
  }
  const less = context.emit('Pow', [input(forward), scalar(context, exponent - 1)]);
  const slope = context.emit('Mul', [less, scalar(context, exponent)]);
  return context.emit('Mul', [gradient, slope]);
}
