/** Rewrites nodes of the forward graph as simpler nodes that compute the same. */
import { GraphError } from '../../error.ts';
import { node, type OnnxModel, type OnnxNode, type OnnxTensor } from '../../onnx/model.ts';
import { NodeList } from '../builder.ts';
import type { Emitter, Shape } from '../emitter.ts';
import type { Observation } from '../observe.ts';

/** What a lowering works with; shapes are those of values of the graph, not of emitted ones. */
export interface Lower extends Emitter {
  /** Number of the element type of a value. */
  type(name: string): number;
  /** Puts nodes of other graphs in, as they are. */
  put(nodes: readonly OnnxNode[], initializers: readonly OnnxTensor[]): void;
  /** A name that no value has. */
  fresh(hint: string): string;
  /** Says which emitted value is the output of an index; outputs left out need none. */
  output(of: OnnxNode, index: number, value: string): void;
}

/** Emits nodes in place of one. */
export type Lowering = (context: Lower, forward: OnnxNode) => void;

/** Rewrites one after another; names begin with `prefix`, which no value of the graph does. */
export class Rewriter {
  readonly #list: NodeList;
  readonly #nodes: OnnxNode[] = [];
  readonly #extra: OnnxTensor[] = [];
  readonly #observed: Observation;
  readonly #opset: number;

  constructor(of: {
    readonly prefix: string;
    readonly observed: Observation;
    readonly opset: number;
  }) {
    this.#list = new NodeList(of.prefix);
    this.#observed = of.observed;
    this.#opset = of.opset;
  }

  keep(each: OnnxNode): void {
    this.#nodes.push(each);
  }

  rewrite(each: OnnxNode, lowering: Lowering): void {
    const before = this.#list.nodes.length;
    const bindings: [string, string][] = [];
    lowering(this.#context(bindings), each);
    const emitted = this.#list.nodes.splice(before);
    const produced = new Set(emitted.flatMap(({ outputs }) => outputs));
    const names = new Map<string, string>();
    const aliases: OnnxNode[] = [];
    for (const [value, output] of bindings) {
      if (produced.has(value) && !names.has(value)) names.set(value, output);
      else aliases.push({ ...node('Identity', [value], [output]), name: this.#list.name('same') });
    }
    const renamed = (name: string): string => names.get(name) ?? name;
    for (const { inputs, outputs, ...rest } of [...emitted, ...aliases]) {
      this.#nodes.push({ ...rest, inputs: inputs.map(renamed), outputs: outputs.map(renamed) });
    }
  }

  /** The model with the nodes so far. */
  finish(model: OnnxModel): OnnxModel {
    const { graph } = model;
    const initializers = [...graph.initializers, ...this.#list.initializers, ...this.#extra];
    return { ...model, graph: { ...graph, nodes: this.#nodes, initializers } };
  }

  #context(bindings: [string, string][]): Lower {
    const { shapes, single, types, constants } = this.#observed;
    const list = this.#list;
    return {
      opset: this.#opset,
      shape: (name) => known(shapes, name),
      rows: (name, axis) => known(shapes, name)[axis] !== known(single, name)[axis],
      type: (name) => types.get(name) ?? 0,
      constant: (name) => constants.get(name) ?? null,
      emit: (operator, inputs, attributes) => list.emit(operator, inputs, attributes),
      emitMany: (operator, inputs, of) => list.emitMany(operator, inputs, of),
      floats: (shape, values) => list.floats(shape, values),
      ints: (values) => list.ints(values),
      intTensor: (shape, values) => list.intTensor(shape, values),
      put: (nodes, initializers) => {
        list.nodes.push(...nodes);
        this.#extra.push(...initializers);
      },
      fresh: (hint) => list.name(hint),
      output: (of, index, value) => {
        const name = of.outputs[index] ?? '';
        if (name !== '') bindings.push([value, name]);
      },
    };
  }
}

function known(shapes: ReadonlyMap<string, Shape>, name: string): Shape {
  const shape = shapes.get(name);
  if (shape === undefined) throw new GraphError('shape-mismatch', `no shape of "${name}"`);
  return shape;
}
