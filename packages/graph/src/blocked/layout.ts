/**
 * Rewrites a graph into the blocked layout (NCHWc) of ONNX Runtime's CPU kernels. The runtime does
 * this itself for convolutions, but goes back to the plain layout at every operator between them
 * that it does not know; gradients are full of those. Here elementwise operators work on blocked
 * tensors as they are, sums and ReLU go into the convolution before them, and pooling is undone
 * by comparing.
 *
 * The operators of the domain `com.microsoft.nchwc` are internal to the runtime: a rewritten graph
 * is checked on the machine that runs it and never stored.
 */
import {
  float,
  floatsIn,
  floatTensor,
  int,
  ints,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import { elementwise, isPadded, isPooledApart, scalars } from './operators.ts';
import { flippedFrom, reordered, reorderedBack } from './reorder.ts';
import { blockedBothSides, blockedOutputs, blockedPicture, roundUp } from './weights.ts';

/** Domain of the runtime's blocked operators. */
export const blockedDomain = 'com.microsoft.nchwc';

type Attributes = Readonly<Record<string, OnnxAttribute>>;
type Shape = readonly number[];

/** What is known of a graph. */
export interface Observed {
  /** Shape of every value, for some number of rows. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** The same for one row: what differs depends on the number of rows. */
  readonly single: ReadonlyMap<string, Shape>;
  /** Values that depend on no input. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Channels that stand together on this machine: 8 or 16. */
  readonly block: number;
}

/** A convolution that waits for a sum or a ReLU behind it. */
interface Pending {
  readonly input: string;
  readonly weights: string;
  readonly bias: string;
  readonly attributes: Attributes;
  readonly sum?: string;
}

/** The same graph with blocked convolutions; null when it has none that gain. */
export function blockedLayout(model: OnnxModel, observed: Observed): OnnxModel | null {
  return new Layout(model, observed).rewrite();
}

class Layout {
  readonly #model: OnnxModel;
  readonly #shapes: ReadonlyMap<string, Shape>;
  readonly #single: ReadonlyMap<string, Shape>;
  readonly #block: number;
  readonly #constants: ReadonlyMap<string, OnnxTensor>;
  readonly #uses = new Map<string, number>();
  readonly #readers = new Map<string, OnnxNode[]>();
  readonly #writers = new Map<string, OnnxNode>();
  readonly #nodes: OnnxNode[] = [];
  readonly #added: OnnxTensor[] = [];
  /** Values that exist in the plain layout. */
  readonly #plain = new Set<string>();
  /** Blocked form of values that have one. */
  readonly #blocked = new Map<string, string>();
  readonly #pending = new Map<string, Pending>();
  /** Poolings that are undone by comparing, by the name of their indices. */
  readonly #pooled = new Map<string, OnnxNode>();
  #convolutions = 0;
  #count = 0;

  constructor(model: OnnxModel, { shapes, single, constants, block }: Observed) {
    this.#model = model;
    this.#shapes = shapes;
    this.#single = single;
    this.#block = block;
    const { graph } = model;
    this.#constants = constants;
    for (const { name } of [...graph.inputs, ...graph.initializers]) this.#plain.add(name);
    for (const each of graph.nodes) {
      for (const output of each.outputs) this.#writers.set(output, each);
      for (const input of each.inputs) {
        this.#uses.set(input, (this.#uses.get(input) ?? 0) + 1);
        this.#readers.set(input, [...(this.#readers.get(input) ?? []), each]);
      }
    }
    for (const { name } of graph.outputs) this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
  }

  rewrite(): OnnxModel | null {
    const { graph } = this.#model;
    for (const each of graph.nodes) this.#take(each);
    for (const { name } of graph.outputs) this.#asPlain(name);
    if (this.#convolutions === 0) return null;
    const nodes = this.#needed();
    const used = new Set(nodes.flatMap((each) => each.inputs));
    const initializers = [...graph.initializers, ...this.#added].filter(({ name }) =>
      used.has(name),
    );
    const opsets = [...this.#model.opsets, { domain: blockedDomain, version: 1 }];
    return {
      ...this.#model,
      opsets,
      graph: { ...graph, nodes, initializers, values: [] },
    };
  }

  /** Without what nothing reads any more, such as the shape of what an unpooling gave. */
  #needed(): OnnxNode[] {
    const read = new Set(this.#model.graph.outputs.map(({ name }) => name));
    const kept: OnnxNode[] = [];
    for (const each of [...this.#nodes].reverse()) {
      if (!each.outputs.some((output) => read.has(output))) continue;
      for (const input of each.inputs) read.add(input);
      kept.push(each);
    }
    return kept.reverse();
  }

  #take(each: OnnxNode): void {
    const done =
      each.domain === '' &&
      (this.#convolution(each) ||
        this.#sum(each) ||
        this.#relu(each) ||
        this.#pool(each) ||
        this.#unpool(each) ||
        this.#pointwise(each));
    if (done) return;
    for (const input of each.inputs) this.#asPlain(input);
    this.#nodes.push(each);
    for (const output of each.outputs) this.#plain.add(output);
  }

  #convolution(each: OnnxNode): boolean {
    const [x = '', weights = '', bias = ''] = each.inputs;
    const [y = ''] = each.outputs;
    const shape = this.#shapes.get(weights) ?? [];
    if (each.operator !== 'Conv' || shape.length !== 4 || !isPadded(each)) return false;
    const group = each.attributes.group?.kind === 'int' ? each.attributes.group.value : 1;
    const [outs = 0, ins = 0, height = 0, width = 0] = shape;
    const block = this.#block;
    const isPlainInput = group === 1 && ins < block;
    const isDepthwise = group > 1 && ins === 1 && outs === group && outs % block === 0;
    if (outs < block || (group > 1 && !isDepthwise)) return false;
    if (!isPlainInput && !this.#canBlock(x)) return false;
    const both = group === 1 && !isPlainInput;
    const filter = this.#filter(weights, both);
    const shift = bias === '' ? '' : this.#bias(bias, roundUp(outs, block));
    if (filter === null || shift === null) return false;
    this.#convolutions++;
    this.#pending.set(y, {
      input: isPlainInput ? this.#asPlain(x) : this.#asBlocked(x),
      weights: filter,
      bias: shift,
      attributes: { ...each.attributes, kernel_shape: ints([height, width]) },
    });
    return true;
  }

  /** Weights as the kernels take them: reordered now, or when the graph runs. */
  #filter(name: string, both: boolean): string | null {
    const [outs = 0, ins = 0, height = 0, width = 0] = this.#shapes.get(name) ?? [];
    const [tensor, block, taps] = [this.#constants.get(name), this.#block, height * width];
    if (tensor !== undefined) {
      const filter = { values: floatsIn(tensor), outs, ins, taps };
      const values = both ? blockedBothSides(filter, block) : blockedOutputs(filter, block);
      const insPadded = both ? roundUp(ins, block) : ins;
      return this.#floats([roundUp(outs, block), insPadded, height, width], values);
    }
    const fixed = this.#single.get(name)?.every((size, i) => size === this.#shapes.get(name)?.[i]);
    if (fixed !== true || outs % block !== 0 || (both && ins % block !== 0)) return null;
    if (!both) {
      const apart = this.#ints([outs / block, block, ins * taps]);
      const split = this.#standard('Reshape', [this.#asPlain(name), apart]);
      const turned = this.#standard('Transpose', [split], { perm: ints([0, 2, 1]) });
      return this.#standard('Reshape', [turned, this.#ints([outs, ins, height, width])]);
    }
    const flipped = flippedFrom(this.#writers, name, (list) => this.#constants.get(list));
    const emitter = {
      standard: (operator: string, inputs: readonly string[], attributes: Attributes) =>
        this.#standard(operator, inputs, attributes),
      ints: (values: readonly number[]) => this.#ints(values),
    };
    const sizes = [outs, ins, height, width] as const;
    return flipped === null
      ? reordered(emitter, this.#asPlain(name), { shape: sizes, block })
      : reorderedBack(emitter, this.#asPlain(flipped), { shape: sizes, block });
  }

  #bias(name: string, length: number): string | null {
    const tensor = this.#constants.get(name);
    if (tensor !== undefined) return this.#padded(floatsIn(tensor), length);
    return this.#shapes.get(name)?.[0] === length ? this.#asPlain(name) : null;
  }

  /** A sum of two, one of which is a convolution that nothing else reads, goes into it. */
  #sum(each: OnnxNode): boolean {
    const [left = '', right = ''] = each.inputs;
    const [y = ''] = each.outputs;
    if (each.operator !== 'Add' || !this.#sameShape(left, right)) return false;
    for (const [own, other] of [
      [left, right],
      [right, left],
    ] as const) {
      const pending = this.#pending.get(own);
      if (pending === undefined || pending.sum !== undefined || own === other) continue;
      if (this.#uses.get(own) !== 1 || !this.#canBlock(other)) continue;
      this.#pending.delete(own);
      this.#pending.set(y, { ...pending, sum: this.#asBlocked(other) });
      return true;
    }
    return false;
  }

  #relu(each: OnnxNode): boolean {
    const [x = ''] = each.inputs;
    const [y = ''] = each.outputs;
    const pending = this.#pending.get(x);
    if (each.operator !== 'Relu' || pending === undefined || this.#uses.get(x) !== 1) return false;
    this.#pending.delete(x);
    const activation = { kind: 'string' as const, value: new TextEncoder().encode('Relu') };
    this.#convolve(y, { ...pending, attributes: { ...pending.attributes, activation } });
    return true;
  }

  #convolve(y: string, { input, weights, bias, attributes, sum }: Pending): void {
    const inputs = [input, weights, bias];
    if (sum !== undefined) inputs.push(sum);
    this.#blocked.set(y, this.#emit('Conv', inputs, attributes));
  }

  #pool(each: OnnxNode): boolean {
    const [x = ''] = each.inputs;
    const [y = '', indices = ''] = each.outputs;
    const isMax = each.operator === 'MaxPool';
    if (!(isMax || each.operator === 'AveragePool') || !this.#isBlocked(x)) return false;
    if (indices !== '') {
      const readers = this.#readers.get(indices) ?? [];
      const shape = this.#shapes.get(x) ?? [];
      if (!isPooledApart(each, readers, shape)) return false;
      this.#pooled.set(indices, each);
    } else if (this.#shapes.get(x)?.length !== 4) return false;
    this.#blocked.set(y, this.#emit(each.operator, [this.#asBlocked(x)], each.attributes));
    return true;
  }

  /**
   * The gradient goes to the places that equal their window's greatest value; where several do,
   * to the first, which has the greatest rank.
   */
  #unpool(each: OnnxNode): boolean {
    const [gradient = '', indices = ''] = each.inputs;
    const pool = this.#pooled.get(indices);
    if (each.operator !== 'MaxUnpool' || pool === undefined) return false;
    const [x = ''] = pool.inputs;
    const [y = ''] = pool.outputs;
    const [, channels = 0, height = 0, width = 0] = this.#shapes.get(x) ?? [];
    const kernel = pool.attributes.kernel_shape;
    const [tall = 1, wide = 1] = kernel?.kind === 'ints' ? kernel.value : [];
    const ranks = Float32Array.from({ length: height * width }, (_, at) => {
      const [row, column] = [Math.floor(at / width), at % width];
      return tall * wide - ((row % tall) * wide + (column % wide));
    });
    const padded = roundUp(channels, this.#block);
    const picture = blockedPicture(ranks, { channels: padded, block: this.#block });
    const rank = this.#floats([1, padded, height, width], picture);
    const spread = (value: string): string =>
      this.#emit('Upsample', [value], { scales: ints([1, 1, tall, wide]) });
    // One where both are equal; the runtime multiplies far faster than it chooses.
    const equal = (left: string, right: string): string =>
      this.#standard('Cast', [this.#standard('Equal', [left, right])], { to: int(1) });
    const isGreatest = equal(this.#asBlocked(x), spread(this.#asBlocked(y)));
    const ranked = this.#standard('Mul', [isGreatest, rank]);
    const { kernel_shape, strides } = pool.attributes;
    const best = this.#emit('MaxPool', [ranked], {
      ...(kernel_shape && { kernel_shape }),
      ...(strides && { strides }),
    });
    const isFirst = equal(ranked, spread(best));
    const given = this.#standard('Mul', [isFirst, spread(this.#asBlocked(gradient))]);
    this.#blocked.set(each.outputs[0] ?? '', given);
    return true;
  }

  /** Elementwise operators do not care in which order the elements lie. */
  #pointwise(each: OnnxNode): boolean {
    if (!elementwise.has(each.operator) || each.outputs.length !== 1) return false;
    const full = each.inputs.filter((input) => !this.#isScalar(input));
    const [first = ''] = full;
    if (!full.every((input) => this.#sameShape(first, input) && this.#canBlock(input)))
      return false;
    if (!full.some((input) => this.#isBlocked(input))) return false;
    if (full.length > 1 && scalars.has(each.operator)) return false;
    const inputs = each.inputs.map((input) =>
      this.#isScalar(input) ? input : this.#asBlocked(input),
    );
    const [y = ''] = each.outputs;
    const [operator, attributes] = this.#fasterOf(each);
    this.#blocked.set(y, this.#standard(operator, inputs, attributes));
    return true;
  }

  /** The sign of what is never negative, by an operator that the runtime has vectorised. */
  #fasterOf(each: OnnxNode): readonly [string, Attributes] {
    const writer = this.#writers.get(each.inputs[0] ?? '')?.operator;
    if (each.operator !== 'Sign' || writer !== 'Relu') return [each.operator, each.attributes];
    return ['HardSigmoid', { alpha: float(3e38), beta: float(0) }];
  }

  #isScalar(name: string): boolean {
    const tensor = this.#constants.get(name);
    return tensor?.shape.every((size) => size === 1) === true;
  }

  #sameShape(left: string, right: string): boolean {
    const [a, b] = [this.#shapes.get(left), this.#shapes.get(right)];
    return a?.length === 4 && b?.length === 4 && a.every((size, i) => size === b[i]);
  }

  /** True for values that are, or will be, in the blocked layout alone. */
  #isBlocked(name: string): boolean {
    return this.#blocked.has(name) || this.#pending.has(name);
  }

  #canBlock(name: string): boolean {
    if (this.#isBlocked(name)) return true;
    const [, channels = 0, ...spatial] = this.#shapes.get(name) ?? [];
    // The runtime's reordering takes channels by fours.
    return spatial.length === 2 && channels % 4 === 0 && channels >= this.#block;
  }

  #asBlocked(name: string): string {
    const pending = this.#pending.get(name);
    if (pending !== undefined) {
      this.#pending.delete(name);
      this.#convolve(name, pending);
    }
    const known = this.#blocked.get(name);
    if (known !== undefined) return known;
    const made = this.#emit('ReorderInput', [name], {});
    this.#blocked.set(name, made);
    return made;
  }

  #asPlain(name: string): string {
    if (name === '' || this.#plain.has(name) || !this.#isBlocked(name)) return name;
    const channels = int(this.#shapes.get(name)?.[1] ?? 0);
    const blocked = this.#asBlocked(name);
    const reorder = node('ReorderOutput', [blocked], [name], { channels });
    this.#nodes.push({ ...reorder, domain: blockedDomain });
    this.#plain.add(name);
    return name;
  }

  #emit(operator: string, inputs: readonly string[], attributes: Attributes): string {
    const output = `merlon/blocked/${operator}/${this.#count++}`;
    this.#nodes.push({ ...node(operator, inputs, [output], attributes), domain: blockedDomain });
    return output;
  }

  #standard(operator: string, inputs: readonly string[], attributes: Attributes = {}): string {
    const output = `merlon/blocked/${operator}/${this.#count++}`;
    this.#nodes.push(node(operator, inputs, [output], attributes));
    return output;
  }

  #floats(shape: readonly number[], values: ArrayLike<number>): string {
    const name = `merlon/blocked/floats/${this.#count++}`;
    this.#added.push(floatTensor(name, shape, values));
    return name;
  }

  #ints(values: readonly number[]): string {
    const name = `merlon/blocked/ints/${this.#count++}`;
    this.#added.push(intTensor(name, [values.length], values));
    return name;
  }

  #padded(values: Float32Array, length: number): string {
    const to = new Float32Array(length);
    to.set(values);
    return this.#floats([length], to);
  }
}
