/** Elementwise operators of small plans, with NumPy's broadcasting. */
import type { FloatValue, Kernel, Operands, Step } from './value.ts';
import { floats, floatsAt, numberOf, sizeOf } from './value.ts';

type Unary = (x: number) => number;
type Binary = (a: number, b: number) => number;

/** Kernels by operator. */
export const elementwiseKernels: Readonly<Record<string, Kernel>> = {
  ...unaries({
    Abs: Math.abs,
    Exp: Math.exp,
    Log: Math.log,
    Neg: (x) => -x,
    Reciprocal: (x) => 1 / x,
    Sigmoid: (x) => 1 / (1 + Math.exp(-x)),
    Softplus: (x) => (x > 0 ? x + Math.log1p(Math.exp(-x)) : Math.log1p(Math.exp(x))),
    Softsign: (x) => x / (1 + Math.abs(x)),
    Sqrt: Math.sqrt,
    Tanh: Math.tanh,
  }),
  ...binaries({
    Add: (a, b) => a + b,
    Div: (a, b) => a / b,
    Sub: (a, b) => a - b,
  }),
  // The ones that every network has a loop of their own: a shared one calls a function an element.
  Relu: (of) => unaryBy(of, reluAll),
  Sign: (of) => unaryBy(of, signAll),
  Mul: (of) => binary(of, (a, b) => a * b, multiplyAll),
  HardSigmoid: (of) => {
    const [alpha, beta] = [numberOf(of, 'alpha', 0.2), numberOf(of, 'beta', 0.5)];
    return unary(of, (x) => Math.min(1, Math.max(0, alpha * x + beta)));
  },
  LeakyRelu: (of) => {
    const alpha = numberOf(of, 'alpha', 0.01);
    return unary(of, (x) => (x > 0 ? x : alpha * x));
  },
};

function reluAll(from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i] = Math.max(0, from[i] ?? 0);
}

function signAll(from: Float32Array, to: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i] = Math.sign(from[i] ?? 0);
}

function multiplyAll(left: Float32Array, right: Float32Array, to: Float32Array): void {
  for (let i = 0; i < to.length; i++) to[i] = (left[i] ?? 0) * (right[i] ?? 0);
}

function unaries(table: Readonly<Record<string, Unary>>): Record<string, Kernel> {
  return Object.fromEntries(
    Object.entries(table).map(([name, compute]) => [name, (of: Operands) => unary(of, compute)]),
  );
}

function binaries(table: Readonly<Record<string, Binary>>): Record<string, Kernel> {
  return Object.fromEntries(
    Object.entries(table).map(([name, compute]) => [name, (of: Operands) => binary(of, compute)]),
  );
}

function unary(of: Operands, compute: Unary): Step | null {
  return unaryBy(of, (from, to) => {
    for (let i = 0; i < to.length; i++) to[i] = compute(from[i] ?? 0);
  });
}

function unaryBy(of: Operands, all: (from: Float32Array, to: Float32Array) => void): Step | null {
  const x = floatsAt(of, 0);
  if (x === null) return null;
  const value = floats(x.shape);
  return { value, run: () => all(x.data, value.data), cost: value.data.length };
}

type Whole = (left: Float32Array, right: Float32Array, to: Float32Array) => void;

/** `all` computes two values of one shape. */
function binary(of: Operands, compute: Binary, all?: Whole): Step | null {
  const [a, b] = [floatsAt(of, 0), floatsAt(of, 1)];
  if (a === null || b === null) return null;
  const shape = broadcast(a.shape, b.shape);
  if (shape === null) return null;
  const value = floats(shape);
  const [left, right, to] = [a.data, b.data, value.data];
  const whole = left.length === to.length && right.length === to.length;
  const [fromLeft, fromRight] = whole ? [null, null] : [places(a, shape), places(b, shape)];
  const run = (): void => {
    if (fromLeft === null || fromRight === null) {
      if (all !== undefined) all(left, right, to);
      else for (let i = 0; i < to.length; i++) to[i] = compute(left[i] ?? 0, right[i] ?? 0);
      return;
    }
    for (let i = 0; i < to.length; i++) {
      to[i] = compute(left[fromLeft[i] ?? 0] ?? 0, right[fromRight[i] ?? 0] ?? 0);
    }
  };
  return { value, run, cost: to.length };
}

/** The common shape of two; null when they do not fit. */
function broadcast(a: readonly number[], b: readonly number[]): number[] | null {
  const rank = Math.max(a.length, b.length);
  const shape: number[] = [];
  for (let axis = 0; axis < rank; axis++) {
    const [left, right] = [a[axis - rank + a.length] ?? 1, b[axis - rank + b.length] ?? 1];
    if (left !== right && left !== 1 && right !== 1) return null;
    shape.push(left === 1 ? right : left);
  }
  return shape;
}

/** For each element of a shape, where a value that is stretched to it has it. */
function places({ shape: own }: FloatValue, shape: readonly number[]): Int32Array {
  const strides = shape.map(() => 0);
  let stride = 1;
  for (let axis = own.length - 1; axis >= 0; axis--) {
    const size = own[axis] ?? 1;
    strides[axis + shape.length - own.length] = size === 1 ? 0 : stride;
    stride *= size;
  }
  return Int32Array.from({ length: sizeOf(shape) }, (_, at) => {
    let [rest, place] = [at, 0];
    for (let axis = shape.length - 1; axis >= 0; axis--) {
      const size = shape[axis] ?? 1;
      place += (rest % size) * (strides[axis] ?? 0);
      rest = Math.floor(rest / size);
    }
    return place;
  });
}
