/** Gradients of reductions over axes. */
import { unsupported } from '../../error.ts';
import { elementTypes, int, type OnnxNode } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import {
  div,
  fromFront,
  integer,
  listOf,
  mul,
  reduceSum,
  reshape,
  scalar,
  sizeOf,
  sub,
  transpose,
  where,
} from '../emitter.ts';

interface Reduction {
  readonly forward: OnnxNode;
  readonly x: string;
  readonly axes: readonly number[];
  /** The gradient, with axes of one where the reduction was. */
  readonly gradient: string;
  /** The result, the same way. */
  readonly y: () => string;
}

/** Gives the gradient by the input; `Expand` is left to the caller where broadcasting does it. */
function reduction(local: (context: Backward, of: Reduction) => string): GradientRule {
  return (context, forward, gradient) => {
    const [x = '', axesName = ''] = forward.inputs;
    if (!context.wants(x)) return;
    const shape = context.shape(x);
    const listed = listOf(context, forward, 1);
    if (listed === null && axesName !== '') {
      throw unsupported(forward.operator, forward.name, 'its axes are computed');
    }
    const none = listed === null || listed.length === 0;
    const keepAll = none && integer(forward, 'noop_with_empty_axes', 0) === 1;
    const given = none ? (keepAll ? [] : [...shape.keys()]) : listed;
    const axes = given.map((axis) => fromFront(axis, shape.length));
    if (axes.some((axis) => context.rows(x, axis))) {
      throw unsupported(forward.operator, forward.name, 'it mixes the rows of the batch');
    }
    const kept = shape.map((_, axis) => (axes.includes(axis) ? 1 : sizeOf(context, x, axis)));
    const keeps = integer(forward, 'keepdims', 1) === 1;
    const stand = (value: string): string => (keeps ? value : reshape(context, value, kept));
    const y = (): string => stand(forward.outputs[0] ?? '');
    context.give(x, local(context, { forward, x, axes, gradient: stand(gradient), y }));
  };
}

const stretched = (context: Backward, value: string, like: string): string =>
  context.emit('Expand', [value, context.emit('Shape', [like])]);

/** Rules by operator. */
export const reduceRules: Readonly<Record<string, GradientRule>> = {
  ReduceSum: reduction((context, { x, gradient }) => stretched(context, gradient, x)),
  ReduceMean: reduction((context, { x, axes, gradient }) => {
    const shape = context.shape(x);
    const count = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
    return stretched(context, mul(context, gradient, 1 / count), x);
  }),
  ReduceMax: reduction(extreme),
  ReduceMin: reduction(extreme),
  ReduceL1: reduction((context, { x, gradient }) =>
    mul(context, gradient, context.emit('Sign', [x])),
  ),
  ReduceL2: reduction((context, { x, gradient, y }) => {
    // At the origin the subgradient is 0, as PyTorch has it.
    const norm = y();
    const zero = context.emit('Equal', [norm, scalar(context, 0)]);
    const share = div(context, gradient, where(context, zero, 1, norm));
    return mul(context, where(context, zero, 0, share), x);
  }),
  ReduceSumSquare: reduction((context, { x, gradient }) =>
    mul(context, mul(context, gradient, 2), x),
  ),
  ReduceLogSum: reduction((context, { x, gradient, y }) =>
    stretched(context, div(context, gradient, context.emit('Exp', [y()])), x),
  ),
  ReduceLogSumExp: reduction((context, { x, gradient, y }) =>
    mul(context, gradient, context.emit('Exp', [sub(context, x, y())])),
  ),
  ReduceProd: reduction(product),
};

/** Equal extremes share the gradient evenly, as PyTorch's amax has it. */
function extreme(context: Backward, { x, axes, gradient, y }: Reduction): string {
  const equal = context.emit('Equal', [x, y()]);
  const mask = context.emit('Cast', [equal], { to: int(elementTypes.float32) });
  const share = div(context, gradient, reduceSum(context, mask, axes, true));
  return mul(context, mask, share);
}

const productMax = 1024;

/** The product of the others, by every element in turn: a quotient would fail where one is 0. */
function product(context: Backward, { forward, x, axes, gradient }: Reduction): string {
  const shape = context.shape(x);
  const kept = [...shape.keys()].filter((axis) => !axes.includes(axis));
  const count = axes.reduce((size, axis) => size * (shape[axis] ?? 1), 1);
  if (count > productMax) {
    throw unsupported(forward.operator, forward.name, `it multiplies ${count} elements`);
  }
  const perm = [...kept, ...axes];
  const sizes = kept.map((axis) => sizeOf(context, x, axis));
  const rows = reshape(context, transpose(context, x, perm), [...sizes, 1, count]);
  const same = Float32Array.from({ length: count * count }, (_, i) => {
    return Math.floor(i / count) === i % count ? 1 : 0;
  });
  const diagonal = greaterThanZero(context, context.floats([count, count], same));
  const others = context.emit(
    'ReduceProd',
    [where(context, diagonal, 1, rows), context.ints([-1])],
    { keepdims: int(0) },
  );
  const each = perm.map((axis) => sizeOf(context, x, axis));
  const whole = reshape(context, others, each);
  const inverse = shape.map((_, axis) => perm.indexOf(axis));
  return mul(context, gradient, transpose(context, whole, inverse));
}

function greaterThanZero(context: Backward, value: string): string {
  return context.emit('Greater', [value, scalar(context, 0)]);
}
