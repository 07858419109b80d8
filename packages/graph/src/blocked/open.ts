/**
 * Opens a gradient model in its fastest form. The blocked layout is built for this machine, shown
 * the same samples as the plain graph, and used only where both agree; else the plain graph runs.
 */

import { observe } from '../gradient/observe.ts';
import {
  floatsIn,
  floatTensor,
  ints,
  node,
  type OnnxModel,
  type OnnxTensor,
} from '../onnx/model.ts';
import { writeOnnx } from '../onnx/write.ts';
import { openSession } from '../runtime.ts';
import type { Session, SessionOptions } from '../session.ts';
import { isSmallModel, smallSession } from '../small/session.ts';
import { elementCount, type Tensor, type Tensors } from '../tensor.ts';
import { blockedLayout } from './layout.ts';

/** Blocks that the runtime's kernels use: 16 channels with AVX-512, 8 with AVX2 and NEON. */
const blocks = [16, 8];
/** Part of the greatest value by which sums in another order may differ. */
const toleranceMax = 1e-4;

let detected: Promise<number | null> | undefined;

/** Channels that stand together on this machine; null where the runtime has no blocked kernels. */
export function blockChannels(): Promise<number | null> {
  detected ??= detect();
  return detected;
}

/** Opens a model that was just made; the plain way is `openSession(writeOnnx(model))`. */
export type OpenModel = (
  model: OnnxModel,
  options?: SessionOptions,
  weights?: readonly OnnxTensor[],
) => Promise<Session>;

/**
 * A session of the model in its fastest form, with the same inputs and outputs. Inputs that are
 * weights are shown as they are in `weights`: made-up ones can drive the scores apart.
 */
export const openFastest: OpenModel = async (model, options = {}, weights = []) => {
  const isSmall = isSmallModel(model);
  // What a small model does is sooner done by one thread than shared out.
  const plain = await openSession(writeOnnx(model), isSmall ? { ...options, threads: 1 } : options);
  if (isSmall) {
    const small = smallSession(model, plain);
    return (await agree(plain, small, { shapes: smallShapes(model), weights })) ? small : plain;
  }
  // Only convolutions gain; other graphs need no second look.
  const convolves = model.graph.nodes.some(({ operator }) => operator === 'Conv');
  const block = convolves ? await blockChannels() : null;
  if (block === null) return plain;
  const observed = await observe(model, new Set());
  const { shapes } = observed;
  const blocked = blockedLayout(model, { ...observed, block });
  if (blocked === null) return plain;
  const fast = await openSession(writeOnnx(blocked), options).catch(() => null);
  if (fast === null) return plain;
  if (await agree(plain, fast, { shapes, weights })) {
    await plain.close();
    return fast;
  }
  await fast.close();
  return plain;
};

/** Shapes of a graph's inputs for two rows. */
function smallShapes({ graph }: OnnxModel): Map<string, number[]> {
  const sizes = (shape: OnnxModel['graph']['inputs'][number]['shape']): number[] =>
    (shape ?? []).map((axis) => (typeof axis === 'number' && axis > 0 ? axis : 2));
  return new Map(graph.inputs.map(({ name, shape }) => [name, sizes(shape)]));
}

/** Runs one blocked convolution next to a plain one for each size that a block may have. */
async function detect(): Promise<number | null> {
  for (const block of blocks) {
    const channels = 2 * block;
    const count = channels * channels;
    const weights = floatTensor('w', [channels, channels, 1, 1], numbers(count));
    const value = (name: string) => ({ name, elementType: 1, shape: ['N', channels, 3, 3] });
    const model: OnnxModel = {
      irVersion: 8,
      opsets: [{ domain: '', version: 15 }],
      producer: 'merlon',
      rest: new Uint8Array(0),
      graph: {
        name: 'block',
        nodes: [node('Conv', ['x', 'w'], ['y'], { kernel_shape: ints([1, 1]) })],
        initializers: [weights],
        inputs: [value('x')],
        outputs: [value('y')],
        values: [],
        rest: new Uint8Array(0),
      },
    };
    const shapes = new Map([
      ['w', [channels, channels, 1, 1]],
      ['x', [2, channels, 3, 3]],
      ['y', [2, channels, 3, 3]],
    ]);
    const constants = new Map([['w', weights]]);
    const blocked = blockedLayout(model, { shapes, single: shapes, constants, block });
    if (blocked === null) continue;
    const plain = await openSession(writeOnnx(model));
    const fast = await openSession(writeOnnx(blocked)).catch(() => null);
    const fits = fast !== null && (await agree(plain, fast, { shapes }));
    await Promise.all([plain.close(), fast?.close()]);
    if (fits) return block;
  }
  return null;
}

/** What both sessions are shown. */
interface Shown {
  readonly shapes: ReadonlyMap<string, readonly number[]>;
  readonly weights?: readonly OnnxTensor[];
}

/** True when two sessions answer the same samples alike. */
async function agree(plain: Session, fast: Session, of: Shown): Promise<boolean> {
  const { shapes, weights = [] } = of;
  const own = new Map(weights.map((tensor) => [tensor.name, tensor]));
  const feeds: Record<string, Tensor> = {};
  for (const [place, { name, type }] of plain.inputs.entries()) {
    const shape = shapes.get(name) ?? [];
    const count = elementCount(shape);
    const weight = own.get(name);
    // Weights that are not told stay small.
    const data =
      weight === undefined
        ? numbers(count).map((value) => (place === 0 ? value : (value - 0.5) / 5))
        : floatsIn(weight);
    if (type === 'float32') feeds[name] = { type, shape, data };
    else if (type === 'int64') feeds[name] = { type, shape, data: new BigInt64Array(count) };
    else return false;
  }
  const [expected, got] = [await plain.run(feeds), await fast.run(feeds)];
  return plain.outputs.every(({ name }) => isClose(expected, got, name));
}

function isClose(expected: Tensors, got: Tensors, name: string): boolean {
  const [left, right] = [expected[name]?.data, got[name]?.data];
  if (!(left instanceof Float32Array && right instanceof Float32Array)) return false;
  if (left.length !== right.length) return false;
  const scale = left.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
  return left.every(
    (value, i) => Math.abs(value - (right[i] ?? Number.NaN)) <= toleranceMax * scale,
  );
}

/** Numbers in [0, 1) without a pattern that convolutions would cancel. */
function numbers(count: number): Float32Array {
  return Float32Array.from({ length: count }, (_, i) => ((i * 7919) % 1009) / 1009);
}
