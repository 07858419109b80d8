/** What forward rewrites and backward rules share: emitting nodes, and what is known of values. */
import {
  floatsIn,
  int,
  ints,
  intsIn,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';

/** Shape of a value as observed; axes that hold rows have the observed number of them. */
export type Shape = readonly number[];

/** Attributes of a node. */
export type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** Emits nodes of standard operators and knows the values of the forward graph. */
export interface Emitter {
  /** Opset of the standard operators; at least the one that `upgrade` brings models to. */
  readonly opset: number;
  /** Observed shape of a forward value. */
  shape(name: string): Shape;
  /** True when an axis of a forward value grows with the number of rows. */
  rows(name: string, axis: number): boolean;
  /** Elements and shape of a constant, or null for values that are computed. */
  constant(name: string): OnnxTensor | null;
  /** Emits a node with one output and returns its name. */
  emit(operator: string, inputs: readonly string[], attributes?: Attributes): string;
  /** Emits a node with several outputs and returns their names. */
  emitMany(
    operator: string,
    inputs: readonly string[],
    of: { readonly outputs: number; readonly attributes?: Attributes },
  ): string[];
  floats(shape: readonly number[], values: ArrayLike<number>): string;
  ints(values: readonly number[]): string;
  /** An int64 constant of any shape. */
  intTensor(shape: readonly number[], values: readonly number[]): string;
}

/** A value, or a number that becomes a constant. */
export type Operand = string | number;

function value(emitter: Emitter, of: Operand): string {
  return typeof of === 'number' ? scalar(emitter, of) : of;
}

/** A sum of two. */
export function add(emitter: Emitter, a: Operand, b: Operand): string {
  return emitter.emit('Add', [value(emitter, a), value(emitter, b)]);
}

/** A difference of two. */
export function sub(emitter: Emitter, a: Operand, b: Operand): string {
  return emitter.emit('Sub', [value(emitter, a), value(emitter, b)]);
}

/** A product of two. */
export function mul(emitter: Emitter, a: Operand, b: Operand): string {
  return emitter.emit('Mul', [value(emitter, a), value(emitter, b)]);
}

/** A quotient of two. */
export function div(emitter: Emitter, a: Operand, b: Operand): string {
  return emitter.emit('Div', [value(emitter, a), value(emitter, b)]);
}

/** One of two, element by element. */
export function where(emitter: Emitter, test: string, yes: Operand, no: Operand): string {
  return emitter.emit('Where', [test, value(emitter, yes), value(emitter, no)]);
}

/** True where one is greater than the other. */
export function greater(emitter: Emitter, a: Operand, b: Operand): string {
  return emitter.emit('Greater', [value(emitter, a), value(emitter, b)]);
}

/** True where one is less than the other. */
export function less(emitter: Emitter, a: Operand, b: Operand): string {
  return emitter.emit('Less', [value(emitter, a), value(emitter, b)]);
}

/** A number as a constant. */
export function scalar(emitter: Emitter, of: number): string {
  return emitter.floats([], [of]);
}

/** A value with its axes in another order. */
export function transpose(emitter: Emitter, name: string, perm: readonly number[]): string {
  if (perm.every((axis, i) => axis === i)) return name;
  return emitter.emit('Transpose', [name], { perm: ints(perm) });
}

/** A sum over axes. */
export function reduceSum(
  emitter: Emitter,
  input: string,
  axes: readonly number[],
  keep: boolean,
): string {
  const keepdims = int(keep ? 1 : 0);
  return emitter.emit('ReduceSum', [input, emitter.ints(axes)], { keepdims });
}

/** A mean over axes, which stay as axes of one. */
export function reduceMean(emitter: Emitter, input: string, axes: readonly number[]): string {
  return emitter.emit('ReduceMean', [input, emitter.ints(axes)], { keepdims: int(1) });
}

/** What a slice takes: from `start` up to `end` of one axis. */
export interface Span {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** A part of a value. */
export function slice(emitter: Emitter, input: string, { axis, start, end }: Span): string {
  return emitter.emit('Slice', [input, ...[start, end, axis].map((at) => emitter.ints([at]))]);
}

/** Zeros around a value: a number before every axis, then a number after every axis. */
export function padded(emitter: Emitter, input: string, pads: readonly number[]): string {
  if (pads.every((size) => size === 0)) return input;
  return emitter.emit('Pad', [input, emitter.ints(pads)]);
}

/** Gives a gradient back in the shape of what was broadcast (NumPy rules). */
export function sumTo(emitter: Emitter, gradient: string, from: Shape, to: Shape): string {
  const lead = from.length - to.length;
  const leading = Array.from({ length: Math.max(0, lead) }, (_, i) => i);
  let out = gradient;
  if (leading.length > 0) out = reduceSum(emitter, out, leading, false);
  const stretched = to.flatMap((size, i) => (size === 1 && from[i + lead] !== 1 ? [i] : []));
  if (stretched.length > 0) out = reduceSum(emitter, out, stretched, true);
  return out;
}

/** A size that is known, or the size of an axis of a forward value where that grows with rows. */
export type Size = number | { readonly of: string; readonly axis: number };

/** The size of an axis of a forward value. */
export function sizeOf(emitter: Emitter, name: string, axis: number): Size {
  return emitter.rows(name, axis) ? { of: name, axis } : (emitter.shape(name)[axis] ?? 1);
}

/** The sizes of all axes of a forward value. */
export function sizesOf(emitter: Emitter, name: string): Size[] {
  return emitter.shape(name).map((_, axis) => sizeOf(emitter, name, axis));
}

/** Sizes as a value that reshaping and expanding take. */
export function sizesValue(emitter: Emitter, sizes: readonly Size[]): string {
  if (sizes.every((size) => typeof size === 'number')) return emitter.ints(sizes);
  const parts = sizes.map((size) => {
    if (typeof size === 'number') return emitter.ints([size]);
    const shape = emitter.emit('Shape', [size.of]);
    return emitter.emit('Gather', [shape, emitter.ints([size.axis])]);
  });
  return emitter.emit('Concat', parts, { axis: int(0) });
}

/** A value in another shape; at most one growing size costs nothing. */
export function reshape(emitter: Emitter, name: string, sizes: readonly Size[]): string {
  const growing = sizes.filter((size) => typeof size !== 'number');
  const to =
    growing.length === 1
      ? emitter.ints(sizes.map((size) => (typeof size === 'number' ? size : -1)))
      : sizesValue(emitter, sizes);
  return emitter.emit('Reshape', [name, to]);
}

/** Zeros in the shape of a forward value. */
export function zerosLike(emitter: Emitter, name: string): string {
  return emitter.emit('ConstantOfShape', [emitter.emit('Shape', [name])]);
}

/** A gradient in the shape of a forward value, whatever the number of rows. */
export function likeValue(emitter: Emitter, gradient: string, name: string): string {
  const sizes = sizesOf(emitter, name);
  const growing = sizes.filter((size) => typeof size !== 'number');
  if (growing.length <= 1 && !sizes.includes(0)) return reshape(emitter, gradient, sizes);
  return emitter.emit('Reshape', [gradient, emitter.emit('Shape', [name])]);
}

/** An axis attribute, counted from the front. */
export function axisOf(
  emitter: Emitter,
  forward: OnnxNode,
  of: { readonly value: string; readonly otherwise: number },
): number {
  return fromFront(integer(forward, 'axis', of.otherwise), emitter.shape(of.value).length);
}

/** An index that may count from the end. */
export function fromFront(position: number, size: number): number {
  return position < 0 ? position + size : position;
}

/** The whole numbers of an input that is constant; null when it is computed or left out. */
export function listOf(emitter: Emitter, forward: OnnxNode, input: number): number[] | null {
  const tensor = emitter.constant(forward.inputs[input] ?? '');
  return tensor === null ? null : intsIn(tensor);
}

/** The one number of an input that is constant; null when it is computed or left out. */
export function numberOf(emitter: Emitter, forward: OnnxNode, input: number): number | null {
  const tensor = emitter.constant(forward.inputs[input] ?? '');
  return tensor === null ? null : (floatsIn(tensor)[0] ?? null);
}

/** True when an input is given. */
export function has(forward: OnnxNode, input: number): boolean {
  return (forward.inputs[input] ?? '') !== '';
}

/** An attribute that is a whole number. */
export function integer(forward: OnnxNode, name: string, otherwise: number): number {
  const own = forward.attributes[name];
  return own?.kind === 'int' ? own.value : otherwise;
}

/** An attribute that is a number. */
export function number(forward: OnnxNode, name: string, otherwise: number): number {
  const own = forward.attributes[name];
  return own?.kind === 'float' ? own.value : otherwise;
}

/** An attribute that is a text. */
export function text(forward: OnnxNode, name: string, otherwise: string): string {
  const own = forward.attributes[name];
  return own?.kind === 'string' ? new TextDecoder().decode(own.value) : otherwise;
}

/** An attribute that is a list of whole numbers; null when it is not there. */
export function integers(forward: OnnxNode, name: string): readonly number[] | null {
  const own = forward.attributes[name];
  return own?.kind === 'ints' ? own.value : null;
}

/** A text as attribute. */
export function string(value: string): OnnxAttribute {
  return { kind: 'string', value: new TextEncoder().encode(value) };
}
