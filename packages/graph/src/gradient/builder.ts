/** Builds the backward graph: fresh names, constants, gradients added up where paths meet. */
import {
  floatTensor,
  int,
  ints,
  intsIn,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';

/** Shape of a value as observed; the batch axis is the first, with the observed number of rows. */
export type Shape = readonly number[];

/** What a rule works with. */
export interface Backward {
  /** Opset of the standard operators. */
  readonly opset: number;
  /** True when the gradient of a value is wanted. */
  wants(name: string): boolean;
  /** Observed shape of a forward value. */
  shape(name: string): Shape;
  /** Elements and shape of a constant, or null for values that are computed. */
  constant(name: string): OnnxTensor | null;
  /** Emits a node with one output and returns its name. */
  emit(operator: string, inputs: readonly string[], attributes?: Attributes): string;
  floats(shape: readonly number[], values: ArrayLike<number>): string;
  ints(values: readonly number[]): string;
  /** The whole gradient of a forward value, or null when no path reaches it. */
  gradient(name: string): string | null;
  /** Adds a contribution to the gradient of a forward value. */
  give(name: string, gradient: string): void;
  /** A second output of a forward node, such as the indices of a pooling. */
  extraOutput(of: OnnxNode, index: number): string;
}

/** Attributes of a node. */
export type Attributes = Readonly<Record<string, OnnxAttribute>>;

/** A rule: takes the gradient of a node's first output to those of its inputs. */
export type GradientRule = (context: Backward, forward: OnnxNode, gradient: string) => void;

/** What the walk over a graph collects. */
export class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly extraOutputs = new Map<OnnxNode, Map<number, string>>();
  readonly #gradients = new Map<string, string[]>();
  readonly #constants = new Map<string, string>();
  #count = 0;

  name(hint: string): string {
    return `merlon/${hint}/${this.#count++}`;
  }

  emit(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.name(operator);
    this.nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  floats(shape: readonly number[], values: ArrayLike<number>): string {
    const name = this.name('floats');
    this.initializers.push(floatTensor(name, shape, values));
    return name;
  }

  ints(values: readonly number[]): string {
    const key = values.join();
    const known = this.#constants.get(key);
    if (known !== undefined) return known;
    const name = this.name('ints');
    this.initializers.push(intTensor(name, [values.length], values));
    this.#constants.set(key, name);
    return name;
  }

  give(name: string, gradient: string): void {
    const list = this.#gradients.get(name) ?? [];
    list.push(gradient);
    this.#gradients.set(name, list);
  }

  /** The whole gradient of a value, or null when no path reaches it. */
  gradientOf(name: string): string | null {
    const list = this.#gradients.get(name) ?? [];
    const [first, ...others] = list;
    if (first === undefined) return null;
    const sum = others.reduce((left, right) => this.emit('Add', [left, right]), first);
    this.#gradients.set(name, [sum]);
    return sum;
  }

  extraOutput(of: OnnxNode, index: number): string {
    const known = this.extraOutputs.get(of) ?? new Map<number, string>();
    const name = known.get(index) ?? of.outputs[index] ?? '';
    const used = name === '' ? this.name(`${of.operator}-output`) : name;
    known.set(index, used);
    this.extraOutputs.set(of, known);
    return used;
  }
}

/** Gives a gradient back in the shape of what was broadcast (NumPy rules). */
export function sumTo(context: Backward, gradient: string, from: Shape, to: Shape): string {
  const lead = from.length - to.length;
  const leading = Array.from({ length: Math.max(0, lead) }, (_, i) => i);
  let out = gradient;
  if (leading.length > 0) out = reduceSum(context, out, leading, false);
  const stretched = to.flatMap((size, i) => (size === 1 && from[i + lead] !== 1 ? [i] : []));
  if (stretched.length > 0) out = reduceSum(context, out, stretched, true);
  return out;
}

/** A sum over axes, in the spelling of the model's opset. */
export function reduceSum(
  context: Backward,
  input: string,
  axes: readonly number[],
  keep: boolean,
): string {
  const keepdims = int(keep ? 1 : 0);
  if (context.opset < 13) return context.emit('ReduceSum', [input], { axes: ints(axes), keepdims });
  return context.emit('ReduceSum', [input, context.ints(axes)], { keepdims });
}

/** What a slice takes: from `start` up to `end` of one axis. */
export interface Span {
  readonly axis: number;
  readonly start: number;
  readonly end: number;
}

/** A part of a value, in the spelling of the model's opset. */
export function slice(context: Backward, input: string, { axis, start, end }: Span): string {
  if (context.opset >= 10) {
    return context.emit('Slice', [input, ...[start, end, axis].map((at) => context.ints([at]))]);
  }
  const attributes = { starts: ints([start]), ends: ints([end]), axes: ints([axis]) };
  return context.emit('Slice', [input], attributes);
}

/** A number as a constant. */
export function scalar(context: Backward, value: number): string {
  return context.floats([], [value]);
}

/** Zeros in the shape of a forward value. */
export function zerosLike(context: Backward, value: string): string {
  return context.emit('ConstantOfShape', [context.emit('Shape', [value])]);
}

/** An axis attribute, counted from the front. */
export function axisOf(
  context: Backward,
  forward: OnnxNode,
  of: { readonly value: string; readonly otherwise: number },
): number {
  const own = forward.attributes.axis;
  const axis = own?.kind === 'int' ? own.value : of.otherwise;
  return axis < 0 ? axis + context.shape(of.value).length : axis;
}

/** A list that is an attribute in old opsets and an input in new ones; null when it is computed. */
export function listOf(
  context: Backward,
  forward: OnnxNode,
  of: { readonly attribute: string; readonly input: number },
): readonly number[] | null {
  const own = forward.attributes[of.attribute];
  if (own?.kind === 'ints') return own.value;
  const name = forward.inputs[of.input] ?? '';
  const tensor = name === '' ? null : context.constant(name);
  return tensor === null ? null : intsIn(tensor);
}

/** A gradient in the shape of a forward value, whatever the number of rows. */
export function likeValue(context: Backward, gradient: string, value: string): string {
  return context.emit('Reshape', [gradient, context.emit('Shape', [value])]);
}
