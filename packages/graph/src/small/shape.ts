/** Operators of small plans that only tell or change shapes. */
import type { FloatValue, Kernel, Operands, Step } from './value.ts';
import { axisIn, floats, floatsAt, integerOf, knownAt, sizeOf } from './value.ts';

/** Kernels by operator. */
export const shapeKernels: Readonly<Record<string, Kernel>> = {
  Identity: (of) => {
    const [value] = of.inputs;
    return value === null || value === undefined ? null : { value, run: null, cost: 0 };
  },
  Shape: (of) => {
    const [value] = of.inputs;
    if (value === null || value === undefined || Object.keys(of.attributes).length > 0) return null;
    const data = Float64Array.from(value.shape);
    const known = { kind: 'integers' as const, shape: [data.length], data, fixed: true };
    return { value: known, run: null, cost: 0 };
  },
  Flatten: (of) => {
    const x = floatsAt(of, 0);
    const axis = integerOf(of, 'axis', 1);
    if (x === null || axis < 0 || axis > x.shape.length) return null;
    return view(x, [sizeOf(x.shape.slice(0, axis)), sizeOf(x.shape.slice(axis))]);
  },
  Reshape: (of) => {
    const [x, asked] = [floatsAt(of, 0), knownAt(of, 1)];
    if (x === null || asked === null || integerOf(of, 'allowzero', 0) !== 0) return null;
    const sizes = asked.map((size, axis) => (size === 0 ? (x.shape[axis] ?? 0) : size));
    const rest = x.data.length / sizeOf(sizes.filter((size) => size >= 0));
    return view(
      x,
      sizes.map((size) => (size < 0 ? rest : size)),
    );
  },
  Transpose: (of) => {
    const x = floatsAt(of, 0);
    const perm = of.attributes.perm;
    const turned = perm === undefined || (perm.kind === 'ints' && perm.value.join() === '1,0');
    if (x?.shape.length !== 2 || !turned) return null;
    const [rows = 0, columns = 0] = x.shape;
    const value = floats([columns, rows]);
    const run = (): void => {
      for (let row = 0; row < rows; row++) {
        for (let n = 0; n < columns; n++)
          value.data[n * rows + row] = x.data[row * columns + n] ?? 0;
      }
    };
    return { value, run, cost: x.data.length };
  },
  Concat: concat,
};

function view(x: FloatValue, shape: readonly number[]): Step | null {
  if (sizeOf(shape) !== x.data.length) return null;
  return { value: { ...x, shape }, run: null, cost: 0 };
}

/** Side by side along the last axis. */
function concat(of: Operands): Step | null {
  const parts = of.inputs.map((_, place) => floatsAt(of, place));
  const own = parts.filter((part) => part !== null);
  const [first] = own;
  if (first === undefined || own.length !== parts.length) return null;
  const rank = first.shape.length;
  if (axisIn(integerOf(of, 'axis', 0), rank) !== rank - 1) return null;
  const widths = own.map((part) => part.shape.at(-1) ?? 0);
  const width = widths.reduce((sum, size) => sum + size, 0);
  const value = floats([...first.shape.slice(0, -1), width]);
  const rows = value.data.length / width;
  const run = (): void => {
    let at = 0;
    for (let row = 0; row < rows; row++) {
      for (const [i, { data }] of own.entries()) {
        const size = widths[i] ?? 0;
        for (let k = 0; k < size; k++) value.data[at++] = data[row * size + k] ?? 0;
      }
    }
  };
  return { value, run, cost: value.data.length };
}
