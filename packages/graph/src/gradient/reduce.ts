/** Gradients of sums and means over axes. */
import { unsupported } from '../error.ts';
import type { OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, listOf, scalar } from './builder.ts';

/** Rules by operator. */
export const reduceRules: Readonly<Record<string, GradientRule>> = {
  ReduceMean: (context, forward, gradient) => {
    reduction(context, forward, { gradient, averages: true });
  },
  ReduceSum: (context, forward, gradient) => {
    reduction(context, forward, { gradient, averages: false });
  },
};

function reduction(
  context: Backward,
  forward: OnnxNode,
  of: { readonly gradient: string; readonly averages: boolean },
): void {
  const [x = '', axesName = ''] = forward.inputs;
  if (!context.wants(x)) return;
  const shape = context.shape(x);
  const own = listOf(context, forward, { attribute: 'axes', input: 1 });
  if (own === null && axesName !== '') {
    throw unsupported(forward.operator, forward.name, 'its axes are computed');
  }
  const given = own === null || own.length === 0 ? [...shape.keys()] : own;
  const axes = given.map((axis) => (axis < 0 ? axis + shape.length : axis));
  if (axes.includes(0)) {
    throw unsupported(forward.operator, forward.name, 'it mixes the rows of the batch');
  }
  const kept = shape.map((size, i) => (i === 0 ? -1 : axes.includes(i) ? 1 : size));
  const count = axes.reduce((product, axis) => product * (shape[axis] ?? 1), 1);
  let each = context.emit('Reshape', [of.gradient, context.ints(kept)]);
  if (of.averages) each = context.emit('Mul', [each, scalar(context, 1 / count)]);
  context.give(x, context.emit('Expand', [each, context.emit('Shape', [x])]));
}
