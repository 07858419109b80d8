/**
 * Training of any differentiable ONNX model wholly in ONNX Runtime: the inner attack by graphs of
 * the input gradient, the outer step by graphs of the weight gradients, weights as inputs of both.
 * Batch normalisation keeps its statistics. The model's interface does not change.
 */
import type { OpenModel } from '@merlon/graph';
import { HardenError } from '../error.ts';
import { batchOf } from './batch.ts';
import type { Method, StepFigures } from './methods/method.ts';
import { methods } from './methods/table.ts';
import { type Network, openNetwork } from './network.ts';
import { type Average, averageOf } from './optimizer/average.ts';
import { optimizerOf } from './optimizer/choose.ts';
import { clip } from './optimizer/clip.ts';
import type { Optimizer } from './optimizer/optimizer.ts';
import { factorAt } from './optimizer/schedule.ts';
import { privateRun, privateStart } from './privacy/begin.ts';
import type { PrivacySpent } from './privacy/plan.ts';
import { checkFit, settingsOf, type TrainRequest, type TrainSettings } from './request.ts';
import { type Figures, validate } from './validate.ts';

/** The trained model and how it went. */
export interface TrainResult {
  /** The same model with other weights. */
  readonly model: Uint8Array;
  /** Mean loss of each step. */
  readonly losses: readonly number[];
  readonly steps: number;
  /** Figures on the validation rows after each epoch; empty without such rows. */
  readonly validation: readonly Figures[];
  /** The epoch whose weights the model has, from 1. */
  readonly keptEpoch: number;
  /** Why training ended; after `diverged` the model is the last or best that was sound. */
  readonly ended: 'all-epochs' | 'patience' | 'diverged';
  /** What private training spent of its promise. */
  readonly privacy?: PrivacySpent;
}

/** A run under way. */
interface Run {
  readonly settings: TrainSettings;
  readonly network: Network;
  readonly method: Method;
  readonly optimizer: Optimizer;
  readonly average: Average;
  readonly losses: number[];
  readonly validation: Figures[];
}

/** Weights that are worth keeping. */
interface Kept {
  readonly weights: ReadonlyMap<string, Float32Array>;
  readonly epoch: number;
  readonly robust: number;
}

/**
 * Trains; repeats exactly from the same seed and threads. Throws `invalid-option`, `invalid-data`,
 * `diverged` when the loss stops being a number before the first epoch ends, what `gradientModel`
 * throws, and the signal's reason when it is aborted.
 */
export async function train(request: TrainRequest, openModel: OpenModel): Promise<TrainResult> {
  const settings = settingsOf(request);
  settings.signal?.throwIfAborted();
  const isPrivate = settings.method === 'dp-sgd';
  const start = isPrivate ? privateStart(settings, settings.random.fork('weights')) : settings;
  const network = await openNetwork(start.model, openModel, settings.threads);
  try {
    checkFit(settings, await network.session());
    if ('check' in start) start.check(network);
    const { weights } = network;
    const hidden = isPrivate ? privateRun(network, settings) : null;
    const run: Run = {
      settings,
      network,
      method: hidden?.method ?? methodOf(settings, network),
      optimizer: optimizerOf(settings.optimizer, weights, settings),
      average: averageOf(weights, settings.averaging),
      losses: [],
      validation: [],
    };
    const { kept, ended } = await runEpochs(run);
    const { losses, validation } = run;
    return {
      model: network.file(kept.weights),
      losses,
      steps: losses.length,
      validation,
      keptEpoch: kept.epoch,
      ended,
      ...(hidden !== null && { privacy: hidden.spent(losses.length) }),
    };
  } finally {
    await network.close();
  }
}

function methodOf({ method }: TrainSettings, network: Network): Method {
  if (method === 'dp-sgd') throw new TypeError('private training needs its noise');
  return methods[method](network);
}

