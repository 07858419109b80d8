/** Gradients of arithmetic, element by element, with broadcasting. */
import { elementTypes, floatsIn, int, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { add, div, integer, listOf, mul, scalar, sub, sumTo, where } from '../emitter.ts';

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

const negate = (context: Backward, value: string): string => mul(context, value, -1);

const square = (context: Backward, value: string): string => mul(context, value, value);

/** The gradient times another operator of the same input. */
function times(operator: string, sign: 1 | -1 = 1): GradientRule {
  return unary((context, forward, gradient) => {
    const slope = context.emit(operator, [input(forward)]);
    const product = mul(context, gradient, slope);
    return sign === 1 ? product : negate(context, product);
  });
}

/** The gradient over the root of `a + b x²`. */
function overRoot(a: number, b: number, sign: 1 | -1 = 1): GradientRule {
  return unary((context, forward, gradient) => {
    const inside = add(context, mul(context, square(context, input(forward)), b), a);
    const quotient = div(context, gradient, context.emit('Sqrt', [inside]));
    return sign === 1 ? quotient : negate(context, quotient);
  });
}

/** Rules by operator. */
export const elementwiseRules: Readonly<Record<string, GradientRule>> = {
  Add: broadcasting((_, { gradient }) => gradient),
  Sum: broadcasting((_, { gradient }) => gradient),
  Mean: broadcasting((context, { forward, gradient }) =>
    mul(context, gradient, 1 / forward.inputs.length),
  ),
  Sub: broadcasting((context, { gradient, index }) =>
    index === 0 ? gradient : negate(context, gradient),
  ),
  Mul: broadcasting((context, { forward, gradient, index }) =>
    mul(context, gradient, input(forward, 1 - index)),
  ),
  Div: broadcasting((context, { forward, gradient, index }) => {
    const [a, b] = [input(forward), input(forward, 1)];
    const over = div(context, gradient, b);
    return index === 0 ? over : negate(context, mul(context, over, div(context, a, b)));
  }),
  Max: broadcasting(extreme),
  Min: broadcasting(extreme),
  Where: broadcasting((context, { forward, gradient, index }) => {
    if (index === 0) return null;
    const test = input(forward);
    return index === 1 ? where(context, test, gradient, 0) : where(context, test, 0, gradient);
  }),
  Pow: broadcasting(power),
  Exp: unary((context, forward, gradient) => mul(context, gradient, output(forward))),
  Log: unary((context, forward, gradient) => div(context, gradient, input(forward))),
  Sqrt: unary((context, forward, gradient) =>
    div(context, mul(context, gradient, 0.5), output(forward)),
  ),
  Reciprocal: unary((context, forward, gradient) =>
    negate(context, mul(context, gradient, square(context, output(forward)))),
  ),
  Neg: unary((context, _, gradient) => negate(context, gradient)),
  Abs: times('Sign'),
  Sin: times('Cos'),
  Cos: times('Sin', -1),
  Tan: unary((context, forward, gradient) =>
    mul(context, gradient, add(context, square(context, output(forward)), 1)),
  ),
  Asin: overRoot(1, -1),
  Acos: overRoot(1, -1, -1),
  Atan: unary((context, forward, gradient) =>
    div(context, gradient, add(context, square(context, input(forward)), 1)),
  ),
  Sinh: times('Cosh'),
  Cosh: times('Sinh'),
  Asinh: overRoot(1, 1),
  Acosh: overRoot(-1, 1),
  Atanh: unary((context, forward, gradient) =>
    div(context, gradient, sub(context, 1, square(context, input(forward)))),
  ),
  Identity: unary((_, __, gradient) => gradient),
  // At inference dropout passes its input on.
  Dropout: unary((_, __, gradient) => gradient),
  // Whole numbers carry no gradient, so that only casts among floats come here.
  Cast: unary((_, __, gradient) => gradient),
  CastLike: unary((_, __, gradient) => gradient),
  CumSum: unary((context, forward, gradient) => {
    const reverse = int(1 - integer(forward, 'reverse', 0));
    const exclusive = int(integer(forward, 'exclusive', 0));
    return context.emit('CumSum', [gradient, input(forward, 1)], { reverse, exclusive });
  }),
  Trilu: unary((context, forward, gradient) => {
    const upper = int(integer(forward, 'upper', 1));
    return context.emit('Trilu', [gradient, ...forward.inputs.slice(1)], { upper });
  }),
  ReverseSequence: unary((context, forward, gradient) =>
    context.emit('ReverseSequence', [gradient, input(forward, 1)], forward.attributes),
  ),
};

/** The extreme takes the gradient; equal ones share it evenly, as PyTorch has it. */
function extreme(
  context: Backward,
  of: { readonly forward: OnnxNode; readonly gradient: string; readonly index: number },
): string {
  const { forward, gradient, index } = of;
  const own = input(forward, index);
  if (forward.inputs.length === 1) return gradient;
  if (forward.inputs.length === 2) {
    const other = input(forward, 1 - index);
    const pair = forward.operator === 'Max' ? ([own, other] as const) : ([other, own] as const);
    const above = context.emit('Sign', [sub(context, ...pair)]);
    return mul(context, gradient, add(context, mul(context, above, 0.5), 0.5));
  }
  const to = { to: int(elementTypes.float32) };
  const best = (name: string): string => {
    const equal = context.emit('Equal', [name, output(forward)]);
    return context.emit('Cast', [equal], to);
  };
  const count = forward.inputs.map(best).reduce((sum, each) => add(context, sum, each));
  return div(context, mul(context, gradient, best(own)), count);
}

/** xᵃ: by the base a xᵃ⁻¹, by the exponent xᵃ ln x, which is 0 where x is 0. */
function power(
  context: Backward,
  of: { readonly forward: OnnxNode; readonly gradient: string; readonly index: number },
): string {
  const { forward, gradient, index } = of;
  const [base, exponent] = [input(forward), input(forward, 1)];
  if (index === 1) {
    const logarithm = context.emit('Log', [base]);
    const slope = mul(context, output(forward), logarithm);
    const zero = context.emit('Equal', [base, scalar(context, 0)]);
    return where(context, zero, 0, mul(context, gradient, slope));
  }
  const fixed = oneNumber(context, forward);
  if (fixed === 2) return mul(context, mul(context, gradient, base), 2);
  if (fixed !== null) {
    const lower = context.emit('Pow', [base, scalar(context, fixed - 1)]);
    return mul(context, gradient, mul(context, lower, fixed));
  }
  const to = { to: int(elementTypes.float32) };
  const isFloat = context.type(exponent) === elementTypes.float32;
  const power = isFloat ? exponent : context.emit('Cast', [exponent], to);
  const lower = context.emit('Pow', [base, sub(context, power, 1)]);
  const slope = mul(context, lower, power);
  // x⁰ is flat, at x = 0 too.
  const flat = context.emit('Equal', [power, scalar(context, 0)]);
  return where(context, flat, 0, mul(context, gradient, slope));
}

/** A constant exponent of one element. */
function oneNumber(context: Backward, forward: OnnxNode): number | null {
  const tensor = context.constant(input(forward, 1));
  if (tensor === null || tensor.shape.some((size) => size !== 1)) return null;
  if (tensor.elementType === elementTypes.float32) return floatsIn(tensor)[0] ?? null;
  return listOf(context, forward, 1)?.[0] ?? null;
}
