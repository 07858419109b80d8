/** Shapes and constants by observation: the model runs with every intermediate value as output. */
import { GraphError, invalidModel } from '../error.ts';
import { elementTypes, type OnnxModel, type OnnxNode, type OnnxTensor } from '../onnx/model.ts';
import { writeOnnx } from '../onnx/write.ts';
import { openSession } from '../runtime.ts';
import type { Session } from '../session.ts';
import { elementCount, type Tensor, type Tensors, type TensorType } from '../tensor.ts';
import type { Shape } from './emitter.ts';
import { captured } from './forward.ts';

/** Rows of the first observation: not one, so that a batch is never taken for a stretched axis. */
const observedRows = 2;

/** Inputs that a gradient model adds, such as labels, are whole numbers; zeros will do. */
const addedPrefix = 'merlon_';

/** What is known of the values of a graph. */
export interface Observation {
  /** Shapes with as many rows as were observed first. */
  readonly shapes: ReadonlyMap<string, Shape>;
  /** Shapes with a single row; the same where the number of rows is fixed. */
  readonly single: ReadonlyMap<string, Shape>;
  /** Numbers of the element types. */
  readonly types: ReadonlyMap<string, number>;
  /** Computed values that depend on neither the input nor the number of rows. */
  readonly constants: ReadonlyMap<string, OnnxTensor>;
  /** The number of rows that the model is bound to, or null for any. */
  readonly rows: number | null;
}

/**
 * Runs the model with one row, and with two where it leaves their number open and can run so.
 * `weights` are initializers that count as inputs. Throws when the model cannot be run.
 */
export async function observe(
  model: OnnxModel,
  weights: ReadonlySet<string>,
): Promise<Observation> {
  const { graph } = model;
  const own = new Set(graph.outputs.map((output) => output.name));
  const names = graph.nodes
    .filter((node) => !holdsSequence(node))
    .flatMap((node) => node.outputs)
    .filter((name) => name !== '');
  const untyped = names
    .filter((name) => !own.has(name))
    .map((name) => ({ name, elementType: 0, shape: null, rawType: new Uint8Array(0) }));
  const all = { ...model, graph: { ...graph, outputs: [...graph.outputs, ...untyped] } };
  const session = await openSession(writeOnnx(all), { optimize: false });
  try {
    const [input] = modelInputs(model);
    const open = typeof input?.shape?.[0] !== 'number' || input.shape[0] < 1;
    const { first, second } = await runs(session, model, open);
    return observation(model, { first, second, weights, open });
  } finally {
    await session.close();
  }
}

async function runs(
  session: Session,
  model: OnnxModel,
  open: boolean,
): Promise<{ readonly first: Tensors; readonly second: Tensors | null }> {
  const run = async (rows: number): Promise<Tensors> => {
    const feeds = feedsOf(model, rows);
    return { ...feeds, ...(await session.run(feeds)) };
  };
  const single = await run(1);
  if (!open) return { first: single, second: null };
  try {
    return { first: await run(observedRows), second: single };
  } catch (error) {
    // Some exporters write the one row they traced into the graph, but leave the axis open.
    if (!(error instanceof GraphError) || error.code !== 'runtime-failed') throw error;
    return { first: single, second: null };
  }
}

function feedsOf(model: OnnxModel, rows: number): Tensors {
  const feeds: Record<string, Tensor> = {};
  for (const input of modelInputs(model)) {
    const shape = (input.shape ?? []).map((axis, i) => {
      if (typeof axis === 'number' && axis > 0) return axis;
      if (i === 0) return rows;
      throw new GraphError('shape-mismatch', `input "${input.name}" leaves axis ${i} open`, {
        hint: 'export the model with fixed sizes but for the batch, or give its input shape',
      });
    });
    if (input.elementType === elementTypes.int64 && input.name.startsWith(addedPrefix)) {
      feeds[input.name] = { type: 'int64', shape, data: new BigInt64Array(elementCount(shape)) };
      continue;
    }
    if (input.elementType !== elementTypes.float32 || shape.length === 0) {
      const why = 'expected float32 with the rows as first axis';
      throw new GraphError('shape-mismatch', `input "${input.name}" ${why}`);
    }
    const data = new Float32Array(elementCount(shape)).map((_, i) => ((i * 37) % 97) / 97);
    feeds[input.name] = { type: 'float32', shape, data };
  }
  return feeds;
}

