/**
 * A run under way: epochs, steps, what is kept, and where it is. Every step draws from a stream
 * of its own, named by its number, so that a run goes on from any step without a stream's state.
 */
import type { Progress } from '@merlon/core';
import { HardenError } from '../error.ts';
import { batchOf } from './batch.ts';
import type { Position } from './checkpoint/format.ts';
import type { Arrays } from './checkpoint/memory.ts';
import type { Method, StepFigures } from './methods/method.ts';
import type { Network } from './network.ts';
import type { Average } from './optimizer/average.ts';
import { clip } from './optimizer/clip.ts';
import type { Optimizer } from './optimizer/optimizer.ts';
import { factorAt } from './optimizer/schedule.ts';
import type { TrainSettings } from './request.ts';
import { type Figures, validate } from './validate.ts';

/** A run; `at`, `kept` and the lists grow as it goes on. */
export interface Run {
  readonly settings: TrainSettings;
  readonly network: Network;
  readonly method: Method;
  readonly optimizer: Optimizer;
  readonly average: Average;
  /** Mean loss of each step. */
  readonly losses: number[];
  /** Figures after each epoch. */
  readonly validation: Figures[];
  at: Position;
  /** Weights of the epoch `at.kept`. */
  kept: Arrays | null;
  /** Weights of the last checkpoint. */
  sound: Arrays | null;
  /** Called after each step that was sound. */
  readonly afterStep: (run: Run) => Promise<void>;
}

/** Why a run ended, and what it leaves. */
export interface Ended {
  readonly weights: Arrays;
  readonly epoch: number;
  readonly ended: 'all-epochs' | 'patience' | 'diverged';
}

/** Steps of an epoch. */
export function stepsAnEpoch({ labels, batchSize }: TrainSettings): number {
  return Math.ceil(labels.length / batchSize);
}

/** Runs from where the run is to its end; throws `diverged` when there is nothing to keep. */
export async function runEpochs(run: Run): Promise<Ended> {
  const { epochs, patience } = run.settings;
  const end = (ended: Ended['ended']): Ended => {
    const { kept, sound, at } = run;
    if (kept !== null && at.kept !== null) return { weights: kept, epoch: at.kept.epoch, ended };
    if (sound !== null) return { weights: sound, epoch: 0, ended };
    const where = `at step ${run.losses.length} of the first epoch`;
    throw new HardenError('diverged', `the loss stopped being a number ${where}`, {
      hint: 'use a smaller learning rate',
    });
  };
  while (run.at.epoch <= epochs) {
    const { epoch } = run.at;
    const sound = await runEpoch(run);
    const weights = run.average.snapshot();
    if (!sound || !isSound(weights)) return end('diverged');
    await judge(run, weights);
    if (epoch - run.at.gainedEpoch >= patience) return end('patience');
    run.at = { ...run.at, epoch: epoch + 1, batch: 0, seen: 0, right: 0 };
  }
  return end('all-epochs');
}

/** Keeps the weights of an epoch when they are the best so far. */
async function judge(run: Run, weights: Arrays): Promise<void> {
  const { epoch, kept, gainedEpoch } = run.at;
  const figures = await measure(run, weights);
  if (figures !== null) run.validation.push(figures);
  const robust = figures?.robust ?? 0;
  const gained = kept === null || figures === null || robust > kept.robust;
  // Of equals the later is kept: it was trained at a greater radius.
  const keep = kept === null || robust >= kept.robust;
  if (keep) run.kept = weights;
  run.at = {
    ...run.at,
    gainedEpoch: gained ? epoch : gainedEpoch,
    kept: keep ? { epoch, robust } : kept,
  };
}

/** The rest of a pass over the data; false when the loss stopped being a number. */
async function runEpoch(run: Run): Promise<boolean> {
  const { settings, method, losses } = run;
  const { batchSize, labels, random, onProgress } = settings;
  const { epoch } = run.at;
  const perEpoch = stepsAnEpoch(settings);
  const order = random.fork(`epoch ${epoch}`).permutation(labels.length);
  while (run.at.batch < perEpoch) {
    settings.signal?.throwIfAborted();
    const from = run.at.batch * batchSize;
    const rows = method.draw?.(losses.length) ?? order.subarray(from, from + batchSize);
    const figures = await step(run, rows);
    losses.push(figures.loss);
    if (!Number.isFinite(figures.loss)) return false;
    const [seen, right] = [run.at.seen + rows.length, run.at.right + figures.right];
    run.at = { ...run.at, batch: run.at.batch + 1, seen, right };
    await run.afterStep(run);
    onProgress?.(progressOf(run));
  }
  return true;
}

/** How far a run is after a step. */
export function progressOf({ settings, losses, at }: Run): Progress {
  const { epoch, seen, right } = at;
  const accuracy = `accuracy ${((100 * right) / Math.max(1, seen)).toFixed(1)} %`;
  const note = `epoch ${epoch}, loss ${(losses.at(-1) ?? 0).toFixed(3)}, ${accuracy}`;
  const total = settings.epochs * stepsAnEpoch(settings);
  return { label: 'training', done: losses.length, total, note };
}

async function step(run: Run, rows: Uint32Array): Promise<StepFigures> {
  const { settings, network, method } = run;
  const { warmUp, epochs } = settings;
  const number = run.losses.length;
  const done = number / (epochs * stepsAnEpoch(settings));
  const grown = warmUp === 0 ? 1 : Math.min(1, done / warmUp);
  const rate = settings.learningRate * factorAt(settings.schedule, done);
  const random = settings.random.fork(`step ${number}`);
  const update = (gradients: Arrays): void => {
    clip(gradients, settings.gradientNormMax);
    run.optimizer(gradients, rate);
    run.average.add();
  };
  const context = { settings, network, random, step: number, grown, update };
  return method.step(context, batchOf(settings, rows));
}

/** Figures of the given weights on the validation rows, if there are such rows. */
async function measure({ settings, network, average }: Run, weights: Arrays) {
  const { validation, random } = settings;
  if (validation === undefined) return null;
  const present = average.present();
  putWeights(network, weights);
  try {
    // Its own stream, so that validating does not change what is trained.
    const context = { settings, network, step: 0, random: random.fork('validation') };
    return await validate(context, validation);
  } finally {
    putWeights(network, present);
  }
}

/** Copies weights into a network. */
export function putWeights(network: Network, weights: Arrays): void {
  for (const [name, { data }] of network.weights) data.set(weights.get(name) ?? data);
}

/** Whether every weight is a number. */
export function isSound(weights: Arrays): boolean {
  return [...weights.values()].every((data) => data.every((value) => Number.isFinite(value)));
}
