/**
 * Shadow models for membership inference (Shokri et al. 2017; halves as in Carlini et al. 2022,
 * section IV): the architecture of an ONNX model trained anew, each time on another half of the
 * rows, and what each says of all of them.
 */
import { classifier, membershipSignals } from '@merlon/attack';
import type { OnProgress, Random } from '@merlon/core';
import { type OpenModel, readOnnx } from '@merlon/graph';
import { HardenError } from '../error.ts';
import { type Batch, batchOf } from '../train/batch.ts';
import { freshModel } from '../train/fresh.ts';
import { openNetwork } from '../train/network.ts';
import type { OptimizerName } from '../train/optimizer/optimizer.ts';
import { train } from '../train/train.ts';

/** How shadow models are trained: as the model in question was, as far as that is known. */
export interface ShadowRequest extends Batch {
  /** The ONNX file; its weights are drawn anew and never used. */
  readonly model: Uint8Array;
  /** Models to train; even, 4 or more. Each row is in half of them. */
  readonly models: number;
  readonly epochs: number;
  readonly batchSize: number;
  readonly learningRate: number;
  /** Default `sgd`. */
  readonly optimizer?: OptimizerName;
  readonly weightDecay?: number;
  readonly random: Random;
  readonly threads: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
}

/** What shadow models say of rows. */
export interface Shadows {
  /** The logit of the right class's share, [models][rows]. */
  readonly logits: readonly Float64Array[];
  /** 1 where the model was trained on the row, [models][rows]. */
  readonly inside: readonly Uint8Array[];
}

/**
 * Trains shadow models one after the other; repeats exactly from the same seed and threads. Costs
 * `models` trainings on half of the rows. Throws `invalid-option`, `invalid-data` naming a weight
 * that cannot be drawn anew, and what `train` throws.
 */
export async function trainShadows(request: ShadowRequest, openModel: OpenModel): Promise<Shadows> {
  const { models, random, labels, onProgress } = request;
  if (!(Number.isInteger(models) && models >= 4 && models % 2 === 0)) {
    const got = `expected an even number from 4, got ${models}`;
    throw new HardenError('invalid-option', `"models" ${got}`);
  }
  await checkFresh(request, openModel);
  const inside = halves(labels.length, models, random.fork('halves'));
  const logits: Float64Array[] = [];
  for (const [number, own] of inside.entries()) {
    request.signal?.throwIfAborted();
    onProgress?.({ label: 'training shadow models', done: number, total: models });
    logits.push(await shadowLogits(request, { number, own }, openModel));
  }
  onProgress?.({ label: 'training shadow models', done: models, total: models });
  return { logits, inside };
}

async function shadowLogits(
  request: ShadowRequest,
  { number, own }: { readonly number: number; readonly own: Uint8Array },
  openModel: OpenModel,
): Promise<Float64Array> {
  const { x, labels, shape, threads, signal } = request;
  const trained = await trainOne(request, { rows: positionsIn(own), number }, openModel);
  const session = await openModel(readOnnx(trained), { threads });
  try {
    const model = classifier(session, { inputShape: shape.slice(1), ...(signal && { signal }) });
    return (await membershipSignals(model, { x, labels })).logits;
  } finally {
    await session.close();
  }
}

/** One model with fresh weights, trained plainly on some of the rows. */
async function trainOne(
  request: ShadowRequest,
  { rows, number }: { readonly rows: Uint32Array; readonly number: number },
  openModel: OpenModel,
): Promise<Uint8Array> {
  const { epochs, batchSize, learningRate, optimizer, weightDecay, threads, signal } = request;
  const random = request.random.fork(`model ${number}`);
  const { model } = freshModel(request.model, random.fork('weights'));
  const how = { epochs, learningRate, threads, ...(signal && { signal }) };
  const done = await train(
    {
      ...how,
      ...batchOf(request, rows),
      ...(optimizer !== undefined && { optimizer }),
      ...(weightDecay !== undefined && { weightDecay }),
      batchSize: Math.min(batchSize, rows.length),
      model,
      // Training under noise of no length is plain training.
      method: 'noise',
      sigma: 0,
      random: random.fork('training'),
    },
    openModel,
  );
  return done.model;
}

/** For each model which rows it is trained on; every row is in exactly half of the models. */
function halves(rows: number, models: number, random: Random): Uint8Array[] {
  const inside = Array.from({ length: models }, () => new Uint8Array(rows));
  for (let row = 0; row < rows; row++) {
    for (const model of random.permutation(models).subarray(0, models / 2)) {
      const own = inside[model];
      if (own !== undefined) own[row] = 1;
    }
  }
  return inside;
}

/** A weight that is kept would have learnt rows that a shadow model must not know. */
async function checkFresh({ model, random, threads }: ShadowRequest, openModel: OpenModel) {
  const { begun } = freshModel(model, random.fork('check'));
  const network = await openNetwork(model, openModel, threads);
  await network.close();
  const kept = [...network.weights.keys()].find((name) => !begun.has(name));
  if (kept === undefined) return;
  throw new HardenError('invalid-data', `weight "${kept}" cannot be drawn anew`, {
    hint: 'shadow models need an architecture whose layers are known',
  });
}

function positionsIn(own: Uint8Array): Uint32Array {
  return Uint32Array.from([...own.keys()].filter((row) => own[row] === 1));
}
