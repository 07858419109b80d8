/** Matrix products of small plans. */
import type { FloatValue, Kernel } from './value.ts';
import { floats, floatsAt, integerOf, numberOf, sizeOf } from './value.ts';
import type { Arena } from './wasm.ts';

/** Kernels by operator. */
export const linearKernels: Readonly<Record<string, Kernel>> = {
  MatMul: (of) => {
    const [a, b] = [floatsAt(of, 0), floatsAt(of, 1)];
    if (a?.shape.length !== 2 || b?.shape.length !== 2) return null;
    return product({ a, b, bias: null, turned: false, alpha: 1, beta: 1 }, of.arena);
  },
  Gemm: (of) => {
    const [a, b, bias] = [floatsAt(of, 0), floatsAt(of, 1), floatsAt(of, 2)];
    if (a?.shape.length !== 2 || b?.shape.length !== 2) return null;
    if (integerOf(of, 'transA', 0) !== 0) return null;
    const [alpha, beta] = [numberOf(of, 'alpha', 1), numberOf(of, 'beta', 1)];
    const turned = integerOf(of, 'transB', 0) === 1;
    return product({ a, b, bias, turned, alpha, beta }, of.arena);
  },
};

interface Product {
  readonly a: FloatValue;
  readonly b: FloatValue;
  readonly bias: FloatValue | null;
  /** B is [columns, inner]. */
  readonly turned: boolean;
  readonly alpha: number;
  readonly beta: number;
}

/** A [rows, inner] by B, whose columns are laid out one after the other when the plan is made. */
function product(
  { a, b, bias, turned, alpha, beta }: Product,
  arena: Arena | null,
): ReturnType<Kernel> {
  const [rows = 0, inner = 0] = a.shape;
  const [columns = 0, depth = 0] = turned ? b.shape : [b.shape[1], b.shape[0]];
  if (depth !== inner || !(turned || b.fixed)) return null;
  const width = bias === null ? 0 : sizeOf(bias.shape);
  // A bias is a scalar or one number a column; others are rare.
  if (width > 1 && !(width === columns && bias?.shape.at(-1) === columns)) return null;
  const weights = turned ? b.data : transposed(b.data, inner, columns);
  const value = floats([rows, columns]);
  const shift = new Float64Array(columns);
  const of = { a: a.data, weights, out: value.data, shift, alpha, rows, inner, columns };
  const fillShift = (): void => {
    for (let n = 0; n < columns && bias !== null; n++) {
      shift[n] = beta * (bias.data[width === 1 ? 0 : n] ?? 0);
    }
  };
  const cost = rows * inner * columns;
  if (arena !== null && b.fixed && bias?.fixed !== false && cost > 0) {
    fillShift();
    const fixed = alpha === 1 ? weights : weights.map((weight) => alpha * weight);
    const all = arena.product({ weights: fixed, shift, rows, inner, columns });
    return { value, run: () => all(a.data, value.data), cost };
  }
  const run = (): void => {
    fillShift();
    multiply(of);
  };
  return { value, run, cost: cost * slower };
}

interface Factors {
  readonly a: Float32Array;
  /** [columns, inner]. */
  readonly weights: Float32Array;
  readonly out: Float32Array;
  readonly shift: Float64Array;
  readonly alpha: number;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** How much longer a product takes here than by vector instructions. */
const slower = 6;

/** Columns that are summed together, so that their sums do not wait for each other. */
const together = 8;

function multiply(of: Factors): void {
  const { rows, columns } = of;
  const whole = columns - (columns % together);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < whole; n += together) eightColumns(of, row, n);
    for (let n = whole; n < columns; n++) oneColumn(of, row, n);
  }
}

function eightColumns(of: Factors, row: number, column: number): void {
  const { a, weights, out, shift, alpha, inner, columns } = of;
  const [from, to, first] = [row * inner, row * columns + column, column * inner];
  let [p, q, r, s, t, u, v, w] = [0, 0, 0, 0, 0, 0, 0, 0];
  for (let k = 0; k < inner; k++) {
    const value = a[from + k] ?? 0;
    const at = first + k;
    p += value * (weights[at] ?? 0);
    q += value * (weights[at + inner] ?? 0);
    r += value * (weights[at + 2 * inner] ?? 0);
    s += value * (weights[at + 3 * inner] ?? 0);
    t += value * (weights[at + 4 * inner] ?? 0);
    u += value * (weights[at + 5 * inner] ?? 0);
    v += value * (weights[at + 6 * inner] ?? 0);
    w += value * (weights[at + 7 * inner] ?? 0);
  }
  out[to] = alpha * p + (shift[column] ?? 0);
  out[to + 1] = alpha * q + (shift[column + 1] ?? 0);
  out[to + 2] = alpha * r + (shift[column + 2] ?? 0);
  out[to + 3] = alpha * s + (shift[column + 3] ?? 0);
  out[to + 4] = alpha * t + (shift[column + 4] ?? 0);
  out[to + 5] = alpha * u + (shift[column + 5] ?? 0);
  out[to + 6] = alpha * v + (shift[column + 6] ?? 0);
  out[to + 7] = alpha * w + (shift[column + 7] ?? 0);
}

function oneColumn(of: Factors, row: number, column: number): void {
  const { a, weights, out, shift, alpha, inner, columns } = of;
  let sum = 0;
  for (let k = 0; k < inner; k++) {
    sum += (a[row * inner + k] ?? 0) * (weights[column * inner + k] ?? 0);
  }
  out[row * columns + column] = alpha * sum + (shift[column] ?? 0);
}

function transposed(from: Float32Array, rows: number, columns: number): Float32Array {
  const to = new Float32Array(from.length);
  for (let row = 0; row < rows; row++) {
    for (let n = 0; n < columns; n++) to[n * rows + row] = from[row * columns + n] ?? 0;
  }
  return to;
}
