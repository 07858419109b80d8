/**
 * Reads a whole model of trees: one float32 input, what prepares it, one ensemble, and the labels
 * and scores that leave it. Nothing is guessed: an operator that is not understood is refused by
 * its name.
 */
import { invalidModel } from '../error.ts';
import {
  elementTypes,
  floatsIn,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import { notUnderstood, numbers, number as single, texts } from './attributes.ts';
import type { Column } from './columns.ts';
import { type Decision, leafMode, type TreeEnsemble, type TreeModel } from './ensemble.ts';
import { readNodes } from './read-nodes.ts';
import { readSplits } from './read-splits.ts';
import { follows, startTrace } from './trace.ts';

const treeOperators = ['TreeEnsembleClassifier', 'TreeEnsembleRegressor', 'TreeEnsemble'];
const passing = ['Identity', 'Cast', 'ZipMap', 'ArgMax'];

/**
 * The trees of a model; null when it has none. Throws `GraphError` `unsupported-operator` naming
 * what is not understood, `invalid-model` for trees that are not sound.
 */
export function readTrees({ graph }: OnnxModel): TreeModel | null {
  const trees = graph.nodes.filter(({ operator }) => treeOperators.includes(operator));
  const [node, second] = trees;
  if (node === undefined) return null;
  if (second !== undefined) throw notUnderstood(second, 'the model has more than one ensemble');
  const constants = new Set(graph.initializers.map(({ name }) => name));
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name));
  const [input, other] = inputs;
  if (input === undefined || other !== undefined) {
    throw notUnderstood(node, `the model has ${inputs.length} inputs`);
  }
  if (input.elementType !== elementTypes.float32) {
    throw notUnderstood(node, `input "${input.name}" is not float32`);
  }
  const { ensemble, labels, decision } = readOperator(node);
  const axis = input.shape?.[1];
  const width = typeof axis === 'number' && axis > 0 ? axis : -1;
  const needed = ensemble.feature.reduce((most, at) => Math.max(most, at + 1), 0);
  const trace = startTrace(graph, input.name, width < 0 ? needed : width);
  const place = graph.nodes.indexOf(node);
  for (const before of graph.nodes.slice(0, place)) {
    if (!leadsTo(graph.nodes.slice(0, place + 1), before, node)) continue;
    follows(before, trace);
  }
  const columns = trace.flows.get(node.inputs[0] ?? '')?.columns;
  if (columns === undefined) throw notUnderstood(node, 'its input is not made of columns');
  refuseUnsound(ensemble, columns);
  refuseAfter(graph, node);
  return { input: { name: input.name, width }, columns, ensemble, decision, labels };
}

function readOperator(node: OnnxNode) {
  if (node.operator === 'TreeEnsemble') return values(readSplits(node));
  if (node.operator === 'TreeEnsembleRegressor') {
    return values(readNodes(node, 'target', single(node, 'n_targets') ?? 1));
  }
  const names = texts(node, 'classlabels_strings');
  const ids = numbers(node, 'classlabels_int64s');
  const count = names.length > 0 ? names.length : ids.length;
  if (count < 2) throw notUnderstood(node, `it knows ${count} classes`);
  const ensemble = readNodes(node, 'class', count);
  if (ensemble.base.length > count) throw invalidModel('more base values than classes');
  const decision = decisionOf(node, ensemble);
  const labels = Int32Array.from(names.length > 0 ? names.map((_, i) => i) : ids);
  // A single base value is added to the first target only.
  return { ensemble: { ...ensemble, base: padded(ensemble) }, labels, decision };
}

function padded({ base, targets }: TreeEnsemble): Float32Array {
  if (base.length === 0) return base;
  return Float32Array.from({ length: targets }, (_, i) => base[i] ?? 0);
}

function values(ensemble: TreeEnsemble) {
  const { targets } = ensemble;
  const decision: Decision = { kind: targets > 1 ? 'greatest' : 'none' };
  const labels = Int32Array.from({ length: targets }, (_, i) => i);
  // The runtime leaves base values of another number out.
  const base = ensemble.base.length === targets ? ensemble.base : new Float32Array(0);
  return { ensemble: { ...ensemble, base }, labels, decision };
}

