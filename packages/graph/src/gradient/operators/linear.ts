/** Gradients of matrix products. */
import { float, floatsIn, int, type OnnxNode, type OnnxTensor } from '../../onnx/model.ts';
import type { Backward, GradientRule } from '../builder.ts';
import { integer, mul, number, sumTo, transpose } from '../emitter.ts';

/** Rules by operator. */
export const linearRules: Readonly<Record<string, GradientRule>> = {
  Gemm: gemm,
  MatMul: matMul,
};

/** Y = α A' B' + β C, where ' is the transposition that the attributes ask for. */
function gemm(context: Backward, forward: OnnxNode, gradient: string): void {
  const [a = '', b = '', c = ''] = forward.inputs;
  const alpha = float(number(forward, 'alpha', 1));
  const [transA, transB] = [integer(forward, 'transA', 0), integer(forward, 'transB', 0)];
  const product = (left: string, right: string, turn: readonly [number, number]): string => {
    const turns = { alpha, transA: int(turn[0]), transB: int(turn[1]) };
    return context.emit('Gemm', [left, right], turns);
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
    const beta = number(forward, 'beta', 1);
    const scaled = beta === 1 ? gradient : mul(context, gradient, beta);
    const from = context.shape(forward.outputs[0] ?? '');
    context.give(c, sumTo(context, scaled, from, context.shape(c)));
  }
}

/** Batched products broadcast their leading axes; a vector stands as a row or lies as a column. */
function matMul(context: Backward, forward: OnnxNode, gradient: string): void {
  const [a = '', b = ''] = forward.inputs;
  const [left, right] = [matrixOf(context, a, 0), matrixOf(context, b, -1)];
  const lead = context.shape(forward.outputs[0] ?? '');
  const [rankA, rankB] = [context.shape(a).length, context.shape(b).length];
  const batch = lead.slice(0, lead.length - (rankA === 1 ? 0 : 1) - (rankB === 1 ? 0 : 1));
  let whole = gradient;
  if (rankA === 1)
    whole = context.emit('Unsqueeze', [whole, context.ints([rankB === 1 ? -1 : -2])]);
  if (rankB === 1) whole = context.emit('Unsqueeze', [whole, context.ints([-1])]);
  const turned = (name: string, shape: readonly number[]): string => {
    const constant = context.constant(name);
    // Turned here, so that the runtime finds a constant that it can pack.
    if (constant !== null && shape.length === 2) return turnedConstant(context, constant);
    const order = shape.map((_, i) => i);
    return transpose(context, name, [...order.slice(0, -2), shape.length - 1, shape.length - 2]);
  };
  const back = (product: string, of: Matrix): string => {
    const summed = sumTo(context, product, [...batch, ...of.shape.slice(-2)], of.shape);
    if (of.vector === null) return summed;
    return context.emit('Squeeze', [summed, context.ints([of.vector])]);
  };
  if (context.wants(a)) {
    const product = context.emit('MatMul', [whole, turned(right.name, right.shape)]);
    context.give(a, back(product, left));
  }
  if (context.wants(b)) {
    const product = context.emit('MatMul', [turned(left.name, left.shape), whole]);
    context.give(b, back(product, right));
  }
}

function turnedConstant(context: Backward, tensor: OnnxTensor): string {
  const [rows = 0, columns = 0] = tensor.shape;
  const from = floatsIn(tensor);
  const to = new Float32Array(from.length);
  for (let row = 0; row < rows; row++) {
    for (let k = 0; k < columns; k++) to[k * rows + row] = from[row * columns + k] ?? 0;
  }
  return context.floats([columns, rows], to);
}

interface Matrix {
  readonly name: string;
  readonly shape: readonly number[];
  /** The axis that a vector was given. */
  readonly vector: number | null;
}

function matrixOf(context: Backward, name: string, vector: number): Matrix {
  const shape = context.shape(name);
  if (shape.length > 1) return { name, shape, vector: null };
  const [size = 1] = shape;
  const standing = context.emit('Unsqueeze', [name, context.ints([vector])]);
  return { name: standing, shape: vector === 0 ? [1, size] : [size, 1], vector };
}
