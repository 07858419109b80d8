/**
 * Models of token numbers whose first operator looks embeddings up in a table. The table is taken
 * out, so that the rest is a model of floats whose gradient says how each token should change.
 */
import {
  elementTypes,
  floatsIn,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '@merlon/graph';
import { AttackError } from '../error.ts';

/** An encoder taken apart. */
export interface Encoder {
  /** Name and element type of the input of token numbers [N, length]. */
  readonly input: string;
  readonly type: 'int64' | 'int32';
  /** Embeddings [tokens, width], row-major. */
  readonly embeddings: Float32Array;
  readonly tokens: number;
  readonly width: number;
  /** The model after the look-up: its input `merlon_embeddings` float32 [N, length, width]. */
  readonly tail: OnnxModel;
}

const tailInput = 'merlon_embeddings';

/**
 * Takes a model apart at its look-up. Throws `unsupported-model` saying what is in the way: more
 * inputs, no look-up of a constant table by the token numbers, or other uses of them.
 */
export function readEncoder(model: OnnxModel): Encoder {
  const { graph } = model;
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  const inputs = graph.inputs.filter(({ name }) => !constants.has(name));
  const [input, other] = inputs;
  if (input === undefined || other !== undefined) {
    throw refused(`expected one input of token numbers, got ${inputs.length} inputs`);
  }
  const { int32, int64 } = elementTypes;
  if (input.elementType !== int64 && input.elementType !== int32) {
    throw refused(`expected token numbers (int64 or int32), input "${input.name}" is neither`);
  }
  const ids = new Set([input.name]);
  const passing = graph.nodes.filter((node) => {
    const passes = node.operator === 'Cast' || node.operator === 'Identity';
    if (!passes || !ids.has(node.inputs[0] ?? '')) return false;
    ids.add(node.outputs[0] ?? '');
    return true;
  });
  const users = graph.nodes.filter((node) => {
    return !passing.includes(node) && node.inputs.some((name) => ids.has(name));
  });
  const [lookUp, more] = users;
  const table = lookUp && tableOf(lookUp, ids, constants);
  if (lookUp === undefined || table === undefined) {
    const first = lookUp === undefined ? 'nothing' : `operator "${lookUp.operator}"`;
    throw refused(`expected the look-up of a constant table first, token numbers go to ${first}`);
  }
  if (more !== undefined) throw refused(`token numbers also go to operator "${more.operator}"`);
  const [tokens = 0, width = 0] = table.shape;
  const length = input.shape?.[1] ?? null;
  const rest = graph.nodes
    .filter((node) => node !== lookUp && !passing.includes(node))
    .map((node) => renamed(node, lookUp.outputs[0] ?? ''));
  const shape = [input.shape?.[0] ?? null, length, width];
  const own = { name: tailInput, elementType: elementTypes.float32, shape };
  const tail = { ...model, graph: { ...graph, nodes: rest, inputs: [own] } };
  const type = input.elementType === int64 ? 'int64' : 'int32';
  return { input: input.name, type, embeddings: floatsIn(table), tokens, width, tail };
}

function tableOf(
  node: OnnxNode,
  ids: ReadonlySet<string>,
  constants: ReadonlyMap<string, OnnxTensor>,
): OnnxTensor | undefined {
  const { axis } = node.attributes;
  const first = axis === undefined || (axis.kind === 'int' && axis.value === 0);
  const table = constants.get(node.inputs[0] ?? '');
  const fits = node.operator === 'Gather' && first && ids.has(node.inputs[1] ?? '');
  const floats = table?.elementType === elementTypes.float32 && table.shape.length === 2;
  return fits && floats ? table : undefined;
}

function renamed(node: OnnxNode, from: string): OnnxNode {
  if (!node.inputs.includes(from)) return node;
  return { ...node, inputs: node.inputs.map((name) => (name === from ? tailInput : name)) };
}

function refused(why: string): AttackError {
  return new AttackError('unsupported-model', `token substitution ${why}`, {
    hint: 'Give an encoder that takes token numbers and looks embeddings up first.',
  });
}
