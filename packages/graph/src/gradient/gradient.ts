/**
 * Reverse-mode differentiation of an ONNX model, emitted as plain ONNX (Griewank and Walther 2008,
 * chapter 3). The result runs wherever ONNX runs, at any batch size.
 */
import { GraphError, unsupported } from '../error.ts';
import {
  elementTypes,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
  type OnnxValue,
} from '../onnx/model.ts';
import { activationRules } from './activation.ts';
import { type Backward, type GradientRule, GraphBuilder } from './builder.ts';
import { convolutionRules } from './convolution.ts';
import { elementwiseRules } from './elementwise.ts';
import { constantsOf, scoresOf, trainable, usedBy } from './forward.ts';
import { linearRules } from './linear.ts';
import { emitLoss, type Loss, lossInputs, names } from './loss.ts';
import { normalizeRules } from './normalize.ts';
import { modelInputs, observeShapes } from './observe.ts';
import { poolingRules } from './pooling.ts';
import { type Forward, prepare } from './prepare.ts';
import { reduceRules } from './reduce.ts';
import { manyOutputs, shapeRules } from './shape.ts';

/** What to differentiate. */
export interface GradientOptions {
  /** Default `cross-entropy`. */
  readonly loss?: Loss;
  /**
   * `constant` (default): weights stay constants, the gradient is by the input. `state`: the same,
   * but weights become inputs. `train`: weights are inputs, the gradient of the mean loss is by
   * them.
   */
  readonly weights?: 'constant' | 'state' | 'train';
}

/** A model with its gradient. */
export interface GradientModel {
  readonly model: OnnxModel;
  /** Operators of the forward graph. */
  readonly operators: readonly string[];
  /** Weights that became inputs (empty for `constant`), with their present values. */
  readonly weights: readonly OnnxTensor[];
}

const rules: Readonly<Record<string, GradientRule>> = {
  ...activationRules,
  ...convolutionRules,
  ...elementwiseRules,
  ...linearRules,
  ...normalizeRules,
  ...poolingRules,
  ...reduceRules,
  ...shapeRules,
};

/** The first with the operators that every gradient needs; overlapping pools need 10. */
const opsetMin = 9;

/** Operators that can be differentiated. */
export const differentiableOperators: readonly string[] = Object.keys(rules).sort();

/**
 * The model with its inputs and what the loss asks for as inputs (`merlon_labels` and
 * `merlon_targets` int64 [N], `merlon_cotangent` [N, K]); `merlon_scores` [N, K] (true logits: a
 * final softmax is left out), `merlon_loss` [N], and `merlon_gradient` (by the input) or
 * `merlon_gradient/<weight>` as outputs. Throws `unsupported-operator` naming what stands in the
 * way, `shape-mismatch` for models that are no classifiers of one input.
 */
export async function gradientModel(
  model: OnnxModel,
  options: GradientOptions = {},
): Promise<GradientModel> {
  const { weights: mode = 'constant', loss = 'cross-entropy' } = options;
  const [input, ...others] = modelInputs(model);
  if (input === undefined || others.length > 0) {
    throw new GraphError('shape-mismatch', `expected one input, got ${others.length + 1}`);
  }
  const opset = opsetOf(model);
  const observed = await observeShapes(model);
  const { scores, nodes } = scoresOf(model, observed);
  const weights = mode === 'constant' ? [] : trainable(model, nodes);
  const state = new Set(weights.map((tensor) => tensor.name));
  const whole = { nodes, shapes: observed, constants: constantsOf(model.graph) };
  const forward = prepare(whole, { scores, weights: state });
  const wanted = mode === 'train' ? [...state] : [input.name];
  const builder = new GraphBuilder();
  const context = contextOf(builder, { opset, forward, state, wanted });
  const classes = observed.get(scores)?.[1] ?? 0;
  const emitted = emitLoss(context, { scores, classes, loss });
  builder.give(scores, mode === 'train' ? averaged(context, emitted) : emitted.seed);
  backwards(builder, context, forward.nodes);
  const finals = wanted.map((name) => finalGradient(builder, name, mode === 'train'));
  alias(builder, scores, names.scores);
  alias(builder, emitted.loss, names.loss);
  return {
    model: assemble(model, { builder, forward, input, weights, finals, scores, loss }),
    operators: [...new Set(nodes.map((node) => node.operator))].sort(),
    weights,
  };
}

function opsetOf({ opsets }: OnnxModel): number {
  const opset = opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0;
  if (opset >= opsetMin) return opset;
  const got = `expected opset ${opsetMin} or newer, got ${opset}`;
  throw new GraphError('unsupported-operator', `the model cannot be differentiated: ${got}`, {
    hint: 'export the model again with a newer opset',
  });
}

