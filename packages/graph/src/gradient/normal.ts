/**
 * The forward graph in the form that rules differentiate: of one opset, in float32, without
 * functions, control flow and composite operators, and with everything constant folded.
 */
import { GraphError } from '../error.ts';
import type { OnnxModel, OnnxNode, OnnxTensor } from '../onnx/model.ts';
import { captured, type Reach, reachOf, scoresOf, trainable } from './forward.ts';
import { Rewriter } from './lower/rewrite.ts';
import { loweringOf } from './lower/table.ts';
import { opsetOf } from './lower/upgrade.ts';
import { modelInputs, type Observation, observe } from './observe.ts';

/** A forward graph that rules can differentiate. */
export interface NormalForm {
  readonly model: OnnxModel;
  readonly observed: Observation;
  readonly scores: string;
  readonly classes: number;
  /** Operators as they stood in the model. */
  readonly operators: readonly string[];
  readonly weights: readonly OnnxTensor[];
  readonly wanted: readonly string[];
  readonly reach: Reach;
}

/** What the form is made for. */
export interface NormalOptions {
  readonly mode: 'constant' | 'state' | 'train';
  readonly output: string | null;
  readonly classesMin: number;
}

/** Names of values and nodes that stand for others begin with this. */
export const loweredPrefix = 'merlon/forward-';

/** Lowered operators may hold others that are lowered in turn; more levels are a fault. */
const passesMax = 64;

/** Brings a model of one opset, float32, without functions, to the form. */
export async function normalForm(start: OnnxModel, options: NormalOptions): Promise<NormalForm> {
  let observed = await observe(start, new Set());
  const { scores, classes, nodes, rows: scoreRows } = scoresOf(start, observed.shapes, options);
  const weights = options.mode === 'constant' ? [] : trainable(start, nodes);
  const state = new Set(weights.map(({ name }) => name));
  const [input] = modelInputs(start);
  const rows = observed.shapes.get(input?.name ?? '')?.[0];
  if (scoreRows !== rows) {
    const got = `expected scores for each of ${rows} rows, got ${scoreRows}`;
    throw new GraphError('shape-mismatch', got, { hint: 'export one row of scores a row' });
  }
  const wanted = options.mode === 'train' ? [...state] : [input?.name ?? ''];
  const value = { name: scores, elementType: 0, shape: null, rawType: new Uint8Array(0) };
  let model: OnnxModel = {
    ...start,
    graph: { ...start.graph, nodes, outputs: [value], values: [] },
  };
  const changed = nodes.length !== start.graph.nodes.length && !observed.shapes.has(scores);
  if (state.size > 0 || changed) observed = await observe(model, state);
  for (let pass = 0; pass < passesMax; pass++) {
    model = folded(model, observed.constants);
    const reach = reachOf(model.graph.nodes, wanted, observed.types);
    const next = lowered(model, { observed, reach, pass });
    if (next === null) {
      const operators = [...new Set(nodes.map(({ operator }) => operator))].sort();
      return { model, observed, scores, classes, operators, weights, wanted, reach };
    }
    model = next;
    observed = await observe(model, state);
  }
  throw new GraphError('too-large', `operators nested deeper than ${passesMax}`);
}

/** The same graph with simpler nodes; null when every node that the gradient meets is simple. */
function lowered(
  model: OnnxModel,
  of: { readonly observed: Observation; readonly reach: Reach; readonly pass: number },
): OnnxModel | null {
  const { observed, reach, pass } = of;
  const opset = opsetOf(model);
  const rewriter = new Rewriter({ prefix: `${loweredPrefix}${pass}`, observed, opset });
  let changed = false;
  for (const each of model.graph.nodes) {
    const met = [...each.inputs, ...captured(each)].some((name) => reach.values.has(name));
    const lowering = met ? loweringOf(each) : null;
    if (lowering === null) rewriter.keep(each);
    else {
      rewriter.rewrite(each, lowering);
      changed = true;
    }
  }
  return changed ? rewriter.finish(model) : null;
}

const foldedBytesMax = 256 * 1024 * 1024;

/** Nodes whose results are constant become these results. */
function folded(model: OnnxModel, constants: ReadonlyMap<string, OnnxTensor>): OnnxModel {
  const { graph } = model;
  const isFolded = ({ outputs }: OnnxNode): boolean =>
    outputs.every((output) => {
      return output === '' || (constants.get(output)?.data.length ?? Infinity) <= foldedBytesMax;
    });
  const nodes = graph.nodes.filter((each) => !isFolded(each));
  const used = new Set(nodes.flatMap((each) => [...each.inputs, ...captured(each)]));
  for (const output of graph.outputs) used.add(output.name);
  const own = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const name of used) {
    const tensor = constants.get(name);
    if (tensor !== undefined) own.set(name, tensor);
  }
  const initializers = [...own.values()].filter(({ name }) => used.has(name));
  return { ...model, graph: { ...graph, nodes, initializers } };
}
