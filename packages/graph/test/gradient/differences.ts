/** Central differences of a model itself, in float64 where its operators know that. */
import { seeded } from '@merlon/core';
import {
  elementTypes,
  GraphError,
  type OnnxAttribute,
  type OnnxGraph,
  type OnnxModel,
  type OnnxTensor,
  openSession,
  type Session,
  type Tensor,
  writeOnnx,
} from '../../src/index.ts';

/** Gradients that central differences tell, at some coordinates. */
export interface Differences {
  readonly exact: boolean;
  readonly at: readonly { readonly index: number; readonly slope: number }[];
}

const { float32, float64 } = elementTypes;

/** The model with every float32 as float64. */
export function inDoubles(model: OnnxModel): OnnxModel {
  return { ...model, graph: doubleGraph(model.graph) };
}

function doubleGraph(graph: OnnxGraph): OnnxGraph {
  const value = <T extends { elementType: number }>(of: T): T =>
    of.elementType === float32 ? { ...of, elementType: float64 } : of;
  return {
    ...graph,
    initializers: graph.initializers.map(doubleTensor),
    inputs: graph.inputs.map(value),
    outputs: graph.outputs.map(value),
    values: [],
    nodes: graph.nodes.map((node) => {
      const attributes = Object.entries(node.attributes).map(([name, attribute]) => {
        return [name, doubleAttribute(name, attribute)] as const;
      });
      return { ...node, attributes: Object.fromEntries(attributes) };
    }),
  };
}

function doubleAttribute(name: string, attribute: OnnxAttribute): OnnxAttribute {
  if (attribute.kind === 'graph') return { kind: 'graph', value: doubleGraph(attribute.value) };
  if (attribute.kind === 'tensor') return { kind: 'tensor', value: doubleTensor(attribute.value) };
  if (name === 'to' && attribute.kind === 'int' && attribute.value === float32) {
    return { kind: 'int', value: float64 };
  }
  return attribute;
}

function doubleTensor(tensor: OnnxTensor): OnnxTensor {
  if (tensor.elementType !== float32) return tensor;
  const values = Float64Array.from(new Float32Array(tensor.data.slice().buffer));
  return { ...tensor, elementType: float64, data: new Uint8Array(values.buffer) };
}

/** Slopes of the summed cross-entropy by coordinates of x, as many as `count`. */
export async function differences(
  model: OnnxModel,
  x: Tensor,
  of: {
    readonly labels: readonly number[];
    readonly count: number;
    readonly floatsOnly?: boolean;
    readonly step?: number;
  },
): Promise<Differences> {
  const doubled = of.floatsOnly === true ? null : await opened(inDoubles(model));
  const session = doubled ?? (await openSession(writeOnnx(model)));
  const exact = doubled !== null;
  const plain = x.data as Float32Array;
  const data = exact ? Float64Array.from(plain) : plain.slice();
  const feeds = { x: { type: exact ? 'float64' : 'float32', shape: x.shape, data } as Tensor };
  const loss = async (index: number, value: number): Promise<number> => {
    const held = data[index] ?? 0;
    data[index] = held + value;
    const out = await session.run(feeds, ['scores']);
    data[index] = held;
    return crossEntropy(out.scores?.data as Float64Array, of.labels);
  };
  const step = exact ? 1e-5 : (of.step ?? 1e-2);
  const chosen = [...seeded(4).permutation(data.length).slice(0, of.count)];
  const at: { index: number; slope: number }[] = [];
  for (const index of chosen) {
    const near = (await loss(index, step)) - (await loss(index, -step));
    let slope = near / (2 * step);
    if (!exact) {
      const far = (await loss(index, 2 * step)) - (await loss(index, -2 * step));
      slope = (8 * near - far) / (12 * step);
    }
    at.push({ index, slope });
  }
  await session.close();
  return { exact, at };
}

/** A session of the float64 model, or null where the runtime has no kernel for it. */
async function opened(model: OnnxModel): Promise<Session | null> {
  try {
    return await openSession(writeOnnx(model));
  } catch (error) {
    if (error instanceof GraphError && error.code === 'invalid-model') return null;
    throw error;
  }
}

function crossEntropy(scores: ArrayLike<number>, labels: readonly number[]): number {
  const classes = scores.length / labels.length;
  return labels.reduce((sum, label, row) => {
    const own = Array.from({ length: classes }, (_, k) => scores[row * classes + k] ?? 0);
    const most = Math.max(...own);
    const whole = own.reduce((total, value) => total + Math.exp(value - most), 0);
    return sum + Math.log(whole) + most - (own[label] ?? 0);
  }, 0);
}

/** The largest difference from the slopes, relative to the largest element of the gradient. */
export function worst(gradient: ArrayLike<number>, found: Differences): number {
  const scale = Array.from(gradient).reduce((most, value) => Math.max(most, Math.abs(value)), 1e-3);
  return found.at.reduce((most, { index, slope }) => {
    const error = Math.abs(slope - (gradient[index] ?? Number.NaN)) / scale;
    return Number.isNaN(error) ? Number.POSITIVE_INFINITY : Math.max(most, error);
  }, 0);
}
