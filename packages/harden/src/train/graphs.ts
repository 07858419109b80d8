/**
 * Graphs that training needs beside those that `gradientModel` makes: scores alone, and the
 * gradient of the cross-entropy against shares, whose seed softmax(scores) − shares is also that
 * of KL(shares ‖ softmax(scores)).
 */
import {
  int,
  node,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
} from '@merlon/graph';

/** The input that `towardShares` adds: float32 [N, K], each row adds up to 1. */
export const sharesInput = 'merlon_shares';

const scoresOutput = 'merlon_scores';
const cotangent = 'merlon_cotangent';
const added = new Set(['merlon_labels', cotangent]);

/** A gradient model cut down to its scores; weights that are inputs stay inputs. */
export function scoresOnly(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const wanted = new Set([scoresOutput]);
  const kept: OnnxNode[] = [];
  for (const each of [...graph.nodes].reverse()) {
    if (!each.outputs.some((output) => wanted.has(output))) continue;
    for (const name of readBy(each)) wanted.add(name);
    kept.unshift(each);
  }
  return {
    ...model,
    graph: {
      ...graph,
      nodes: kept,
      initializers: graph.initializers.filter(({ name }) => wanted.has(name)),
      inputs: graph.inputs.filter(({ name }) => !added.has(name)),
      outputs: graph.outputs.filter(({ name }) => name === scoresOutput),
    },
  };
}

/** A model of the loss `linear` whose cotangent is computed inside from `merlon_shares`. */
export function towardShares(model: OnnxModel): OnnxModel {
  const { graph } = model;
  const alias = graph.nodes.find(({ outputs }) => outputs.includes(scoresOutput));
  const scores = alias?.inputs[0] ?? '';
  const from = graph.nodes.findIndex(({ outputs }) => outputs.includes(scores)) + 1;
  const seed = [
    node('Softmax', [scores], ['merlon/predicted-shares'], { axis: int(1) }),
    node('Sub', ['merlon/predicted-shares', sharesInput], [cotangent]),
  ];
  return {
    ...model,
    graph: {
      ...graph,
      nodes: [...graph.nodes.slice(0, from), ...seed, ...graph.nodes.slice(from)],
      inputs: graph.inputs.map((input) =>
        input.name === cotangent ? { ...input, name: sharesInput } : input,
      ),
    },
  };
}

/** Everything that a node reads, inner graphs included. */
function readBy({ inputs, attributes }: OnnxNode): string[] {
  const inner = Object.values(attributes).flatMap(graphsOf);
  const read = inner.flatMap(({ nodes, outputs }) => [
    ...nodes.flatMap(readBy),
    ...outputs.map(({ name }) => name),
  ]);
  return [...inputs, ...read];
}

function graphsOf(attribute: OnnxAttribute): readonly OnnxGraph[] {
  return attribute.kind === 'graph' ? [attribute.value] : [];
}
