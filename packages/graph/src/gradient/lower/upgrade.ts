/** Operators of old opsets (from 6 on) in the form that they have in opset 18, as ONNX defines. */
import { GraphError, unsupported } from '../../error.ts';
import {
  floatTensor,
  int,
  intTensor,
  node,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../../onnx/model.ts';
import { integer, integers, number, string, text } from '../emitter.ts';

const opsetMin = 6;
/** The first in which all reductions take their axes as an input; gradients are emitted in it. */
const opsetTarget = 18;
/** The first IR version whose readers know that opset. */
const irMin = 8;

/** Opset of the standard operators; throws `unsupported-operator` for those before 6. */
export function opsetOf({ opsets }: Pick<OnnxModel, 'opsets'>): number {
  const opset = opsets.find(({ domain }) => domain === '' || domain === 'ai.onnx')?.version ?? 0;
  if (opset >= opsetMin) return opset;
  const got = `expected opset ${opsetMin} or newer, got ${opset}`;
  throw new GraphError('unsupported-operator', `the model cannot be differentiated: ${got}`, {
    hint: 'export the model again with a newer opset',
  });
}

/** The model in opset 18 or newer; weights that were listed as inputs too are no inputs then. */
export function upgrade(model: OnnxModel): OnnxModel {
  const from = opsetOf(model);
  const constants = new Set(model.graph.initializers.map(({ name }) => name));
  const inputs = model.graph.inputs.filter(({ name }) => !constants.has(name));
  const upgraded = upgradeGraph({ ...model.graph, inputs }, from, 'merlon/upgraded');
  const others = model.opsets.filter(({ domain }) => domain !== '' && domain !== 'ai.onnx');
  return {
    ...model,
    irVersion: Math.max(irMin, model.irVersion),
    opsets: [{ domain: '', version: Math.max(from, opsetTarget) }, ...others],
    graph: upgraded,
  };
}

/** A graph, and the graphs inside it, from an opset to 18; new names begin with `prefix`. */
export function upgradeGraph(graph: OnnxGraph, from: number, prefix: string): OnnxGraph {
  const added: OnnxTensor[] = [];
  let count = 0;
  const fresh = (): string => `${prefix}/${count++}`;
  const step: Step = {
    from,
    fresh,
    ints: (values) => {
      const tensor = intTensor(fresh(), [values.length], values);
      added.push(tensor);
      return tensor.name;
    },
    floats: (shape, values) => {
      const tensor = floatTensor(fresh(), shape, values);
      added.push(tensor);
      return tensor.name;
    },
  };
  const nodes = graph.nodes.flatMap((each) => {
    const inner = withGraphs(each, (body, name) => upgradeGraph(body, from, `${fresh()}/${name}`));
    const change = inner.domain === '' ? changes[inner.operator] : undefined;
    return change === undefined || from >= change.until ? [inner] : change.to(inner, step);
  });
  return { ...graph, nodes, initializers: [...graph.initializers, ...added] };
}

/** A node with the graphs in its attributes changed. */
export function withGraphs(
  of: OnnxNode,
  change: (graph: OnnxGraph, name: string) => OnnxGraph,
): OnnxNode {
  const entries = Object.entries(of.attributes);
  if (!entries.some(([, { kind }]) => kind === 'graph')) return of;
  const changed = entries.map(([name, attribute]): [string, OnnxAttribute] => {
    if (attribute.kind !== 'graph') return [name, attribute];
    return [name, { kind: 'graph', value: change(attribute.value, name) }];
  });
  return { ...of, attributes: Object.fromEntries(changed) };
}

interface Step {
  readonly from: number;
  fresh(): string;
  ints(values: readonly number[]): string;
  floats(shape: readonly number[], values: readonly number[]): string;
}

interface Change {
  /** The first opset that has the new form. */
  readonly until: number;
  to(old: OnnxNode, step: Step): OnnxNode[];
}

function without(of: OnnxNode, ...names: readonly string[]): OnnxNode['attributes'] {
  return Object.fromEntries(
    Object.entries(of.attributes).filter(([name]) => !names.includes(name)),
  );
}

/** A list that was an attribute becomes the input of an index. */
function asInput(name: string, index: number, until: number): Change {
  return {
    until,
    to: (old, step) => {
      const list = integers(old, name);
      if (list === null) return [old];
      const inputs = [...old.inputs];
      while (inputs.length < index) inputs.push('');
      inputs[index] = step.ints(list);
      return [{ ...old, inputs, attributes: without(old, name) }];
    },
  };
}

/** Before opset 13 everything from the axis on was one vector. */
const flattening: Change = {
  until: 13,
  to: (old, step) => {
    const [x = ''] = old.inputs;
    const axis = integer(old, 'axis', 1);
    if (axis === -1) return [old];
    const [flat, shape, soft] = [step.fresh(), step.fresh(), step.fresh()];
    return [
      node('Shape', [x], [shape]),
      node('Flatten', [x], [flat], { axis: int(axis) }),
      { ...old, name: soft, inputs: [flat], outputs: [soft], attributes: { axis: int(-1) } },
      node('Reshape', [soft, shape], old.outputs),
    ];
  },
};

/** Opset 6 said where an operand stands; only at the end is that what broadcasting does. */
const broadcasting: Change = {
  until: 7,
  to: (old) => {
    const { axis } = old.attributes;
    if (axis !== undefined) {
      throw unsupported(old.operator, old.name, 'it broadcasts as opset 6 had it, along an axis');
    }
    return [{ ...old, attributes: without(old, 'broadcast') }];
  },
};

const operands = [
  'Add',
  'Sub',
  'Mul',
  'Div',
  'Pow',
  'Gemm',
  'Equal',
  'Less',
  'Greater',
  'And',
  'Or',
];

const reductions = ['L1', 'L2', 'LogSum', 'LogSumExp', 'Max', 'Mean', 'Min', 'Prod', 'SumSquare'];

const changes: Readonly<Record<string, Change>> = {
  ...Object.fromEntries(reductions.map((name) => [`Reduce${name}`, asInput('axes', 1, 18)])),
  ...Object.fromEntries(operands.map((name) => [name, broadcasting])),
  ReduceSum: asInput('axes', 1, 13),
  Squeeze: asInput('axes', 1, 13),
  Unsqueeze: asInput('axes', 1, 13),
  Softmax: flattening,
  LogSoftmax: flattening,
  Hardmax: flattening,
  Slice: {
    until: 10,
    to: (old, step) => {
      const [starts, ends, axes] = ['starts', 'ends', 'axes'].map((name) => integers(old, name));
      const lists = [starts ?? [], ends ?? [], axes ?? [...(starts ?? []).keys()]];
      const inputs = [...old.inputs, ...lists.map((list) => step.ints(list))];
      return [{ ...old, inputs, attributes: {} }];
    },
  },
  Pad: {
    until: 11,
    to: (old, step) => {
      const pads = step.ints(integers(old, 'pads') ?? []);
      const value = step.floats([], [number(old, 'value', 0)]);
      const attributes = without(old, 'pads', 'value');
      return [{ ...old, inputs: [...old.inputs, pads, value], attributes }];
    },
  },
  Clip: {
    until: 11,
    to: (old, step) => {
      const bound = (name: string): string => {
        const given = old.attributes[name];
        return given?.kind === 'float' ? step.floats([], [given.value]) : '';
      };
      const inputs = [...old.inputs, bound('min'), bound('max')];
      return [{ ...old, inputs, attributes: {} }];
    },
  },
  Dropout: {
    until: 12,
    to: (old) => [{ ...old, inputs: old.inputs.slice(0, 1), attributes: {} }],
  },
  Split: {
    until: 18,
    to: (old, step) => {
      const parts = integers(old, 'split');
      const attributes = without(old, 'split');
      if (parts !== null) {
        return [{ ...old, inputs: [...old.inputs, step.ints(parts)], attributes }];
      }
      if (old.inputs.length > 1) return [old];
      return [{ ...old, attributes: { ...attributes, num_outputs: int(old.outputs.length) } }];
    },
  },
  TopK: {
    until: 10,
    to: (old, step) => {
      const k = step.ints([integer(old, 'k', 1)]);
      return [{ ...old, inputs: [...old.inputs, k], attributes: without(old, 'k') }];
    },
  },
  BatchNormalization: {
    until: 14,
    to: (old, { from }) => {
      if (from < 7 && integer(old, 'is_test', 0) === 0) {
        throw unsupported('BatchNormalization', old.name, 'it is in training mode');
      }
      if (integer(old, 'spatial', 1) !== 1) {
        throw unsupported('BatchNormalization', old.name, 'it has statistics of every place');
      }
      const attributes = without(old, 'spatial', 'is_test', 'consumed_inputs');
      return [{ ...old, outputs: old.outputs.slice(0, 1), attributes }];
    },
  },
  Scatter: { until: 11, to: (old) => [{ ...old, operator: 'ScatterElements' }] },
  Upsample: {
    until: Number.POSITIVE_INFINITY,
    to: (old, step) => {
      const given = old.attributes.scales;
      const scales = given?.kind === 'floats' ? step.floats([given.value.length], given.value) : '';
      const [x = '', scalesInput = scales] = old.inputs;
      return [resized(old, [x, scalesInput], 'floor')];
    },
  },
  Resize: {
    until: 11,
    to: (old) => [resized(old, old.inputs, 'floor')],
  },
  Scan: {
    until: 9,
    to: (old) => {
      throw unsupported('Scan', old.name, 'it is of opset 8, with lengths of its own for each row');
    },
  },
};

/** What was called upsampling, and the first resizing, laid corners over corners. */
function resized(
  old: OnnxNode,
  [x = '', scales = '']: readonly string[],
  nearest: string,
): OnnxNode {
  const attributes = {
    mode: string(text(old, 'mode', 'nearest')),
    coordinate_transformation_mode: string('asymmetric'),
    nearest_mode: string(nearest),
  };
  return { ...old, operator: 'Resize', inputs: [x, '', scales], attributes };
}
