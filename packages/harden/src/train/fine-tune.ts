/**
 * Adversarial fine-tuning (Madry et al. 2018) wholly in ONNX Runtime: the inner attack by a graph
 * of the input gradient, the outer step by a graph of the weight gradients, weights as inputs of
 * both. Batch normalisation keeps its statistics. The model's interface does not change.
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
import { checkFit, checkRequest, type FineTuneRequest } from './request.ts';
import { momentumStep } from './sgd.ts';

/** The hardened model and how it went. */
export interface FineTuneResult {
  /** The same model with other weights. */
  readonly model: Uint8Array;
  /** Mean adversarial loss of each step. */
  readonly losses: readonly number[];
  readonly steps: number;
}

interface Trainer {
  readonly request: FineTuneRequest;
  readonly attack: Session;
  readonly train: Session;
  readonly input: string;
  readonly weights: ReadonlyMap<string, Tensor & { readonly data: Float32Array }>;
  readonly velocity: ReadonlyMap<string, Float32Array>;
  /** Where the gradients of a step are written. */
  readonly into: Tensors;
}

interface TrainingBatch {
  readonly x: Float32Array;
  readonly labels: Tensor;
  readonly shape: readonly number[];
  /** Rows from here on are attacked; those before stay clean. */
  readonly attackedFrom: number;
}

/**
 * Trains; repeats exactly from the same seed and threads. Throws `invalid-option`, `invalid-data`,
 * `diverged` when the loss stops being a number, what `gradientModel` throws, and the signal's
 * reason when it is aborted.
 */
export async function adversarialFineTune(
  request: FineTuneRequest,
  openModel: OpenModel,
): Promise<FineTuneResult> {
  checkRequest(request);
  request.signal?.throwIfAborted();
  const model = readOnnx(request.model);
  const state = await gradientModel(model, { weights: 'state' });
  const training = await gradientModel(model, { weights: 'train' });
  const { threads } = request;
  const attack = await openModel(state.model, { threads }, state.weights);
  const train = await openModel(training.model, { threads }, training.weights);
  try {
    checkFit(request, attack);
    const weights = weightsOf(training);
    const velocity = new Map(
      [...weights].map(([n, { data }]) => [n, new Float32Array(data.length)]),
    );
    const input = attack.inputs[0]?.name ?? '';
    const into = gradientsInto(weights);
    const losses = await run({ request, attack, train, input, weights, velocity, into });
    return { model: writeOnnx(withWeights(model, weights)), losses, steps: losses.length };
  } finally {
    await attack.close();
    await train.close();
  }
}

async function run(trainer: Trainer): Promise<number[]> {
  const { request } = trainer;
  const { epochs, batchSize, labels, random, epsilon, onProgress } = request;
  const perEpoch = Math.ceil(labels.length / batchSize);
  const total = epochs * perEpoch;
  const losses: number[] = [];
  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.permutation(labels.length);
    for (let b = 0; b < perEpoch; b++) {
      const done = losses.length / total;
      const grown = request.warmUp === 0 ? 1 : Math.min(1, done / request.warmUp);
      const batch = batchOf(request, order.subarray(b * batchSize, (b + 1) * batchSize));
      await perturb(trainer, batch, epsilon * grown);
      const loss = await step(trainer, batch, request.learningRate * (1 - 0.95 * done));
      if (!Number.isFinite(loss)) {
        throw new HardenError('diverged', `the loss became ${loss} at step ${losses.length + 1}`, {
          hint: 'use a smaller learning rate',
        });
      }
      losses.push(loss);
      const note = `loss ${loss.toFixed(3)}`;
      onProgress?.({ label: 'training', done: losses.length, total, note });
    }
  }
  return losses;
}

