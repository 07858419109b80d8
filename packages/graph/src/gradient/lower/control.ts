/** Control flow of a known course: branches put in place, loops written out. */
import { unsupported } from '../../error.ts';
import { int, type OnnxGraph, type OnnxNode } from '../../onnx/model.ts';
import { fromFront, has, integer, integers, listOf } from '../emitter.ts';
import type { Lower, Lowering } from './rewrite.ts';
import { withGraphs } from './upgrade.ts';

/** Lowerings by operator. */
export const controlLowerings: Readonly<Record<string, Lowering>> = {
  If: branch,
  Loop: loop,
  Scan: scan,
};

/** More copies of a body make graphs of too many nodes. */
const copiesMax = 1024;
const nodesMax = 200_000;

function bodyOf(forward: OnnxNode, name: string): OnnxGraph {
  const own = forward.attributes[name];
  if (own?.kind === 'graph') return own.value;
  throw unsupported(forward.operator, forward.name, `it has no graph "${name}"`);
}

function branch(context: Lower, forward: OnnxNode): void {
  const [condition = ''] = forward.inputs;
  const test = context.constant(condition);
  if (test === null) {
    throw unsupported('If', forward.name, 'its condition is computed from the input');
  }
  const chosen = bodyOf(forward, test.data[0] === 0 ? 'else_branch' : 'then_branch');
  for (const [index, value] of inlined(context, chosen, []).entries()) {
    context.output(forward, index, value);
  }
}

/** A loop of a constant number of turns that nothing ends early. */
function loop(context: Lower, forward: OnnxNode): void {
  const body = bodyOf(forward, 'body');
  const [turns = null] = has(forward, 0) ? (listOf(context, forward, 0) ?? []) : [];
  if (turns === null || !goesOn(context, forward, body)) {
    throw unsupported('Loop', forward.name, 'its number of turns is computed');
  }
  demandSize(forward, body, turns);
  const states = forward.inputs.length - 2;
  let state = forward.inputs.slice(2);
  const collected: string[][] = forward.outputs.slice(states).map(() => []);
  const always = context.emit('Greater', [context.floats([], [1]), context.floats([], [0])]);
  for (let turn = 0; turn < turns; turn++) {
    const outputs = inlined(context, body, [context.intTensor([], [turn]), always, ...state]);
    state = outputs.slice(1, 1 + states);
    for (const [i, value] of outputs.slice(1 + states).entries()) collected[i]?.push(value);
  }
  for (const [index, value] of state.entries()) context.output(forward, index, value);
  for (const [i, values] of collected.entries()) {
    const name = forward.outputs[states + i] ?? '';
    if (name === '') continue;
    if (values.length === 0) throw unsupported('Loop', forward.name, 'it never turns');
    context.output(forward, states + i, stacked(context, values, 0));
  }
}

/** True when the condition starts true and the body hands it on, or a constant that is true. */
function goesOn(context: Lower, forward: OnnxNode, body: OnnxGraph): boolean {
  if (has(forward, 1)) {
    const start = context.constant(forward.inputs[1] ?? '');
    if (start === null || start.data[0] === 0) return false;
  }
  let name = body.outputs[0]?.name ?? '';
  for (let steps = 0; steps < body.nodes.length + 1; steps++) {
    if (name === body.inputs[1]?.name) return true;
    const initializer = body.initializers.find((tensor) => tensor.name === name);
    const known = initializer ?? context.constant(name);
    if (known !== null && known !== undefined) return known.data[0] === 1;
    const from = body.nodes.find(({ outputs }) => outputs.includes(name));
    if (from?.operator === 'Constant') {
      const { value } = from.attributes;
      return value?.kind === 'tensor' && value.value.data[0] === 1;
    }
    const passes = from?.operator === 'Identity' || from?.operator === 'Cast';
    if (from === undefined || !passes) return false;
    name = from.inputs[0] ?? '';
  }
  return false;
}

