/** A forward graph while it is made cheaper. */
import { floatTensor, intTensor, type OnnxNode, type OnnxTensor } from '../../onnx/model.ts';
import type { Shape } from '../emitter.ts';

/** The part of a model that leads to its scores. */
export interface Forward {
  readonly nodes: readonly OnnxNode[];
  /** Shapes for two rows, and for one. */
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly single: ReadonlyMap<string, Shape>;
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Constants that the model did not have before. */
  readonly added: readonly OnnxTensor[];
}

/** Nodes that can be replaced, with what is known of their values. */
export class Draft {
  readonly #nodes: OnnxNode[];
  readonly #shapes: Map<string, Shape>;
  readonly #single: Map<string, Shape>;
  readonly #constants: Map<string, OnnxTensor>;
  readonly #added: OnnxTensor[] = [];
  readonly #weights: ReadonlySet<string>;
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #writers = new Map<string, OnnxNode>();
  /** Values that must keep their name, or that inner graphs may take from outside. */
  readonly #kept: ReadonlySet<string> | null;
  #count = 0;

  constructor(
    forward: Omit<Forward, 'added'>,
    of: { readonly scores: string; readonly weights: ReadonlySet<string> },
  ) {
    const { nodes, shapes, single, constants } = forward;
    this.#nodes = [...nodes];
    this.#shapes = new Map(shapes);
    this.#single = new Map(single);
    this.#constants = new Map(constants);
    this.#weights = of.weights;
    for (const each of nodes) this.#link(each);
    const nested = nodes.some(({ attributes }) =>
      Object.values(attributes).some((attribute) => attribute.kind === 'graph'),
    );
    this.#kept = nested ? null : new Set([of.scores]);
  }

  finish(): Forward {
    const [nodes, shapes, single] = [this.#needed(), this.#shapes, this.#single];
    return { nodes, shapes, single, constants: this.#constants, added: this.#added };
  }

  /** Without nodes that nothing reads any more. */
  #needed(): readonly OnnxNode[] {
    if (this.#kept === null) return this.#nodes;
    const read = new Set(this.#kept);
    const needed = this.#nodes.toReversed().filter(({ inputs, outputs }) => {
      if (!outputs.some((output) => read.has(output))) return false;
      for (const input of inputs) read.add(input);
      return true;
    });
    return needed.reverse();
  }

  /** Shape of a value for two rows. */
  shape(name: string): Shape {
    return this.#shapes.get(name) ?? [];
  }

  /** A constant that stays one: weights that are inputs are none; undefined where there is none. */
  fixed(name: string | undefined): OnnxTensor | undefined {
    if (name === undefined || this.#weights.has(name)) return undefined;
    return this.#constants.get(name);
  }

  /** A constant, or the present value of weights that are inputs. */
  constant(name: string): OnnxTensor | undefined {
    return this.#constants.get(name);
  }

  /** True for weights that are inputs. */
  isWeight(name: string): boolean {
    return this.#weights.has(name);
  }

  /** Axes of a value that grow with the number of rows. */
  growing(name: string): number[] {
    const one = this.#single.get(name);
    return this.shape(name).flatMap((size, axis) => (one?.[axis] === size ? [] : [axis]));
  }

  /** The node that gives a value, when it is of a standard operator. */
  writer(value: string | undefined, operator: string): OnnxNode | null {
    const found = this.#writers.get(value ?? '');
    return found?.operator === operator && found.domain === '' ? found : null;
  }

  /** All nodes that read a value; null when it is read elsewhere too. */
  readers(value: string | undefined): readonly OnnxNode[] | null {
    if (value === undefined || this.#kept === null || this.#kept.has(value)) return null;
    return this.#readers.get(value) ?? [];
  }

  /** The node of an operator that gives a value which only one node uses. */
  onlyUse(value: string | undefined, operator: string): OnnxNode | null {
    const found = this.writer(value, operator);
    const used = this.readers(value)?.flatMap(({ inputs }) =>
      inputs.filter((own) => own === value),
    );
    return used?.length === 1 && found?.outputs.length === 1 ? found : null;
  }

  /** The only node that reads a value, once, when it is of a standard operator. */
  onlyReader(value: string | undefined, operator: string): OnnxNode | null {
    const [reader, ...others] = this.readers(value) ?? [];
    if (reader?.operator !== operator || reader.domain !== '' || others.length > 0) return null;
    return reader.inputs.filter((own) => own === value).length === 1 ? reader : null;
  }

  replace(old: OnnxNode, by: readonly OnnxNode[]): void {
    this.#nodes.splice(this.#nodes.indexOf(old), 1, ...by);
    for (const input of old.inputs) {
      const others = (this.#readers.get(input) ?? []).filter((each) => each !== old);
      this.#readers.set(input, others);
    }
    for (const output of old.outputs) this.#writers.delete(output);
    for (const each of by) this.#link(each);
  }

  /** A new value in the shape of another. */
  like(hint: string, value: string): string {
    const name = this.name(hint, this.shape(value));
    const one = this.#single.get(value);
    if (one !== undefined) this.#single.set(name, one);
    return name;
  }

  /** A new value of a shape that does not grow. */
  name(hint: string, shape: Shape): string {
    const name = `merlon/forward/${hint}/${this.#count++}`;
    this.#shapes.set(name, shape);
    this.#single.set(name, shape);
    return name;
  }

  floats(shape: readonly number[], values: ArrayLike<number>): string {
    return this.#keep(floatTensor(this.name('floats', shape), shape, values));
  }

  sizes(values: readonly number[]): string {
    return this.#keep(intTensor(this.name('ints', [values.length]), [values.length], values));
  }

  #link(each: OnnxNode): void {
    for (const output of each.outputs) this.#writers.set(output, each);
    for (const input of new Set(each.inputs)) {
      this.#readers.set(input, [...(this.#readers.get(input) ?? []), each]);
    }
  }

  #keep(tensor: OnnxTensor): string {
    this.#added.push(tensor);
    this.#constants.set(tensor.name, tensor);
    return tensor.name;
  }
}
