/**
 * Training of any differentiable ONNX model wholly in ONNX Runtime: the inner attack by graphs of
 * the input gradient, the outer step by graphs of the weight gradients, weights as inputs of both.
 * Batch normalisation keeps its statistics. The model's interface does not change.
 */
import type { OpenModel } from '@merlon/graph';
import type { Memory } from './checkpoint/memory.ts';
import { beginRun } from './checkpoint/resume.ts';
import type { Method } from './methods/method.ts';
import { methods } from './methods/table.ts';
import { type Network, openNetwork } from './network.ts';
import { averageOf } from './optimizer/average.ts';
import { optimizerOf } from './optimizer/choose.ts';
import { privateRun, privateStart } from './privacy/begin.ts';
import type { PrivacySpent } from './privacy/plan.ts';
import { checkFit, settingsOf, type TrainRequest, type TrainSettings } from './request.ts';
import { type Ended, type Run, runEpochs } from './run.ts';
import type { Figures } from './validate.ts';

/** The trained model and how it went. */
export interface TrainResult {
  /** The same model with other weights. */
  readonly model: Uint8Array;
  /** Mean loss of each step. */
  readonly losses: readonly number[];
  readonly steps: number;
  /** Figures on the validation rows after each epoch; empty without such rows. */
  readonly validation: readonly Figures[];
  /** The epoch whose weights the model has, from 1; 0 for the last checkpoint within the first. */
  readonly keptEpoch: number;
  /** Why training ended; after `diverged` the model is the last or best that was sound. */
  readonly ended: Ended['ended'];
  /** What private training spent of its promise. */
  readonly privacy?: PrivacySpent;
}

/**
 * Trains; repeats exactly from the same seed and threads. Throws `invalid-option`, `invalid-data`,
 * `diverged` when the loss stops being a number before there is an epoch or checkpoint to keep,
 * `bad-checkpoint` and `other-run` for what it is to go on from, what `gradientModel` throws, and
 * the signal's reason.
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
    const { memory, begun, afterStep } = beginRun(settings, network);
    const run: Run = {
      ...begun,
      settings,
      network,
      method: hidden?.method ?? methodOf(settings, network, memory),
      optimizer: optimizerOf(settings.optimizer, weights, settings, memory),
      average: averageOf(weights, settings.averaging, memory),
      afterStep,
    };
    const { weights: kept, epoch, ended } = await runEpochs(run);
    const { losses, validation } = run;
    return {
      model: network.file(kept),
      losses,
      steps: losses.length,
      validation,
      keptEpoch: epoch,
      ended,
      ...(hidden !== null && { privacy: hidden.spent(losses.length) }),
    };
  } finally {
    await network.close();
  }
}

function methodOf({ method }: TrainSettings, network: Network, memory: Memory): Method {
  if (method === 'dp-sgd') throw new TypeError('private training needs its noise');
  return methods[method](network, memory);
}
