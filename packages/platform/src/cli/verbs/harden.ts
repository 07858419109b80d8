/**
 * `harden`: a model is trained into one that withstands more, or that hides its training rows. A
 * run that is killed goes on from its checkpoint, which lies beside the file to be written.
 */
import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { MerlonError, utf8 } from '@merlon/core';
import {
  optimizers,
  type PrivacyGoal,
  parseSchedule,
  type TrainingProgress,
  trainingMethods,
} from '@merlon/harden';
import type { AssessOutput } from '../../confine/tasks/assess.ts';
import type { HardenOutput } from '../../confine/tasks/harden.ts';
import { divergedBecause, figuresOf, judgingOptions } from '../../harden/figures.ts';
import { checkpointEvery, clipNormUsual, deltaUsual, usualNumbers } from '../../harden/options.ts';
import { hardenReport } from '../../harden/report.ts';
import { once, readBytes, writeChunks } from '../files.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal, Verb } from '../verb.ts';
import { callWorker, modelOptions, percent, threads } from './worker-call.ts';

/** Trains a hardened version of a model. */
export const hardenVerb: Verb = {
  name: 'harden',
  usage: 'MODEL --data DATA --method pgd-at|trades|mart|dp-sgd|… [--epsilon E] -o OUT.onnx',
  does: 'trains a hardened version of a model',
  options: {
    ...modelOptions,
    method: { type: 'string', help: `${trainingMethods.join(', ')} (default pgd-at)` },
    epochs: { type: 'string', help: 'passes over the data (default 4; dp-sgd 12)' },
    'batch-size': { type: 'string', help: 'rows a step (default 50; dp-sgd 1024)' },
    samples: { type: 'string', help: 'rows of the data used (default 6000; dp-sgd all)' },
    'learning-rate': { type: 'string', help: 'default 0.08; adamw 0.001; dp-sgd 2' },
    schedule: { type: 'string', help: 'linear, constant, cosine or 0:0,0.4:1,1:0 (share:factor)' },
    optimizer: { type: 'string', help: `${optimizers.join(', ')} (default sgd)` },
    'weight-decay': { type: 'string', help: 'default 0' },
    averaging: { type: 'string', help: 'decay of the moving average of the weights (default 0)' },
    patience: { type: 'string', help: 'epochs without gain after which to stop (default: never)' },
    'attack-steps': { type: 'string', help: 'steps of the inner attack (default 4)' },
    beta: { type: 'string', help: 'weight of the robust term (default: trades 6, mart 5)' },
    replays: { type: 'string', help: 'free: uses of each batch (default 4)' },
    sigma: { type: 'string', help: 'noise: standard deviation (default 0.25)' },
    'privacy-epsilon': { type: 'string', help: 'dp-sgd: what may be spent' },
    delta: { type: 'string', help: 'dp-sgd: chance that the promise fails (default 1e-5)' },
    'clip-norm': {
      type: 'string',
      help: `dp-sgd: norm of a row's gradient (default ${clipNormUsual})`,
    },
    'keep-weights': { type: 'boolean', help: 'dp-sgd: begin with the weights of MODEL' },
    validation: { type: 'string', help: 'data to measure on (default: --data)' },
    report: { type: 'string', help: 'HTML file to write: figures before and after, model card' },
    'checkpoint-every': {
      type: 'string',
      help: `steps between checkpoints in OUT.checkpoint (default ${checkpointEvery})`,
    },
    out: { type: 'string', short: 'o', help: 'file to write' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const out = args.needed('out');
    const options = hardenOptions(args);
    const { method, epsilon, seed, epochs, samples } = options;
    const started = performance.now();
    const judgedBefore = await measured(args, terminal, { model, epsilon, seed, samples });
    const output = await trained(args, terminal, { model, out, options });
    await writeChunks(out, once(output.model));
    await rm(checkpointAt(out), { force: true });
    const judgedAfter = await measured(args, terminal, { model: out, epsilon, seed, samples });
    const [before, after] = [figuresOf(judgedBefore), figuresOf(judgedAfter)];
    const seconds = (performance.now() - started) / 1000;
    const { steps, keptEpoch, ended, privacy } = output;
    const figures = { before, after, method, epochs, seconds, steps, keptEpoch, ended };
    const because = ended === 'diverged' ? divergedBecause(output) : undefined;
    const json = {
      ...figures,
      ...(privacy !== undefined && { privacy }),
      ...(because !== undefined && { because }),
    };
    const report = args.text('report');
    if (report !== undefined) {
      const { samples: rows } = output;
      const judged = { before: judgedBefore, after: judgedAfter };
      const html = hardenReport({ ...json, ...judged, model, out, epsilon, seed, samples: rows });
      await writeChunks(report, once(utf8(html)));
    }
    const rows = Object.entries({ before, after }).map(([name, each]) => {
      return [name, percent(each.clean), percent(each.pgd), percent(each.robust)];
    });
    const head = ['', 'clean', `PGD ${epsilon}`, `robust at ${epsilon}`];
    const told = [table(head, rows), ...remarksOn(output)];
    return { exit: ended === 'diverged' ? 3 : 0, json, text: told.join('\n') };
  },
};

const checkpointAt = (out: string): string => `${out}.checkpoint`;

/** Trains in a worker; goes on from the checkpoint beside the output, if there is one. */
async function trained(
  args: Arguments,
  terminal: Terminal,
  of: { readonly model: string; readonly out: string; readonly options: object },
): Promise<HardenOutput> {
  const path = checkpointAt(of.out);
  const every = args.integer('checkpoint-every', 1, 1e9) ?? checkpointEvery;
  const resume = existsSync(path) ? await readBytes(path, 'the checkpoint') : undefined;
  if (resume !== undefined) terminal.say(`goes on from ${path}`);
  const checkpoint = { every, ...(resume !== undefined && { resume }) };
  const options = { ...of.options, checkpoint };
  const progress = ({ checkpoint: bytes, ...shown }: TrainingProgress): void => {
    if (bytes === undefined) terminal.progress(shown);
    else keep(path, bytes);
  };
  try {
    const wish = { method: 'harden', model: of.model, options };
    return await callWorker<HardenOutput>(args, { ...terminal, progress }, wish);
  } catch (error) {
    const isStale = error instanceof MerlonError && staleCodes.has(error.code);
    if (!isStale) throw error;
    throw usage(`"${path}" cannot be gone on from: ${error.message}`, 'remove it to begin anew');
  }
}

const staleCodes: ReadonlySet<string> = new Set(['other-run', 'bad-checkpoint']);

/** Whole or not at all, so that a run that is killed here leaves the one before; not for others. */
function keep(path: string, bytes: Uint8Array): void {
  writeFileSync(`${path}.new`, bytes, { mode: 0o600 });
  renameSync(`${path}.new`, path);
}

/** The options of the engine, with what is usual for the method. */
function hardenOptions(args: Arguments) {
  const method = args.choice('method', trainingMethods, 'pgd-at');
  const optimizer = args.choice('optimizer', optimizers, 'sgd');
  const seed = args.integer('seed', 0, Number.MAX_SAFE_INTEGER);
  const schedule = args.text('schedule');
  const common = usualNumbers(method, optimizer);
  const given = {
    weightDecay: args.number('weight-decay'),
    averaging: args.number('averaging'),
    patience: args.integer('patience', 1, 100_000),
    beta: args.number('beta'),
    replays: args.integer('replays', 1, 1000),
    sigma: args.number('sigma'),
    schedule: schedule === undefined ? undefined : parseSchedule(schedule),
    privacy: method === 'dp-sgd' ? privacyGoal(args, seed !== undefined) : undefined,
  };
  const named = Object.entries(given).filter(([, value]) => value !== undefined);
  return {
    method,
    optimizer,
    epsilon: args.number('epsilon') ?? 0.1,
    epochs: args.integer('epochs', 1, 100_000) ?? common.epochs,
    seed: seed ?? 1,
    threads,
    attackSteps: args.integer('attack-steps', 1, 10_000) ?? common.attackSteps,
    batchSize: args.integer('batch-size', 1, 1_000_000) ?? common.batchSize,
    learningRate: args.number('learning-rate') ?? common.learningRate,
    samples: args.integer('samples', 1, 10_000_000) ?? common.samples,
    ...Object.fromEntries(named),
  };
}

function privacyGoal(args: Arguments, repeatable: boolean): PrivacyGoal {
  const epsilon = args.number('privacy-epsilon');
  if (epsilon === undefined) throw usage('"--privacy-epsilon" is needed by dp-sgd');
  return {
    epsilon,
    delta: args.number('delta') ?? deltaUsual,
    clipNorm: args.number('clip-norm') ?? clipNormUsual,
    keepWeights: args.flag('keep-weights'),
    repeatable,
  };
}

/** What a reader must know beside the figures. */
function remarksOn(output: HardenOutput): string[] {
  const { privacy } = output;
  const remarks: string[] = [];
  if (privacy !== undefined) {
    const { epsilon, delta, noiseMultiplier } = privacy;
    const noise = `noise multiplier ${noiseMultiplier.toPrecision(4)}`;
    remarks.push(`\nprivate: epsilon ${epsilon.toPrecision(4)} at delta ${delta}, ${noise}`);
  }
  if (output.ended === 'diverged') {
    remarks.push(`\n${divergedBecause(output)}; use a smaller learning rate`);
  }
  return remarks;
}

async function measured(
  args: Arguments,
  terminal: Terminal,
  of: {
    readonly model: string;
    readonly epsilon: number;
    readonly seed: number;
    readonly samples: number;
  },
): Promise<AssessOutput> {
  const { model, ...how } = of;
  const options = judgingOptions({ ...how, threads });
  const data = args.text('validation');
  const wish = { method: 'assess', model, options, ...(data !== undefined && { data }) };
  return callWorker<AssessOutput>(args, terminal, wish);
}
