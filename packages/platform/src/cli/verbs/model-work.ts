/** `gradient`, `harden`: engines on plain files. */
import { gradientModel, losses, readOnnx, writeOnnx } from '@merlon/graph';
import {
  optimizers,
  type PrivacyGoal,
  parseSchedule,
  type TrainingMethod,
  trainingMethods,
} from '@merlon/harden';
import type { AssessOutput } from '../../confine/tasks/assess.ts';
import type { HardenOutput } from '../../confine/tasks/harden.ts';
import { once, readBytes, writeChunks } from '../files.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
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
    output: { type: 'string', help: 'output to differentiate (default: the scores)' },
    shape: { type: 'string', help: 'sizes of the input that the model leaves open: -1,3,320,320' },
  },
  run: async (args) => {
    const [path = ''] = args.exactly('MODEL');
    const out = args.needed('out');
    const loss = args.choice('loss', losses, 'cross-entropy');
    const model = readOnnx(await readBytes(path, 'the model'));
    const [output, shape] = [args.text('output'), args.text('shape')];
    const gradient = await gradientModel(model, {
      loss,
      ...(output !== undefined && { output }),
      ...(shape !== undefined && { shape: sizesOf(shape) }),
    });
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

function sizesOf(text: string): number[] {
  const sizes = text.split(',').map(Number);
  if (sizes.every((size) => Number.isInteger(size) && (size > 0 || size === -1))) return sizes;
  throw usage(`"--shape" expected sizes such as -1,3,320,320, got "${text}"`);
}

/** What each method is given unless it is told otherwise. */
const usual = { epochs: 4, batchSize: 50, samples: 6000, learningRate: 0.08, attackSteps: 4 };
const defaults: Readonly<Partial<Record<TrainingMethod, typeof usual>>> = {
  // Privacy is cheap in large batches of many rows, with long steps along short gradients.
  'dp-sgd': { ...usual, epochs: 12, batchSize: 1024, samples: 10_000_000, learningRate: 2 },
};
const adamWRate = 0.001;
const clipNorm = 0.1;

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
    'clip-norm': { type: 'string', help: `dp-sgd: norm of a row's gradient (default ${clipNorm})` },
    'keep-weights': { type: 'boolean', help: 'dp-sgd: begin with the weights of MODEL' },
    validation: { type: 'string', help: 'data to measure on (default: --data)' },
    out: { type: 'string', short: 'o', help: 'file to write' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const out = args.needed('out');
    const options = hardenOptions(args);
    const { method, epsilon, seed, epochs } = options;
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
    const { steps, keptEpoch, ended, privacy } = output;
    const figures = { before, after, method, epochs, seconds, steps, keptEpoch, ended };
    const json = { ...figures, ...(privacy !== undefined && { privacy }) };
    const rows = Object.entries({ before, after }).map(([name, each]) => {
      return [name, percent(each.clean), percent(each.robust)];
    });
    const told = [table(['', 'clean', `robust at ${epsilon}`], rows), ...remarksOn(output)];
    return { exit: ended === 'diverged' ? 3 : 0, json, text: told.join('\n') };
  },
};

/** The options of the engine, with what is usual for the method. */
function hardenOptions(args: Arguments) {
  const method = args.choice('method', trainingMethods, 'pgd-at');
  const optimizer = args.choice('optimizer', optimizers, 'sgd');
  const seed = args.integer('seed', 0, Number.MAX_SAFE_INTEGER);
  const schedule = args.text('schedule');
  const common = defaults[method] ?? usual;
  const rate = optimizer === 'adamw' ? adamWRate : common.learningRate;
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
    learningRate: args.number('learning-rate') ?? rate,
    samples: args.integer('samples', 1, 10_000_000) ?? common.samples,
    ...Object.fromEntries(named),
  };
}

function privacyGoal(args: Arguments, repeatable: boolean): PrivacyGoal {
  const epsilon = args.number('privacy-epsilon');
  if (epsilon === undefined) throw usage('"--privacy-epsilon" is needed by dp-sgd');
  return {
    epsilon,
    delta: args.number('delta') ?? 1e-5,
    clipNorm: args.number('clip-norm') ?? clipNorm,
    keepWeights: args.flag('keep-weights'),
    repeatable,
  };
}

/** What a reader must know beside the figures. */
function remarksOn({ ended, keptEpoch, privacy }: HardenOutput): string[] {
  const remarks: string[] = [];
  if (privacy !== undefined) {
    const { epsilon, delta, noiseMultiplier } = privacy;
    const noise = `noise multiplier ${noiseMultiplier.toPrecision(4)}`;
    remarks.push(`\nprivate: epsilon ${epsilon.toPrecision(4)} at delta ${delta}, ${noise}`);
  }
  if (ended === 'diverged') {
    const kept = `the weights of epoch ${keptEpoch} were kept`;
    remarks.push(`\nthe loss stopped being a number: ${kept}; use a smaller learning rate`);
  }
  return remarks;
}

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
