/**
 * The model in training: its weights as plain arrays, and graphs that take them as inputs. Graphs
 * are made and opened when they are first asked for, so that a method pays for its own alone.
 */
import {
  type GradientModel,
  gradientModel,
  type OnnxModel,
  type OpenModel,
  readOnnx,
  type Session,
  type Tensor,
  type Tensors,
  writeOnnx,
} from '@merlon/graph';
import { HardenError } from '../error.ts';
import type { Batch, Rows } from './batch.ts';
import { scoresOnly, sharesInput, towardShares } from './graphs.ts';

/** Weights by their names; their data change in place. */
export type Weights = ReadonlyMap<string, Tensor & { readonly data: Float32Array }>;

/** A gradient by the weights, as long as they are. */
export type Gradients = ReadonlyMap<string, Float32Array>;

/** What a weight gradient was taken at. */
export interface Pass {
  /** Loss of each row. */
  readonly losses: Float32Array;
  /** Scores [N, K]. */
  readonly scores: Float32Array;
}

/** A model in training. */
export interface Network {
  readonly weights: Weights;
  /** Scores [N, K] of rows. */
  scores(rows: Rows): Promise<Float32Array>;
  /** Gradient of each row's cross-entropy by the row. */
  climb(batch: Batch): Promise<Float32Array>;
  /** Gradient of each row's KL(shares ‖ model) by the row; shares [N, K]. */
  climbFrom(rows: Rows, shares: Float32Array): Promise<Float32Array>;
  /** The mean cross-entropy's gradient by the weights, written into `into`. */
  gradient(batch: Batch, into: Gradients): Promise<Pass>;
  /** The gradient of the mean of scores · cotangent, written into `into`. */
  pull(rows: Rows, cotangent: Float32Array, into: Gradients): Promise<void>;
  /** Zeros as long as the weights. */
  zeros(): Gradients;
  /** The ONNX file with the given weights. */
  file(weights: ReadonlyMap<string, Float32Array>): Uint8Array;
  /** The scores' session, to see what the model takes and gives. */
  session(): Promise<Session>;
  close(): Promise<void>;
}

type Kind = 'scores' | 'climb' | 'climbFrom' | 'gradient' | 'pull';

/** Opens a model for training; throws what `gradientModel` throws. */
export async function openNetwork(
  bytes: Uint8Array,
  openModel: OpenModel,
  threads: number,
): Promise<Network> {
  const model = readOnnx(bytes);
  const state = await gradientModel(model, { weights: 'state' });
  const weights = weightsOf(state);
  const opened = new Map<Kind, Promise<Session>>();
  const session = (kind: Kind): Promise<Session> => {
    const known = opened.get(kind) ?? graphFor(kind, model, state).then(open);
    opened.set(kind, known);
    return known;
  };
  const open = (graph: OnnxModel): Promise<Session> => openModel(graph, { threads }, state.weights);
  const input = state.model.graph.inputs[0]?.name ?? '';
  const feedsOf = ({ x, shape }: Rows, more: Tensors): Tensors => {
    return { [input]: floatsAs(shape, x), ...Object.fromEntries(weights), ...more };
  };
  const run = async (kind: Kind, rows: Rows, of: { more?: Tensors; into?: Gradients }) => {
    const { more = {}, into } = of;
    const { run: runIn } = await session(kind);
    return into === undefined
      ? runIn(feedsOf(rows, more), [kind === 'scores' ? 'merlon_scores' : 'merlon_gradient'])
      : runIn(feedsOf(rows, more), undefined, placesIn(into, weights));
  };
  return {
    weights,
    scores: async (rows) => floats((await run('scores', rows, {})).merlon_scores),
    climb: async (batch) => {
      return floats((await run('climb', batch, { more: labelled(batch) })).merlon_gradient);
    },
    climbFrom: async (rows, shares) => {
      const more = { [sharesInput]: floatsAs(perRow(rows, shares), shares) };
      return floats((await run('climbFrom', rows, { more })).merlon_gradient);
    },
    gradient: async (batch, into) => {
      const out = await run('gradient', batch, { more: labelled(batch), into });
      return { losses: floats(out.merlon_loss), scores: floats(out.merlon_scores) };
    },
    pull: async (rows, cotangent, into) => {
      const more = { merlon_cotangent: floatsAs(perRow(rows, cotangent), cotangent) };
      await run('pull', rows, { more, into });
    },
    zeros: () => new Map([...weights].map(([name, { data }]) => [name, data.map(() => 0)])),
    file: (trained) => writeOnnx(withWeights(model, trained)),
    session: () => session('scores'),
    close: async () => {
      for (const each of await Promise.allSettled(opened.values())) {
        if (each.status === 'fulfilled') await each.value.close();
      }
    },
  };
}

async function graphFor(kind: Kind, model: OnnxModel, state: GradientModel): Promise<OnnxModel> {
  if (kind === 'scores') return scoresOnly(state.model);
  if (kind === 'climb') return state.model;
  if (kind === 'climbFrom') {
    const linear = await gradientModel(model, { weights: 'state', loss: 'linear' });
    return towardShares(linear.model);
  }
  const loss = kind === 'gradient' ? 'cross-entropy' : 'linear';
  return (await gradientModel(model, { weights: 'train', loss })).model;
}

function weightsOf({ weights }: GradientModel): Weights {
  if (weights.length === 0) {
    throw new HardenError('invalid-data', 'the model has no float weights to train', {
      hint: 'harden it by guards, or train the float32 model that it was made from',
    });
  }
  return new Map(
    weights.map(({ name, shape, data }) => {
      const values = new Float32Array(data.slice().buffer);
      return [name, { type: 'float32', shape, data: values }] as const;
    }),
  );
}

function placesIn(into: Gradients, weights: Weights): Tensors {
  return Object.fromEntries(
    [...into].map(([name, data]) => {
      return [`merlon_gradient/${name}`, floatsAs(weights.get(name)?.shape ?? [], data)];
    }),
  );
}

function withWeights(model: OnnxModel, weights: ReadonlyMap<string, Float32Array>): OnnxModel {
  const initializers = model.graph.initializers.map((each) => {
    const trained = weights.get(each.name);
    if (trained === undefined) return each;
    const { buffer, byteOffset, byteLength } = trained;
    return { ...each, data: new Uint8Array(buffer, byteOffset, byteLength) };
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

function labelled({ labels }: Batch): Tensors {
  const data = BigInt64Array.from(labels, BigInt);
  return { merlon_labels: { type: 'int64', shape: [labels.length], data } };
}

function perRow({ shape: [rows = 1] }: Rows, values: Float32Array): number[] {
  return [rows, values.length / Math.max(1, rows)];
}

function floatsAs(shape: readonly number[], data: Float32Array): Tensor {
  return { type: 'float32', shape, data };
}

function floats(value: Tensor | undefined): Float32Array {
  if (value?.data instanceof Float32Array) return value.data;
  throw new HardenError('invalid-data', 'the gradient model gave no floats');
}