function batchOf(request: FineTuneRequest, rows: Uint32Array): TrainingBatch {
  const size = request.x.length / request.labels.length;
  const x = new Float32Array(rows.length * size);
  const labels = new BigInt64Array(rows.length);
  for (const [i, row] of rows.entries()) {
    x.set(request.x.subarray(row * size, (row + 1) * size), i * size);
    labels[i] = BigInt(request.labels[row] ?? 0);
  }
  return {
    x,
    labels: { type: 'int64', shape: [rows.length], data: labels },
    shape: [rows.length, ...request.shape.slice(1)],
    attackedFrom: Math.round(request.cleanShare * rows.length) * size,
  };
}

/** PGD from a random start, in place. */
async function perturb(trainer: Trainer, batch: TrainingBatch, epsilon: number): Promise<void> {
  const { request, attack, input, weights } = trainer;
  const { random, attackSteps, bounds } = request;
  const [least, most] = bounds;
  const { x, attackedFrom } = batch;
  const clean = x.slice();
  const alpha = request.epsilon === 0 ? 0 : (request.stepSize * epsilon) / request.epsilon;
  for (let i = attackedFrom; i < x.length; i++) {
    const moved = (clean[i] ?? 0) + epsilon * (2 * random.uniform() - 1);
    x[i] = Math.max(least, Math.min(most, moved));
  }
  for (let s = 0; s < attackSteps; s++) {
    request.signal?.throwIfAborted();
    const feeds = { [input]: tensor(x, batch.shape), merlon_labels: batch.labels };
    const out = await attack.run({ ...feeds, ...Object.fromEntries(weights) }, ['merlon_gradient']);
    const gradient = floats(out.merlon_gradient);
    for (let i = attackedFrom; i < x.length; i++) {
      const from = clean[i] ?? 0;
      const moved = (x[i] ?? 0) + alpha * Math.sign(gradient[i] ?? 0);
      const inside = Math.max(from - epsilon, Math.min(from + epsilon, moved));
      x[i] = Math.max(least, Math.min(most, inside));
    }
  }
}

/** One step on a batch; returns the mean loss. */
async function step(trainer: Trainer, batch: TrainingBatch, rate: number): Promise<number> {
  const { train, input, weights, velocity, request } = trainer;
  const feeds = { [input]: tensor(batch.x, batch.shape), merlon_labels: batch.labels };
  const given = { ...feeds, ...Object.fromEntries(weights) };
  const out = await train.run(given, undefined, trainer.into);
  const gradients = new Map(
    [...weights.keys()].map((name) => [name, floats(out[gradientName(name)])]),
  );
  const { momentum, weightDecay } = request;
  momentumStep({ weights, velocity, gradients }, { rate, momentum, weightDecay });
  const losses = floats(out.merlon_loss);
  return losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
}

function gradientName(weight: string): string {
  return `merlon_gradient/${weight}`;
}

function gradientsInto(weights: Trainer['weights']): Tensors {
  return Object.fromEntries(
    [...weights].map(([name, { type, shape, data }]) => {
      return [gradientName(name), { type, shape, data: new Float32Array(data.length) }];
    }),
  );
}

function weightsOf({ weights }: GradientModel): Trainer['weights'] {
  return new Map(
    weights.map(({ name, shape, data }) => {
      const values = new Float32Array(data.slice().buffer);
      return [name, { type: 'float32', shape, data: values }] as const;
    }),
  );
}

function withWeights(model: OnnxModel, weights: Trainer['weights']): OnnxModel {
  const initializers = model.graph.initializers.map((each) => {
    const trained = weights.get(each.name);
    if (trained === undefined) return each;
    const { buffer, byteOffset, byteLength } = trained.data;
    return { ...each, data: new Uint8Array(buffer, byteOffset, byteLength) };
  });
  return { ...model, graph: { ...model.graph, initializers } };
}

function tensor(data: Float32Array, shape: readonly number[]): Tensor {
  return { type: 'float32', shape, data };
}

function floats(value: Tensor | undefined): Float32Array {
  if (value?.data instanceof Float32Array) return value.data;
  throw new HardenError('invalid-data', 'the gradient model gave no floats');
}