/** A body for every position of its scanned inputs. */
function scan(context: Lower, forward: OnnxNode): void {
  const body = bodyOf(forward, 'body');
  const scanned = integer(forward, 'num_scan_inputs', 1);
  const states = forward.inputs.length - scanned;
  const sequences = forward.inputs.slice(states).map((name, i) => {
    const rank = context.shape(name).length;
    const axis = fromFront(integers(forward, 'scan_input_axes')?.[i] ?? 0, rank);
    if (context.rows(name, axis)) throw unsupported('Scan', forward.name, 'it scans the batch');
    const length = context.shape(name)[axis] ?? 0;
    const reverse = integers(forward, 'scan_input_directions')?.[i] === 1;
    return { name, axis, length, reverse };
  });
  const turns = sequences[0]?.length ?? 0;
  demandSize(forward, body, turns);
  const parts = sequences.map(({ name, axis, reverse }) => {
    const attributes = { axis: int(axis), num_outputs: int(turns) };
    const all = context.emitMany('Split', [name], { outputs: turns, attributes });
    const each = all.map((part) => context.emit('Squeeze', [part, context.ints([axis])]));
    return reverse ? each.toReversed() : each;
  });
  let state = forward.inputs.slice(0, states);
  const collected: string[][] = forward.outputs.slice(states).map(() => []);
  for (let turn = 0; turn < turns; turn++) {
    const outputs = inlined(context, body, [...state, ...parts.map((list) => list[turn] ?? '')]);
    state = outputs.slice(0, states);
    for (const [i, value] of outputs.slice(states).entries()) collected[i]?.push(value);
  }
  for (const [index, value] of state.entries()) context.output(forward, index, value);
  for (const [i, values] of collected.entries()) {
    const reverse = integers(forward, 'scan_output_directions')?.[i] === 1;
    const axis = integers(forward, 'scan_output_axes')?.[i] ?? 0;
    context.output(
      forward,
      states + i,
      stacked(context, reverse ? values.toReversed() : values, axis),
    );
  }
}

function demandSize(forward: OnnxNode, body: OnnxGraph, turns: number): void {
  if (turns <= copiesMax && turns * body.nodes.length <= nodesMax) return;
  throw unsupported(forward.operator, forward.name, `it turns ${turns} times`);
}

function stacked(context: Lower, values: readonly string[], axis: number): string {
  const stood = values.map((value) => context.emit('Unsqueeze', [value, context.ints([axis])]));
  return context.emit('Concat', stood, { axis: int(axis) });
}

/** Puts a copy of a graph in place; returns the names that its outputs have there. */
function inlined(context: Lower, graph: OnnxGraph, inputs: readonly string[]): string[] {
  const names = new Map<string, string>();
  for (const [i, { name }] of graph.inputs.entries()) names.set(name, inputs[i] ?? '');
  for (const { name } of graph.initializers) names.set(name, context.fresh('inner'));
  for (const each of graph.nodes) {
    for (const output of each.outputs) if (output !== '') names.set(output, context.fresh('inner'));
  }
  const initializers = graph.initializers.map((tensor) => {
    return { ...tensor, name: names.get(tensor.name) ?? tensor.name };
  });
  context.put(
    graph.nodes.map((each) => ({ ...renamed(each, names), name: context.fresh('node') })),
    initializers,
  );
  return graph.outputs.map(({ name }) => names.get(name) ?? name);
}

/** A node by other names; graphs inside it keep those that are their own. */
export function renamed(of: OnnxNode, names: ReadonlyMap<string, string>): OnnxNode {
  const change = (name: string): string => names.get(name) ?? name;
  const inner = withGraphs(of, (graph) => {
    const own = [
      ...graph.inputs.map(({ name }) => name),
      ...graph.initializers.map(({ name }) => name),
      ...graph.nodes.flatMap(({ outputs }) => outputs),
    ];
    const outside = new Map([...names].filter(([name]) => !own.includes(name)));
    return {
      ...graph,
      nodes: graph.nodes.map((each) => renamed(each, outside)),
      outputs: graph.outputs.map((output) => {
        return { ...output, name: outside.get(output.name) ?? output.name };
      }),
    };
  });
  return { ...inner, inputs: of.inputs.map(change), outputs: of.outputs.map(change) };
}
