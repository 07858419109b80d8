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
import { type Backward, GraphBuilder } from './builder.ts';
import type { Shape } from './emitter.ts';
import { type Approximation, reachOf, usedBy } from './forward.ts';
import { emitLoss, type Loss, lossInputs, names } from './loss.ts';
import { floatCopy } from './lower/float-copy.ts';
import { withoutFunctions } from './lower/functions.ts';
import { opsetOf, upgrade } from './lower/upgrade.ts';
import { loweredPrefix, type NormalForm, normalForm } from './normal.ts';
import { modelInputs } from './observe.ts';
import { refusals } from './operators/status.ts';
import { manyOutputs, rules } from './operators/table.ts';
import { type Forward, prepare } from './prepare/prepare.ts';
import { writtenOut } from './prepare/write-out.ts';
import { operatorStatuses } from './statuses.ts';

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
  /** Sizes of the input, for models that leave more open than the rows (-1). */
  readonly shape?: readonly number[];
  /**
   * Name of the output to differentiate, of any rank when its first axis is the rows; default: the
   * first of float32 [N, K].
   */
  readonly output?: string;
  /** Values of inputs that stay as they are, such as a state or a rate, by their names. */
  readonly held?: readonly OnnxTensor[];
}

/** A model with its gradient. */
export interface GradientModel {
  readonly model: OnnxModel;
  /** Operators of the forward graph. */
  readonly operators: readonly string[];
  /** Weights that became inputs (empty for `constant`), with their present values. */
  readonly weights: readonly OnnxTensor[];
  /** Nodes whose gradient is not the true one, or that stop it. */
  readonly approximations: readonly Approximation[];
}

/** Operators that can be differentiated; those of other domains begin with their domain. */
export const differentiableOperators: readonly string[] = operatorStatuses
  .filter(({ status }) => status === 'exact' || status === 'straight-through')
  .map(({ domain, operator }) => (domain === '' ? operator : `${domain}.${operator}`));

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
  const { weights: mode = 'constant', loss = 'cross-entropy', output = null } = options;
  const alone = holding(withoutFunctions(upgrade(model)), options.held ?? []);
  const start = withShape(inFloats(alone, mode), options.shape);
  // Only losses that compare classes need two of them.
  const classesMin = loss === 'linear' ? 1 : 2;
  const form = await normalForm(start, { mode, output, classesMin });
  const { scores, classes, wanted, weights, observed } = form;
  const state = new Set(weights.map((tensor) => tensor.name));
  const { shapes, single, constants } = observed;
  const whole = { nodes: form.model.graph.nodes, shapes, single, constants };
  const forward = prepare(whole, { scores, weights: state });
  const builder = new GraphBuilder();
  const context = contextOf(builder, { form, forward });
  const emitted = emitLoss(context, { scores, classes, loss });
  builder.give(scores, mode === 'train' ? averaged(context, emitted) : emitted.seed);
  backwards(builder, context, forward.nodes);
  const finals = wanted.map((name) =>
    finalGradient({ builder, form, name, named: mode === 'train' }),
  );
  alias(builder, scores, names.scores);
  alias(builder, emitted.loss, names.loss);
  const [input] = modelInputs(start);
  if (input === undefined) throw new GraphError('shape-mismatch', 'expected one input, got 0');
  return {
    model: assemble(form, { builder, forward, input, finals, loss }),
    operators: form.operators,
    weights,
    approximations: form.reach.approximations.filter(
      ({ kind, node }) => kind !== 'zero' || !node.startsWith(loweredPrefix),
    ),
  };
}

/** Models of other floats are differentiated as a float32 copy; their weights cannot be inputs. */
function inFloats(model: OnnxModel, mode: 'constant' | 'state' | 'train'): OnnxModel {
  const copy = floatCopy(model);
  if (copy === model || mode === 'constant') return copy;
  throw new GraphError('unsupported-operator', 'expected weights of float32 to train', {
    hint: 'train the float32 copy of the model instead',
  });
}

/** The model without the inputs whose values are told. */
function holding(model: OnnxModel, held: readonly OnnxTensor[]): OnnxModel {
  const names = new Set(held.map(({ name }) => name));
  const { inputs, initializers } = model.graph;
  for (const name of names) {
    if (inputs.some((input) => input.name === name)) continue;
    const has = inputs.map((input) => `"${input.name}"`).join(', ');
    throw new GraphError('shape-mismatch', `expected inputs to hold among ${has}, got "${name}"`);
  }
  const open = inputs.filter(({ name }) => !names.has(name));
  const own = initializers.filter(({ name }) => !names.has(name));
  return { ...model, graph: { ...model.graph, inputs: open, initializers: [...own, ...held] } };
}

