/** Follows the nodes before the trees and turns each of their values into columns. */
import { invalidModel } from '../error.ts';
import {
  elementTypes,
  floatsIn,
  intsIn,
  type OnnxGraph,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import { notUnderstood, number, numbers, tensorOf, texts } from './attributes.ts';
import type { Column, Step } from './columns.ts';

/** A value on the way: its columns; `groups` is the middle axis of a one-hot answer, else 1. */
interface Flow {
  readonly columns: readonly Column[];
  readonly groups: number;
}

/** What is known by name while nodes are followed. */
export interface Trace {
  readonly flows: Map<string, Flow>;
  readonly constants: ReadonlyMap<string, OnnxTensor>;
}

const widthMax = 1_000_000;

/** A trace that knows the constants of a graph and the columns of its input. */
export function startTrace(graph: OnnxGraph, input: string, width: number): Trace {
  if (width > widthMax) throw invalidModel(`input "${input}" has ${width} columns`);
  const constants = new Map(graph.initializers.map((tensor) => [tensor.name, tensor]));
  for (const node of graph.nodes) {
    const value = node.operator === 'Constant' ? tensorOf(node, 'value') : undefined;
    if (value !== undefined) constants.set(node.outputs[0] ?? '', value);
  }
  const columns = Array.from({ length: width }, (_, input): Column => ({ input, steps: [] }));
  return { flows: new Map([[input, { columns, groups: 1 }]]), constants };
}

/** Follows one node; throws `unsupported-operator` naming what is not understood. */
export function follows(node: OnnxNode, trace: Trace): void {
  const [output] = node.outputs;
  if (output === undefined || trace.constants.has(output)) return;
  trace.flows.set(output, result(node, trace));
}

function result(node: OnnxNode, trace: Trace): Flow {
  const flow = () => flowOf(node, 0, trace);
  switch (node.operator) {
    case 'Identity':
    case 'Dropout':
      return flow();
    case 'Cast':
      return cast(node, flow());
    case 'Reshape':
    case 'Flatten':
      return { columns: flow().columns, groups: 1 };
    case 'Concat':
    case 'FeatureVectorizer':
      return concatenated(node, trace);
    case 'ArrayFeatureExtractor':
    case 'Gather':
      return picked(node, trace);
    case 'Scaler':
      return scaled(node, flow());
    case 'Imputer':
      return imputed(node, flow());
    case 'OneHotEncoder':
      return oneHot(node, flow());
    case 'LabelEncoder':
      return mapped(node, flow());
    case 'Binarizer': {
      const value = Math.fround(number(node, 'threshold') ?? 0);
      return each(flow(), () => ({ kind: 'exceeds', value }));
    }
    case 'Mul':
    case 'Div':
    case 'Add':
    case 'Sub':
      return arithmetic(node, trace);
    case 'Normalizer':
      throw notUnderstood(node, 'it joins columns, so that no threshold stays a threshold');
    default:
      throw notUnderstood(node, 'it stands before the trees and is not one of theirs');
  }
}

function flowOf(node: OnnxNode, at: number, { flows }: Trace): Flow {
  const flow = flows.get(node.inputs[at] ?? '');
  if (flow !== undefined) return flow;
  throw notUnderstood(node, `its input "${(node.inputs[at] ?? '').slice(0, 60)}" is no column`);
}

function each(flow: Flow, step: (at: number) => Step): Flow {
  const columns = flow.columns.map(({ input, steps }, i) => ({
    input,
    steps: [...steps, step(i)],
  }));
  return { ...flow, columns };
}

function cast(node: OnnxNode, flow: Flow): Flow {
  const to = number(node, 'to') ?? elementTypes.float32;
  if (to === elementTypes.float32) return flow;
  if (to === elementTypes.int64 || to === elementTypes.int32) {
    return each(flow, () => ({ kind: 'truncate' }));
  }
  throw notUnderstood(node, `it casts to element type ${to}`);
}

function concatenated(node: OnnxNode, trace: Trace): Flow {
  const flows = node.inputs.map((_, i) => flowOf(node, i, trace));
  const axis = number(node, 'axis') ?? 1;
  if (flows.some(({ groups }) => groups !== 1) || axis === 0 || axis > 2) {
    throw notUnderstood(node, `it joins along axis ${axis}`);
  }
  return { columns: flows.flatMap(({ columns }) => columns), groups: 1 };
}

function picked(node: OnnxNode, trace: Trace): Flow {
  const { columns } = flowOf(node, 0, trace);
  const indices = trace.constants.get(node.inputs[1] ?? '');
  if (indices === undefined) throw notUnderstood(node, 'its positions are not constant');
  if (node.operator === 'Gather' && (number(node, 'axis') ?? 0) !== 1) {
    throw notUnderstood(node, 'it does not pick columns');
  }
  const found = intsIn(indices).map((index) => {
    const column = columns[index < 0 ? index + columns.length : index];
    if (column === undefined) throw invalidModel(`no column ${index} of ${columns.length}`);
    return column;
  });
  return { columns: found, groups: 1 };
}

function perColumn(node: OnnxNode, name: string, values: readonly number[], flow: Flow) {
  const { length } = flow.columns;
  if (values.length !== 1 && values.length !== length) {
    throw invalidModel(`"${name}" of ${node.operator} expected ${length}, got ${values.length}`);
  }
  return (at: number) => Math.fround(values[values.length === 1 ? 0 : at] ?? 0);
}

function scaled(node: OnnxNode, flow: Flow): Flow {
  const offset = perColumn(node, 'offset', numbers(node, 'offset'), flow);
  const scale = perColumn(node, 'scale', numbers(node, 'scale'), flow);
  return each(flow, (at) => ({ kind: 'scale', offset: offset(at), scale: scale(at) }));
}

function imputed(node: OnnxNode, flow: Flow): Flow {
  const values = numbers(node, 'imputed_value_floats');
  if (values.length === 0) throw notUnderstood(node, 'it imputes something else than floats');
  const by = perColumn(node, 'imputed_value_floats', values, flow);
  const replaced = Math.fround(number(node, 'replaced_value_float') ?? 0);
  return each(flow, (at) => ({ kind: 'impute', replaced, by: by(at) }));
}

function oneHot(node: OnnxNode, flow: Flow): Flow {
  const categories = numbers(node, 'cats_int64s');
  if (categories.length === 0) throw notUnderstood(node, 'its categories are texts');
  if ((number(node, 'zeros') ?? 1) !== 1) throw notUnderstood(node, '"zeros" is not 1');
  const columns = flow.columns.flatMap(({ input, steps }) =>
    categories.map((value): Column => {
      return { input, steps: [...steps, { kind: 'truncate' }, { kind: 'equals', value }] };
    }),
  );
  return { columns, groups: flow.columns.length };
}

function mapped(node: OnnxNode, flow: Flow): Flow {
  if (texts(node, 'keys_strings').length + texts(node, 'values_strings').length > 0) {
    throw notUnderstood(node, 'it maps texts');
  }
  const list = (side: 'keys' | 'values'): readonly number[] => {
    const tensor = tensorOf(node, `${side}_tensor`);
    if (tensor !== undefined) return constantNumbers(node, tensor);
    const floats = numbers(node, `${side}_floats`);
    return floats.length > 0 ? floats : numbers(node, `${side}_int64s`);
  };
  const keys = list('keys').map(Math.fround);
  const values = list('values').map(Math.fround);
  if (keys.length !== values.length) throw invalidModel('LabelEncoder: keys and values differ');
  const tensor = tensorOf(node, 'default_tensor');
  const fallback = tensor
    ? (constantNumbers(node, tensor)[0] ?? 0)
    : values.length > 0 && numbers(node, 'values_int64s').length > 0
      ? (number(node, 'default_int64') ?? -1)
      : (number(node, 'default_float') ?? 0);
  return each(flow, () => ({ kind: 'map', keys, values, fallback: Math.fround(fallback) }));
}

function arithmetic(node: OnnxNode, trace: Trace): Flow {
  const left = trace.constants.get(node.inputs[0] ?? '');
  const constant = trace.constants.get(node.inputs[1] ?? '') ?? left;
  if (constant === undefined) throw notUnderstood(node, 'it joins columns');
  const turned = constant === left;
  if (turned && (node.operator === 'Sub' || node.operator === 'Div')) {
    throw notUnderstood(node, 'its first input is constant');
  }
  const flow = flowOf(node, turned ? 1 : 0, trace);
  const by = perColumn(node, 'constant', constantNumbers(node, constant), flow);
  return each(flow, (at) => {
    if (node.operator === 'Mul') return { kind: 'multiply', by: by(at) };
    if (node.operator === 'Div') return { kind: 'divide', by: by(at) };
    return { kind: 'add', by: node.operator === 'Sub' ? -by(at) : by(at) };
  });
}

function constantNumbers(node: OnnxNode, tensor: OnnxTensor): readonly number[] {
  if (tensor.elementType === elementTypes.float32) return [...floatsIn(tensor)];
  const { int32, int64 } = elementTypes;
  if (tensor.elementType === int64 || tensor.elementType === int32) return intsIn(tensor);
  throw notUnderstood(node, `a constant of element type ${tensor.elementType}`);
}
