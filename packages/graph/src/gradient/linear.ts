/** Gradients of matrix products. */
import { float, int, ints, type OnnxNode } from '../onnx/model.ts';
import { type Backward, type GradientRule, sumTo } from './builder.ts';

/** Rules by operator. */
export const linearRules: Readonly<Record<string, GradientRule>> = { Gemm: gemm, MatMul: matMul };

/** Y = α A' B' + β C, where ' is the transposition that the attributes ask for. */
function gemm(context: Backward, forward: OnnxNode, gradient: string): void {
  const [a = '', b = '', c = ''] = forward.inputs;
  const flag = (name: string): number => {
    const own = forward.attributes[name];
    return own?.kind === 'int' ? own.value : 0;
  };
  const factor = (name: string): number => {
    const own = forward.attributes[name];
    return own?.kind === 'float' ? own.value : 1;
  };
  const alpha = float(factor('alpha'));
  const [transA, transB] = [flag('transA'), flag('transB')];
  // Before opset 11 the addend could not be left out.
  const none = context.opset < 11 ? [context.floats([1], [0])] : [];
  const product = (left: string, right: string, turn: readonly [number, number]): string => {
    const turns = { alpha, transA: int(turn[0]), transB: int(turn[1]) };
    return context.emit('Gemm', [left, right, ...none], turns);
  };
  if (context.wants(a)) {
    const plain = product(gradient, b, [0, transB === 1 ? 0 : 1]);
    context.give(a, transA === 0 ? plain : product(b, gradient, [transB, 1]));
  }
  if (context.wants(b)) {
    const plain = product(a, gradient, [transA === 1 ? 0 : 1, 0]);
    context.give(b, transB === 0 ? plain : product(gradient, a, [1, transA]));
  }
  if (c !== '' && context.wants(c)) {
    const beta = factor('beta');
    const scaled =
      beta === 1 ? gradient : context.emit('Mul', [gradient, context.floats([], [beta])]);
    const from = context.shape(forward.outputs[0] ?? '');
    context.give(c, sumTo(context, scaled, from, context.shape(c)));
  }
}

/** Batched products broadcast their leading axes; both factors have at least two axes here. */
function matMul(context: Backward, forward: OnnxNode, gradient: string): void {
  const [a = '', b = ''] = forward.inputs;
  const from = context.shape(forward.outputs[0] ?? '');
  const turned = (name: string): string => {
    const rank = context.shape(name).length;
    const order = Array.from({ length: rank }, (_, i) => i);
    const perm = [...order.slice(0, -2), rank - 1, rank - 2];
    return context.emit('Transpose', [name], { perm: ints(perm) });
  };
  const back = (product: string, name: string): string => {
    const to = context.shape(name);
    return sumTo(context, product, [...from.slice(0, -2), ...to.slice(-2)], to);
  };
  if (context.wants(a)) {
    context.give(a, back(context.emit('MatMul', [gradient, turned(b)]), a));
  }
  if (context.wants(b)) {
    context.give(b, back(context.emit('MatMul', [turned(a), gradient]), b));
  }
}
