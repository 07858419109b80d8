/** Builds graphs: fresh names, constants, gradients added up where paths meet. */
import { floatTensor, intTensor, node, type OnnxNode, type OnnxTensor } from '../onnx/model.ts';
import type { Attributes, Emitter } from './emitter.ts';

export { reduceSum } from './emitter.ts';

/** What a rule works with. */
export interface Backward extends Emitter {
  /** True when the gradient of a value is wanted. */
  wants(name: string): boolean;
  /** Number of the element type of a forward value. */
  type(name: string): number;
  /** The whole gradient of a forward value, or null when no path reaches it. */
  gradient(name: string): string | null;
  /** Adds a contribution to the gradient of a forward value. */
  give(name: string, gradient: string): void;
  /** A second output of a forward node, such as the indices of a pooling. */
  extraOutput(of: OnnxNode, index: number): string;
}

/** A rule: takes the gradient of a node's first output to those of its inputs. */
export type GradientRule = (context: Backward, forward: OnnxNode, gradient: string) => void;

/** Collects nodes and constants under fresh names. */
export class NodeList {
  readonly nodes: OnnxNode[] = [];
  readonly initializers: OnnxTensor[] = [];
  readonly #constants = new Map<string, string>();
  readonly #prefix: string;
  #count = 0;

  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  name(hint: string): string {
    return `${this.#prefix}/${hint}/${this.#count++}`;
  }

  emit(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = this.name(operator);
    this.nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  emitMany(
    operator: string,
    inputs: readonly string[],
    of: { readonly outputs: number; readonly attributes?: Attributes },
  ): string[] {
    const outputs = Array.from({ length: of.outputs }, () => this.name(operator));
    this.nodes.push(node(operator, inputs, outputs, of.attributes ?? {}));
    return [...outputs];
  }

  floats(shape: readonly number[], values: ArrayLike<number>): string {
    const key = values.length === 1 ? `floats:${shape.length}:${values[0]}` : '';
    return this.#once(key, () => floatTensor(this.name('floats'), shape, values));
  }

  ints(values: readonly number[]): string {
    return this.intTensor([values.length], values);
  }

  intTensor(shape: readonly number[], values: readonly number[]): string {
    const key = values.length > 64 ? '' : `ints:${shape.join()}:${values.join()}`;
    return this.#once(key, () => intTensor(this.name('ints'), shape, values));
  }

  #once(key: string, make: () => OnnxTensor): string {
    const known = key === '' ? undefined : this.#constants.get(key);
    if (known !== undefined) return known;
    const tensor = make();
    this.initializers.push(tensor);
    if (key !== '') this.#constants.set(key, tensor.name);
    return tensor.name;
  }
}

/** What the walk over a graph collects. */
export class GraphBuilder extends NodeList {
  readonly extraOutputs = new Map<OnnxNode, Map<number, string>>();
  readonly #gradients = new Map<string, string[]>();

  constructor() {
    super('merlon');
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
