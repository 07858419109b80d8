/**
 * Makes the forward graph cheaper to differentiate without changing what it computes: ReLU moves
 * behind pooling, where there is less of it, and batch normalisation moves into the convolution.
 */
import {
  floatsIn,
  floatTensor,
  intTensor,
  node,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import type { Shape } from './emitter.ts';

/** The part of a model that leads to its scores. */
export interface Forward {
  readonly nodes: readonly OnnxNode[];
  readonly shapes: ReadonlyMap<string, Shape>;
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** Constants that the model did not have before. */
  readonly added: readonly OnnxTensor[];
}

/** The same scores by fewer operations; `weights` are names that are inputs, not constants. */
export function prepare(
  forward: Omit<Forward, 'added'>,
  of: { readonly scores: string; readonly weights: ReadonlySet<string> },
): Forward {
  const draft = new Draft(forward, of);
  for (const each of forward.nodes) {
    if (each.domain !== '') continue;
    if (each.operator === 'MaxPool') draft.poolFirst(each);
    if (each.operator === 'BatchNormalization') draft.fold(each);
  }
  return draft.finish();
}

class Draft {
  readonly #nodes: OnnxNode[];
  readonly #shapes: Map<string, Shape>;
  readonly #constants: Map<string, OnnxTensor>;
  readonly #added: OnnxTensor[] = [];
  readonly #weights: ReadonlySet<string>;
  /** How often each value is used. */
  readonly #uses = new Map<string, number>();
  #count = 0;

  constructor(
    { nodes, shapes, constants }: Omit<Forward, 'added'>,
    of: { readonly scores: string; readonly weights: ReadonlySet<string> },
  ) {
    this.#nodes = [...nodes];
    this.#shapes = new Map(shapes);
    this.#constants = new Map(constants);
    this.#weights = of.weights;
    for (const name of [of.scores, ...nodes.flatMap((each) => each.inputs)]) {
      this.#uses.set(name, (this.#uses.get(name) ?? 0) + 1);
    }
    // Values that inner graphs take from outside are not counted; leave such models alone.
    const nested = nodes.some(({ attributes }) =>
      Object.values(attributes).some((attribute) => attribute.kind === 'graph'),
    );
    if (nested) this.#uses.clear();
  }

  finish(): Forward {
    const [nodes, shapes, constants] = [this.#nodes, this.#shapes, this.#constants];
    return { nodes, shapes, constants, added: this.#added };
  }

  /** max(relu(x)) = relu(max(x)), and the gradient goes the same way, for equal values too. */
  poolFirst(pool: OnnxNode): void {
    const relu = this.#onlyUse(pool.inputs[0], 'Relu');
    const [x] = relu?.inputs ?? [];
    const [y] = pool.outputs;
    if (relu === null || x === undefined || y === undefined || pool.outputs.length > 1) return;
    const middle = this.#name('pooled', this.#shapes.get(y) ?? []);
    this.#replace(relu, []);
    this.#replace(pool, [
      { ...pool, inputs: [x], outputs: [middle] },
      { ...relu, inputs: [middle], outputs: [y] },
    ]);
  }

  /** Scale and shift of the channels go into weights and bias (Jacob et al. 2018, section 3.2). */
  fold(norm: OnnxNode): void {
    const [between, scale = '', shift = '', mean = '', variance = ''] = norm.inputs;
    const conv = this.#onlyUse(between, 'Conv');
    const [means, variances] = [this.#constants.get(mean), this.#constants.get(variance)];
    if (conv === null || means === undefined || variances === undefined) return;
    const { training_mode: training, epsilon } = norm.attributes;
    if (norm.outputs.length > 1 || (training?.kind === 'int' && training.value !== 0)) return;
    const small = epsilon?.kind === 'float' ? epsilon.value : 1e-5;
    const inverse = floatsIn(variances).map((value) => 1 / Math.sqrt(value + small));
    const [x = '', weights = '', bias = ''] = conv.inputs;
    const given = { weights, bias, scale, shift };
    const names = Object.values(given).filter((name) => name !== '');
    if (!names.every((name) => this.#constants.has(name))) return;
    const fixed = !names.some((name) => this.#weights.has(name));
    const parts = { ...given, means: floatsIn(means), inverse };
    const folded = fixed ? this.#foldedNow(parts) : this.#foldedLater(parts);
    this.#replace(conv, []);
    this.#replace(norm, [
      ...folded.nodes,
      { ...conv, inputs: [x, folded.weights, folded.bias], outputs: norm.outputs },
    ]);
  }

  /** New constants. */
  #foldedNow(of: Norm): Folded {
    const tensor = (name: string) => this.#constants.get(name) as OnnxTensor;
    const [scale, shift] = [floatsIn(tensor(of.scale)), floatsIn(tensor(of.shift))];
    const weights = tensor(of.weights);
    const values = floatsIn(weights);
    const area = values.length / Math.max(1, scale.length);
    const factors = Float64Array.from(scale, (value, i) => value * (of.inverse[i] ?? 0));
    const bias = of.bias === '' ? new Float32Array(scale.length) : floatsIn(tensor(of.bias));
    const moved = values.map((value, i) => value * (factors[Math.floor(i / area)] ?? 0));
    const added = bias.map((value, i) => {
      return (value - (of.means[i] ?? 0)) * (factors[i] ?? 0) + (shift[i] ?? 0);
    });
    return {
      nodes: [],
      weights: this.#constant(weights.shape, moved),
      bias: this.#constant([scale.length], added),
    };
  }

  /** Nodes that compute them from what is only known when the graph runs. */
  #foldedLater(of: Norm): Folded {
    const nodes: OnnxNode[] = [];
    const emit = (operator: string, inputs: readonly string[], shape: Shape): string => {
      const output = this.#name(operator, shape);
      nodes.push(node(operator, inputs, [output]));
      return output;
    };
    const whole = this.#shapes.get(of.weights) ?? [];
    const channels = of.means.length;
    const flat = [channels];
    const factor = emit('Mul', [of.scale, this.#constant(flat, of.inverse)], flat);
    const standing = [channels, ...whole.slice(1).map(() => 1)];
    const tall = emit('Reshape', [factor, this.#sizes(standing)], standing);
    const weights = emit('Mul', [of.weights, tall], whole);
    const less = this.#constant(
      flat,
      of.means.map((value) => -value),
    );
    const centred = of.bias === '' ? less : emit('Add', [of.bias, less], flat);
    const bias = emit('Add', [emit('Mul', [centred, factor], flat), of.shift], flat);
    return { nodes, weights, bias };
  }

  /** The node of an operator that gives a value which nothing else uses. */
  #onlyUse(value: string | undefined, operator: string): OnnxNode | null {
    if (value === undefined || this.#uses.get(value) !== 1) return null;
    const found = this.#nodes.find((each) => each.outputs.includes(value));
    const fits = found?.operator === operator && found.domain === '' && found.outputs.length === 1;
    return fits ? found : null;
  }

  #replace(old: OnnxNode, by: readonly OnnxNode[]): void {
    this.#nodes.splice(this.#nodes.indexOf(old), 1, ...by);
  }

  #name(hint: string, shape: Shape): string {
    const name = `merlon/forward/${hint}/${this.#count++}`;
    this.#shapes.set(name, shape);
    return name;
  }

  #constant(shape: readonly number[], values: ArrayLike<number>): string {
    return this.#keep(floatTensor(this.#name('floats', shape), shape, values));
  }

  #sizes(values: readonly number[]): string {
    return this.#keep(intTensor(this.#name('ints', [values.length]), [values.length], values));
  }

  #keep(tensor: OnnxTensor): string {
    this.#added.push(tensor);
    this.#constants.set(tensor.name, tensor);
    return tensor.name;
  }
}

interface Norm {
  readonly weights: string;
  readonly bias: string;
  readonly scale: string;
  readonly shift: string;
  readonly means: Float32Array;
  readonly inverse: Float32Array;
}

interface Folded {
  readonly nodes: readonly OnnxNode[];
  readonly weights: string;
  readonly bias: string;
}