/** The model with one input of the sizes that are asked for. */
function withShape(model: OnnxModel, shape: readonly number[] | undefined): OnnxModel {
  const inputs = modelInputs(model);
  const [input, ...others] = inputs;
  if (input === undefined || others.length > 0) {
    throw new GraphError('shape-mismatch', `expected one input, got ${inputs.length}`);
  }
  if (shape === undefined) return model;
  const sizes = shape.map((size, i) => (size < 0 ? (input.shape?.[i] ?? null) : size));
  return { ...model, graph: { ...model.graph, inputs: [{ ...input, shape: sizes }] } };
}

/** Walks the nodes from the end to the beginning, handing each its output's gradient. */
function backwards(builder: GraphBuilder, context: Backward, nodes: readonly OnnxNode[]): void {
  for (const forward of [...nodes].reverse()) {
    if (!forward.outputs.some((output) => context.wants(output))) continue;
    const reached = forward.outputs.findIndex(
      (output) => context.wants(output) && builder.gradientOf(output) !== null,
    );
    const gradient = builder.gradientOf(forward.outputs[reached] ?? '');
    if (gradient === null) continue;
    const known = reached === 0 || manyOutputs.has(forward.operator);
    const rule = forward.domain === '' && known ? rules[forward.operator] : undefined;
    if (rule === undefined) {
      const operator =
        forward.domain === '' ? forward.operator : `${forward.domain}.${forward.operator}`;
      const why = refusals[operator] ?? 'there is no rule for it';
      throw unsupported(operator, forward.name, why);
    }
    rule(context, forward, gradient);
  }
}

function contextOf(
  builder: GraphBuilder,
  of: { readonly form: NormalForm; readonly forward: Forward },
): Backward {
  const { form, forward } = of;
  const { types } = form.observed;
  const { single } = forward;
  const state = new Set(form.weights.map((tensor) => tensor.name));
  const { values } = reachOf(forward.nodes, form.wanted, types);
  const shape = (name: string): Shape => {
    const known = forward.shapes.get(name);
    if (known === undefined) throw new GraphError('shape-mismatch', `no shape of "${name}"`);
    return known;
  };
  return {
    opset: opsetOf(form.model),
    wants: (name) => values.has(name),
    shape,
    rows: (name, axis) => (single.get(name)?.[axis] ?? shape(name)[axis]) !== shape(name)[axis],
    type: (name) => types.get(name) ?? 0,
    constant: (name) => (state.has(name) ? null : (forward.constants.get(name) ?? null)),
    emit: (operator, inputs, attributes) => builder.emit(operator, inputs, attributes),
    emitMany: (operator, inputs, many) => builder.emitMany(operator, inputs, many),
    floats: (sizes, floats) => builder.floats(sizes, floats),
    ints: (list) => builder.ints(list),
    intTensor: (sizes, list) => builder.intTensor(sizes, list),
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

function finalGradient(of: {
  readonly builder: GraphBuilder;
  readonly form: NormalForm;
  readonly name: string;
  readonly named: boolean;
}): string {
  const { builder, form, name, named } = of;
  const gradient = builder.gradientOf(name);
  if (gradient === null) {
    const [flat] = form.reach.approximations.filter(({ kind }) => kind === 'zero');
    if (flat !== undefined) {
      throw unsupported(flat.operator, flat.node, 'it is flat, so that no gradient comes through');
    }
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
  form: NormalForm,
  of: {
    readonly builder: GraphBuilder;
    readonly forward: Forward;
    readonly input: OnnxValue;
    readonly finals: readonly string[];
    readonly loss: Loss;
  },
): OnnxModel {
  const { builder, input, finals } = of;
  const { model, weights } = form;
  const { shapes, nodes, added } = of.forward;
  const forward = nodes
    .map((node) => withExtraOutputs(node, builder.extraOutputs.get(node)))
    .flatMap((node) => writtenOut(node, builder));
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
  const [batch = null, ...sizes] = input.shape ?? [];
  const open = typeof batch !== 'number' || batch < 1;
  const name = batch === null || batch === '' || typeof batch === 'number' ? 'N' : batch;
  const rows = open ? (form.observed.rows ?? name) : batch;
  const shape = [open && form.observed.rows === null ? batch : rows, ...sizes];
  const shapeOf = (final: string): OnnxValue['shape'] => {
    const weight = final.slice(names.gradient.length + 1);
    return weight === '' ? shape : (shapes.get(weight) ?? null);
  };
  return {
    ...model,
    graph: {
      ...model.graph,
      nodes: all,
      initializers: [...kept, ...builder.initializers],
      inputs: [
        { ...input, shape },
        ...lossInputs(of.loss, { rows, classes: form.classes }),
        ...weights.map((tensor) => value(tensor.name, float32, tensor.shape)),
      ],
      outputs: [
        value(names.scores, float32, [rows, form.classes]),
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
