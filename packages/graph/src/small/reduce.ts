/** Softmax, sums and choices along the last axis of small plans. */
import type { FloatValue, Kernel, Operands, Step } from './value.ts';
import { axisIn, floats, floatsAt, integerOf, knownAt, sizeOf } from './value.ts';

/** Kernels by operator. */
export const reduceKernels: Readonly<Record<string, Kernel>> = {
  Softmax: (of) => alongLast(of, softmaxRow),
  LogSoftmax: (of) => alongLast(of, logSoftmaxRow),
  ReduceSum: (of) => reduced(of, 1),
  ReduceMean: (of) => reduced(of, null),
  ArgMax: greatest,
  OneHot: oneHot,
};

type RowKernel = (from: Float32Array, to: Float32Array, start: number, end: number) => void;

function alongLast(of: Operands, row: RowKernel): Step | null {
  const x = floatsAt(of, 0);
  if (x === null || axisIn(integerOf(of, 'axis', -1), x.shape.length) !== x.shape.length - 1) {
    return null;
  }
  const value = floats(x.shape);
  const size = x.shape.at(-1) ?? 1;
  const run = (): void => {
    for (let start = 0; start < x.data.length; start += size) {
      row(x.data, value.data, start, start + size);
    }
  };
  return { value, run, cost: 4 * x.data.length };
}

/** Logarithm of the sum of exponentials less the greatest, and the greatest. */
function spread(from: Float32Array, start: number, end: number): readonly [number, number] {
  let most = Number.NEGATIVE_INFINITY;
  for (let i = start; i < end; i++) most = Math.max(most, from[i] ?? 0);
  let sum = 0;
  for (let i = start; i < end; i++) sum += Math.exp((from[i] ?? 0) - most);
  return [Math.log(sum), most];
}

function logSoftmaxRow(from: Float32Array, to: Float32Array, start: number, end: number): void {
  const [log, most] = spread(from, start, end);
  for (let i = start; i < end; i++) to[i] = (from[i] ?? 0) - most - log;
}

function softmaxRow(from: Float32Array, to: Float32Array, start: number, end: number): void {
  const [log, most] = spread(from, start, end);
  const scale = Math.exp(-log);
  for (let i = start; i < end; i++) to[i] = scale * Math.exp((from[i] ?? 0) - most);
}

/** Sums (`weight` 1) or means (null) over all axes from some axis on. */
function reduced(of: Operands, weight: 1 | null): Step | null {
  const x = floatsAt(of, 0);
  const given = of.attributes.axes;
  const axes = given?.kind === 'ints' ? given.value : knownAt(of, 1);
  if (x === null || axes === null) return null;
  const rank = x.shape.length;
  const own = new Set(axes.map((axis) => axisIn(axis, rank)));
  const first = rank - own.size;
  for (let axis = first; axis < rank; axis++) if (!own.has(axis)) return null;
  const keep = integerOf(of, 'keepdims', 1) === 1;
  const kept = x.shape.slice(0, first);
  const value = floats(keep ? [...kept, ...x.shape.slice(first).map(() => 1)] : kept);
  const size = sizeOf(x.shape.slice(first));
  const scale = weight ?? 1 / size;
  const run = (): void => {
    for (let row = 0; row < value.data.length; row++) {
      let sum = 0;
      for (let i = row * size; i < (row + 1) * size; i++) sum += x.data[i] ?? 0;
      value.data[row] = scale * sum;
    }
  };
  return { value, run, cost: x.data.length };
}

/** Positions of the first greatest along the last axis. */
function greatest(of: Operands): Step | null {
  const x = floatsAt(of, 0);
  if (x === null || axisIn(integerOf(of, 'axis', 0), x.shape.length) !== x.shape.length - 1) {
    return null;
  }
  if (integerOf(of, 'select_last_index', 0) !== 0) return null;
  const size = x.shape.at(-1) ?? 1;
  const kept = x.shape.slice(0, -1);
  const shape = integerOf(of, 'keepdims', 1) === 1 ? [...kept, 1] : kept;
  const data = new Float64Array(sizeOf(shape));
  const run = (): void => {
    for (let row = 0; row < data.length; row++) data[row] = bestOf(x, row * size, size);
  };
  return { value: { kind: 'integers', shape, data, fixed: false }, run, cost: x.data.length };
}

function bestOf({ data }: FloatValue, start: number, size: number): number {
  let best = 0;
  for (let k = 1; k < size; k++) {
    if ((data[start + k] ?? 0) > (data[start + best] ?? 0)) best = k;
  }
  return best;
}

/** Rows of one value with another at the position given. */
function oneHot(of: Operands): Step | null {
  const [positions] = of.inputs;
  const [depth] = knownAt(of, 1) ?? [];
  const values = floatsAt(of, 2);
  if (positions?.kind !== 'integers' || depth === undefined || values?.data.length !== 2) {
    return null;
  }
  if (axisIn(integerOf(of, 'axis', -1), positions.shape.length + 1) !== positions.shape.length) {
    return null;
  }
  const value = floats([...positions.shape, depth]);
  const run = (): void => {
    const [off = 0, on = 1] = values.data;
    value.data.fill(off);
    for (const [row, given] of positions.data.entries()) {
      const at = given < 0 ? given + depth : given;
      if (at >= 0 && at < depth) value.data[row * depth + at] = on;
    }
  };
  return { value, run, cost: value.data.length };
}