/** Walks the nodes from the end to the beginning, handing each its output's gradient. */
function backwards(builder: GraphBuilder, context: Backward, nodes: readonly OnnxNode[]): void {
  for (const forward of [...nodes].reverse()) {
    if (!forward.outputs.some((output) => context.wants(output))) continue;
    const reached = forward.outputs.findIndex((output) => builder.gradientOf(output) !== null);
    const gradient = builder.gradientOf(forward.outputs[reached] ?? '');
    if (gradient === null) continue;
    const known = reached === 0 || manyOutputs.has(forward.operator);
    const rule = forward.domain === '' && known ? rules[forward.operator] : undefined;
    if (rule === undefined) {
      const operator =
        forward.domain === '' ? forward.operator : `${forward.domain}.${forward.operator}`;
      throw unsupported(operator, forward.name, 'there is no rule for it');
    }
    rule(context, forward, gradient);
  }
}

function contextOf(
  builder: GraphBuilder,
  of: {
    readonly opset: number;
    readonly forward: Forward;
    readonly state: ReadonlySet<string>;
    readonly wanted: readonly string[];
  },
): Backward {
  const { opset, forward, state } = of;
  const reached = new Set(of.wanted);
  for (const node of forward.nodes) {
    if (node.inputs.some((input) => reached.has(input))) {
      for (const output of node.outputs) reached.add(output);
    }
  }
  return {
    opset,
    wants: (name) => reached.has(name),
    shape: (name) => {
      const shape = forward.shapes.get(name);
      if (shape === undefined) throw new GraphError('shape-mismatch', `no shape of "${name}"`);
      return shape;
    },
    constant: (name) => (state.has(name) ? null : (forward.constants.get(name) ?? null)),
    emit: (operator, inputs, attributes) => builder.emit(operator, inputs, attributes),
    floats: (shape, values) => builder.floats(shape, values),
    ints: (values) => builder.ints(values),
    gradient: (name) => builder.gradientOf(name),
    give: (name, gradient) => builder.give(name, gradient),
    extraOutput: (node, index) => builder.extraOutput(node, index),
  };
}

/** Divides by the number of rows, which is only known when the graph runs. */
function averaged(
  context: Backward,
  { loss, seed }: { readonly loss: string; readonly seed: string },
): string {
  const shape = context.emit('Shape', [loss]);
  const rows = context.emit('Cast', [shape], { to: { kind: 'int', value: elementTypes.float32 } });
  return context.emit('Div', [seed, rows]);
}

function finalGradient(builder: GraphBuilder, name: string, named: boolean): string {
  const gradient = builder.gradientOf(name);
  if (gradient === null) {
    throw new GraphError('shape-mismatch', `the scores do not depend on "${name}"`);
  }
  const final = named ? `${names.gradient}/${name}` : names.gradient;
  alias(builder, gradient, final);
  return final;
}

function alias(builder: GraphBuilder, from: string, to: string): void {
  const inputs = [from];
  builder.nodes.push({
    name: to,
    operator: 'Identity',
    domain: '',
    inputs,
    outputs: [to],
    attributes: {},
  });
}

function assemble(
  model: OnnxModel,
  of: {
    readonly builder: GraphBuilder;
    readonly forward: Forward;
    readonly input: OnnxValue;
    readonly weights: readonly OnnxTensor[];
    readonly finals: readonly string[];
    readonly scores: string;
    readonly loss: Loss;
  },
): OnnxModel {
  const { builder, input, weights, finals } = of;
  const { shapes, nodes, added } = of.forward;
  const forward = nodes.map((node) => withExtraOutputs(node, builder.extraOutputs.get(node)));
  const state = new Set(weights.map((tensor) => tensor.name));
  const all = [...forward, ...builder.nodes];
  const used = usedBy(all);
  const kept = [...model.graph.initializers, ...added].filter(
    ({ name }) => used.has(name) && !state.has(name),
  );
  const value = (name: string, elementType: number, shape: OnnxValue['shape']): OnnxValue => {
    return { name, elementType, shape };
  };
  const { float32 } = elementTypes;
  const classes = shapes.get(of.scores)?.[1] ?? 0;
  const [batch = null] = input.shape ?? [];
  const rows = batch === null || batch === '' ? 'N' : batch;
  const shapeOf = (final: string): OnnxValue['shape'] => {
    const weight = final.slice(names.gradient.length + 1);
    return weight === '' ? input.shape : (shapes.get(weight) ?? null);
  };
  return {
    ...model,
    graph: {
      ...model.graph,
      nodes: all,
      initializers: [...kept, ...builder.initializers],
      inputs: [
        input,
        ...lossInputs(of.loss, { rows, classes }),
        ...weights.map((tensor) => value(tensor.name, float32, tensor.shape)),
      ],
      outputs: [
        value(names.scores, float32, [rows, classes === 0 ? null : classes]),
        value(names.loss, float32, [rows]),
        ...finals.map((final) => value(final, float32, shapeOf(final))),
      ],
      values: [],
    },
  };
}

function withExtraOutputs(
  node: OnnxNode,
  extra: ReadonlyMap<number, string> | undefined,
): OnnxNode {
  if (extra === undefined) return node;
  const outputs = [...node.outputs];
  for (const [index, name] of extra) outputs[index] = name;
  return { ...node, outputs };
}