function observation(
  model: OnnxModel,
  of: {
    readonly first: Tensors;
    readonly second: Tensors | null;
    readonly weights: ReadonlySet<string>;
    readonly open: boolean;
  },
): Observation {
  const { first, second, weights, open } = of;
  const shapes = new Map<string, Shape>();
  const single = new Map<string, Shape>();
  const types = new Map<string, number>();
  const constants = new Map<string, OnnxTensor>();
  for (const tensor of model.graph.initializers) {
    shapes.set(tensor.name, tensor.shape);
    single.set(tensor.name, tensor.shape);
    types.set(tensor.name, tensor.elementType);
    if (!weights.has(tensor.name)) constants.set(tensor.name, tensor);
  }
  const varying = varyingValues(model, weights);
  for (const [name, tensor] of Object.entries(first)) {
    const other = second?.[name] ?? tensor;
    shapes.set(name, tensor.shape);
    single.set(name, other.shape);
    types.set(name, typeNumbers[tensor.type]);
    if (varying.has(name) || !equal(tensor, other)) continue;
    const kept = tensorOf(name, tensor);
    if (kept !== null) constants.set(name, kept);
  }
  const rows =
    open && second !== null ? null : (shapes.get(modelInputs(model)[0]?.name ?? '')?.[0] ?? 1);
  return { shapes, single, types, constants, rows };
}

const random = /^(Random|Bernoulli|Multinomial)/;

/** Values that depend on elements of an input (sizes of an input are no elements). */
function varyingValues(model: OnnxModel, weights: ReadonlySet<string>): ReadonlySet<string> {
  const varying = new Set([...modelInputs(model).map(({ name }) => name), ...weights]);
  for (const node of model.graph.nodes) {
    if (node.operator === 'Shape' || node.operator === 'Size') continue;
    const reached = [...node.inputs, ...captured(node)].some((name) => varying.has(name));
    if (!reached && !random.test(node.operator)) continue;
    for (const output of node.outputs) varying.add(output);
  }
  return varying;
}

const typeNumbers: Readonly<Record<TensorType, number>> = elementTypes;

function equal(a: Tensor, b: Tensor): boolean {
  if (a === b) return true;
  if (a.shape.join() !== b.shape.join()) return false;
  const [left, right] = [bytesOf(a), bytesOf(b)];
  return left !== null && right !== null && Buffer.compare(left, right) === 0;
}

function bytesOf({ data }: Tensor): Uint8Array | null {
  if (!ArrayBuffer.isView(data)) return null;
  return new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
}

function tensorOf(name: string, tensor: Tensor): OnnxTensor | null {
  const data = bytesOf(tensor)?.slice();
  if (data === undefined) return null;
  const { type, shape } = tensor;
  return { name, elementType: typeNumbers[type], shape, data, rest: new Uint8Array(0) };
}

/** Operators whose results are no tensors, which a session cannot hand out. */
function holdsSequence({ operator }: OnnxNode): boolean {
  return /^(Sequence(?!At|Length)|SplitToSequence|Optional|ZipMap)/.test(operator);
}

/** Inputs that are not constants with a default. */
export function modelInputs({ graph }: OnnxModel): OnnxModel['graph']['inputs'] {
  const constants = new Set(graph.initializers.map((tensor) => tensor.name));
  const inputs = graph.inputs.filter((input) => !constants.has(input.name));
  if (inputs.length === 0) throw invalidModel('it has no inputs');
  return inputs;
}
