/** `gradient`, `harden`: engines on plain files. */
import { gradientModel, losses, readOnnx, writeOnnx } from '@merlon/graph';
import type { AssessOutput } from '../../confine/tasks/assess.ts';
import type { HardenOutput } from '../../confine/tasks/harden.ts';
import { PlatformError } from '../../errors.ts';
import { once, readBytes, writeChunks } from '../files.ts';
import { table } from '../table.ts';
import type { Arguments } from '../usage.ts';
import type { Terminal, Verb } from '../verb.ts';
import { callWorker, modelOptions, percent, threads } from './worker-call.ts';

/** Writes a model with its gradient. */
export const gradientVerb: Verb = {
  name: 'gradient',
  usage: 'MODEL -o OUT.onnx',
  does: 'writes the model with its loss and input gradient as plain ONNX',
  options: {
    out: { type: 'string', short: 'o', help: 'file to write' },
    loss: { type: 'string', help: `${losses.join(', ')} (default cross-entropy)` },
  },
  run: async (args) => {
    const [path = ''] = args.exactly('MODEL');
    const out = args.needed('out');
    const loss = args.choice('loss', losses, 'cross-entropy');
    const model = readOnnx(await readBytes(path, 'the model'));
    const gradient = await gradientModel(model, { loss });
    await writeChunks(out, once(writeOnnx(gradient.model)));
    const { graph } = gradient.model;
    const json = {
      inputs: graph.inputs.map((input) => input.name),
      outputs: graph.outputs.map((output) => output.name),
      operators: gradient.operators,
    };
    return { exit: 0, json, text: `${out}: ${json.outputs.join(', ')}` };
  },
};

/** Fine-tunes a model against PGD. */
export const hardenVerb: Verb = {
  name: 'harden',
  usage: 'MODEL --data DATA --method pgd-at [--epsilon E] [--epochs N] -o OUT.onnx',
  does: 'trains a hardened version of a model',
  options: {
    ...modelOptions,
    method: { type: 'string', help: 'pgd-at; trades, mart, dp-sgd are not built yet' },
    epochs: { type: 'string', help: 'passes over the data (default 4)' },
    'batch-size': { type: 'string', help: 'rows a step (default 50)' },
    samples: { type: 'string', help: 'rows of the data used (default 6000)' },
    'learning-rate': { type: 'string', help: 'at the start (default 0.08)' },
    validation: { type: 'string', help: 'data to measure on (default: --data)' },
    out: { type: 'string', short: 'o', help: 'file to write' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const out = args.needed('out');
    const method = args.text('method') ?? 'pgd-at';
    if (method !== 'pgd-at') {
      throw new PlatformError('not-built', `method "${method}" is not built yet`, {
        hint: 'use --method pgd-at',
      });
    }
    const epsilon = args.number('epsilon') ?? 0.1;
    const seed = args.integer('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1;
    const epochs = args.integer('epochs', 1, 100_000) ?? 4;
    const options = {
      epsilon,
      epochs,
      seed,
      threads,
      attackSteps: 4,
      batchSize: args.integer('batch-size', 1, 1_000_000) ?? 50,
      learningRate: args.number('learning-rate') ?? 0.08,
      samples: args.integer('samples', 1, 10_000_000) ?? 6000,
    };
    const started = performance.now();
    const before = await measured(args, terminal, { model, epsilon, seed });
    const output = await callWorker<HardenOutput>(args, terminal, {
      method: 'harden',
      model,
      options,
    });
    await writeChunks(out, once(output.model));
    const after = await measured(args, terminal, { model: out, epsilon, seed });
    const seconds = (performance.now() - started) / 1000;
    const json = { before, after, method, epochs, seconds, steps: output.steps };
    const rows = Object.entries({ before, after }).map(([name, figures]) => {
      return [name, percent(figures.clean), percent(figures.robust)];
    });
    return { exit: 0, json, text: table(['', 'clean', `robust at ${epsilon}`], rows) };
  },
};

async function measured(
  args: Arguments,
  terminal: Terminal,
  of: { readonly model: string; readonly epsilon: number; readonly seed: number },
): Promise<{ clean: number; robust: number }> {
  const options = { attacks: ['pgd'], epsilon: of.epsilon, seed: of.seed, samples: 500, threads };
  const data = args.text('validation');
  const wish = {
    method: 'assess',
    model: of.model,
    options,
    ...(data === undefined ? {} : { data }),
  };
  const { verdict } = await callWorker<AssessOutput>(args, terminal, wish);
  return { clean: verdict.clean.accuracy, robust: verdict.robustAccuracy };
}