async function runEpochs(run: Run): Promise<{ kept: Kept; ended: TrainResult['ended'] }> {
  const { epochs, patience } = run.settings;
  let kept: Kept | null = null;
  let gainedEpoch = 1;
  for (let epoch = 1; epoch <= epochs; epoch++) {
    const sound = await runEpoch(run, epoch);
    const weights = run.average.snapshot();
    if (!sound || !isSound(weights)) {
      if (kept !== null) return { kept, ended: 'diverged' };
      const at = `at step ${run.losses.length} of the first epoch`;
      throw new HardenError('diverged', `the loss stopped being a number ${at}`, {
        hint: 'use a smaller learning rate',
      });
    }
    const figures = await measure(run, weights);
    if (figures !== null) run.validation.push(figures);
    const robust = figures?.robust ?? 0;
    if (kept === null || figures === null || robust > kept.robust) gainedEpoch = epoch;
    // Of equals the later is kept: it was trained at a greater radius.
    if (kept === null || robust >= kept.robust) kept = { weights, epoch, robust };
    if (epoch - gainedEpoch >= patience) return { kept, ended: 'patience' };
  }
  if (kept === null) throw new HardenError('invalid-option', '"epochs" expected 1 or more');
  return { kept, ended: 'all-epochs' };
}

/** One pass over the data; false when the loss stopped being a number. */
async function runEpoch(run: Run, epoch: number): Promise<boolean> {
  const { settings, method, losses } = run;
  const { batchSize, labels, random, epochs, onProgress } = settings;
  const perEpoch = Math.ceil(labels.length / batchSize);
  const order = random.permutation(labels.length);
  let [right, seen] = [0, 0];
  for (let b = 0; b < perEpoch; b++) {
    settings.signal?.throwIfAborted();
    const rows = method.draw?.() ?? order.subarray(b * batchSize, (b + 1) * batchSize);
    const figures = await step(run, rows);
    losses.push(figures.loss);
    if (!Number.isFinite(figures.loss)) return false;
    right += figures.right;
    seen += rows.length;
    const accuracy = `accuracy ${((100 * right) / Math.max(1, seen)).toFixed(1)} %`;
    const note = `epoch ${epoch}, loss ${figures.loss.toFixed(3)}, ${accuracy}`;
    onProgress?.({ label: 'training', done: losses.length, total: epochs * perEpoch, note });
  }
  return true;
}

async function step(run: Run, rows: Uint32Array): Promise<StepFigures> {
  const { settings, network, method } = run;
  const { warmUp, epochs, labels, batchSize, random } = settings;
  const done = run.losses.length / (epochs * Math.ceil(labels.length / batchSize));
  const grown = warmUp === 0 ? 1 : Math.min(1, done / warmUp);
  const rate = settings.learningRate * factorAt(settings.schedule, done);
  const epsilon = settings.epsilon * grown;
  const update = (gradients: ReadonlyMap<string, Float32Array>): void => {
    clip(gradients, settings.gradientNormMax);
    run.optimizer(gradients, rate);
    run.average.add();
  };
  const context = { settings, network, random, epsilon, update };
  return method.step(context, batchOf(settings, rows));
}

/** Figures of the given weights on the validation rows, if there are such rows. */
async function measure(
  { settings, network }: Run,
  weights: ReadonlyMap<string, Float32Array>,
): Promise<Figures | null> {
  const { validation, random } = settings;
  if (validation === undefined) return null;
  const present = averageOf(network.weights, 0).snapshot();
  put(network, weights);
  try {
    // Its own stream, so that validating does not change what is trained.
    return await validate({ settings, network, random: random.fork('validation') }, validation);
  } finally {
    put(network, present);
  }
}

function put(network: Network, weights: ReadonlyMap<string, Float32Array>): void {
  for (const [name, { data }] of network.weights) data.set(weights.get(name) ?? data);
}

function isSound(weights: ReadonlyMap<string, Float32Array>): boolean {
  return [...weights.values()].every((data) => data.every((value) => Number.isFinite(value)));
}
