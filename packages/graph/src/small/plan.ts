/**
 * A small graph as a list of steps over buffers, for one number of rows. The runtime needs some
 * tens of microseconds to begin a run and some for every operator, which is more than the work of
 * a network with a few thousand weights on a few rows.
 */
import {
  elementTypes,
  floatsIn,
  intsIn,
  type OnnxModel,
  type OnnxNode,
  type OnnxTensor,
} from '../onnx/model.ts';
import { elementwiseKernels } from './elementwise.ts';
import { linearKernels } from './linear.ts';
import { reduceKernels } from './reduce.ts';
import { shapeKernels } from './shape.ts';
import { floats, type Kernel, sizeOf, type Value } from './value.ts';
import type { Arena } from './wasm.ts';

const kernels: Readonly<Record<string, Kernel>> = {
  ...linearKernels,
  ...elementwiseKernels,
  ...reduceKernels,
  ...shapeKernels,
};

/** A graph made ready for one number of rows. */
export interface Plan {
  /** Buffers to fill before a run, by the name of the input. */
  readonly inputs: ReadonlyMap<string, Value>;
  /** Buffers that a run fills, by the name of the output. */
  readonly outputs: ReadonlyMap<string, Value>;
  readonly run: () => void;
  /** Multiplications and other operations of one run. */
  readonly cost: number;
}

/**
 * The plan of a graph whose open axes are `rows` long; null when an operator is not known. Without
 * an arena, products are computed one number at a time.
 */
export function planOf(
  { graph }: OnnxModel,
  rows: number,
  arena: Arena | null = null,
): Plan | null {
  // Most models are told by their operators, before any weight is copied.
  if (!graph.nodes.every(isKnown)) return null;
  const values = new Map<string, Value>();
  for (const tensor of graph.initializers) {
    const value = constantOf(tensor);
    if (value !== null) values.set(tensor.name, value);
  }
  const inputs = new Map<string, Value>();
  for (const { name, elementType, shape } of graph.inputs) {
    const sizes = (shape ?? []).map((axis) => (typeof axis === 'number' && axis > 0 ? axis : rows));
    const value = bufferOf(elementType, sizes);
    if (shape === null || value === null) return null;
    values.set(name, value);
    inputs.set(name, value);
  }
  const steps: (() => void)[] = [];
  let cost = 0;
  for (const node of graph.nodes) {
    const own = node.inputs.map((name) => (name === '' ? null : (values.get(name) ?? undefined)));
    if (own.some((value) => value === undefined)) return null;
    const given = own.map((value) => value ?? null);
    const { attributes, operator } = node;
    const made = kernels[operator]?.({ node, attributes, inputs: given, arena });
    if (made === null || made === undefined) return null;
    const fixed = given.every((value) => value?.fixed !== false);
    values.set(node.outputs[0] ?? '', fixed ? { ...made.value, fixed } : made.value);
    if (fixed) made.run?.();
    if (fixed || made.run === null) continue;
    steps.push(made.run);
    cost += made.cost;
  }
  const outputs = new Map<string, Value>();
  for (const { name } of graph.outputs) {
    const value = values.get(name);
    if (value?.kind !== 'floats') return null;
    outputs.set(name, value);
  }
  return {
    inputs,
    outputs,
    cost,
    run: () => {
      for (const step of steps) step();
    },
  };
}

function isKnown({ operator, domain, outputs }: OnnxNode): boolean {
  return domain === '' && outputs.length === 1 && Object.hasOwn(kernels, operator);
}

function constantOf(tensor: OnnxTensor): Value | null {
  const { elementType, shape } = tensor;
  if (elementType === elementTypes.float32) {
    return { kind: 'floats', shape, data: floatsIn(tensor), fixed: true };
  }
  if (elementType !== elementTypes.int64 && elementType !== elementTypes.int32) return null;
  return { kind: 'integers', shape, data: Float64Array.from(intsIn(tensor)), fixed: true };
}

function bufferOf(elementType: number, shape: readonly number[]): Value | null {
  if (elementType === elementTypes.float32) return floats(shape);
  if (elementType !== elementTypes.int64) return null;
  return { kind: 'integers', shape, data: new Float64Array(sizeOf(shape)), fixed: false };
}