/**
 * How the runtime decides between two classes: weights on a single class are compared with 0.5
 * where none is negative, else with 0. More classes: the greatest.
 */
function decisionOf(node: OnnxNode, ensemble: TreeEnsemble): Decision {
  const [target = 0, ...others] = new Set(ensemble.weightTarget);
  if (ensemble.targets > 2) return { kind: 'greatest' };
  if (others.length > 0) {
    throw notUnderstood(node, 'two classes with weights on both');
  }
  if (ensemble.base.length === 2) {
    throw notUnderstood(node, 'two base values for two classes');
  }
  const above = ensemble.weight.every((weight) => weight >= 0) ? 0.5 : 0;
  return { kind: 'threshold', above, target };
}

/** True when an output of `from` reaches `to`. */
function leadsTo(nodes: readonly OnnxNode[], from: OnnxNode, to: OnnxNode): boolean {
  const wanted = new Set(to.inputs);
  for (const node of nodes.toReversed()) {
    if (node === to || !node.outputs.some((name) => wanted.has(name))) continue;
    if (node === from) return true;
    for (const name of node.inputs) wanted.add(name);
  }
  return false;
}

/** After the trees only what passes labels and scores on as they are. */
function refuseAfter(graph: OnnxGraph, trees: OnnxNode): void {
  const { nodes } = graph;
  const flowing = new Set(trees.outputs);
  const ones = new Set(graph.initializers.filter(isOne).map(({ name }) => name));
  for (const node of nodes.slice(nodes.indexOf(trees) + 1)) {
    if (!node.inputs.some((name) => flowing.has(name))) continue;
    const byOne = node.inputs.some((name) => ones.has(name));
    if (!passing.includes(node.operator) && !(node.operator === 'Mul' && byOne)) {
      throw notUnderstood(node, 'it stands after the trees and may change their answer');
    }
    for (const name of node.outputs) flowing.add(name);
  }
}

function isOne(tensor: OnnxTensor): boolean {
  return tensor.elementType === elementTypes.float32 && floatsIn(tensor).every((one) => one === 1);
}

function refuseUnsound(ensemble: TreeEnsemble, columns: readonly Column[]): void {
  const { mode, feature, yes, no, roots } = ensemble;
  const seen = new Uint8Array(mode.length);
  for (const root of roots) {
    const open = [root];
    for (let node = open.pop(); node !== undefined; node = open.pop()) {
      if (seen[node] !== 0) throw invalidModel(`node ${node} of the trees is reached twice`);
      seen[node] = 1;
      if (mode[node] === leafMode) continue;
      const at = feature[node] ?? -1;
      if (columns[at] === undefined) {
        throw invalidModel(`feature ${at} of ${columns.length} in the trees`);
      }
      open.push(yes[node] ?? -1, no[node] ?? -1);
    }
  }
}

/**
 * The same model with tensors for outputs where a ZipMap made maps of them, which sessions do not
 * take; the model itself when there is none.
 */
export function withoutZipMap(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const maps = graph.nodes.filter(({ operator }) => operator === 'ZipMap');
  if (maps.length === 0) return model;
  const source = new Map(maps.map(({ outputs, inputs }) => [outputs[0] ?? '', inputs[0] ?? '']));
  const outputs = graph.outputs.map((output) => {
    const name = source.get(output.name);
    if (name === undefined) return output;
    return { name, elementType: elementTypes.float32, shape: [null, null] };
  });
  const nodes = graph.nodes.filter((node) => !maps.includes(node));
  return { ...model, graph: { ...graph, nodes, outputs } };
}

/** The texts of the classes, where the model has them; empty for classes that are numbers. */
export function classNames({ graph }: OnnxModel): string[] {
  const node = graph.nodes.find(({ operator }) => operator === 'TreeEnsembleClassifier');
  return node === undefined ? [] : texts(node, 'classlabels_strings');
}

/** The classes that a ZipMap writes beside its scores, in their order, as texts. */
export function mapKeys(node: OnnxNode): string[] {
  return [
    ...texts(node, 'classlabels_strings'),
    ...numbers(node, 'classlabels_int64s').map((label) => String(label)),
  ];
}
