/** `attack`, `gradient`, `harden`: engines on plain files, in confined workers. */
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { type AttackVerdict, suites } from '@merlon/attack';
import { utf8 } from '@merlon/core';
import { gradientModel, losses, readOnnx, writeOnnx } from '@merlon/graph';
import type { OpenSource } from '../../blob/blob.ts';
import type { AssessOutput } from '../../confine/tasks/assess.ts';
import type { HardenOutput } from '../../confine/tasks/harden.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { PlatformError } from '../../errors.ts';
import { nameOf, once, openSource, readBytes, requireFile, writeChunks } from '../files.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal, Verb } from '../verb.ts';

const timeoutMs = 24 * 3_600_000;
const threads = 2;
const modelOptions = {
  data: { type: 'string', help: '.npz, .npy, IDX or .csv' },
  label: { type: 'string', help: 'label column of a table, or array of an archive' },
  constraints: { type: 'string', help: 'schema file: features, ranges, relations' },
  epsilon: { type: 'string', help: 'radius, such as 8/255' },
  seed: { type: 'string', help: 'every random choice comes from it (default 1)' },
} as const;

/** Attacks a model. */
export const attackVerb: Verb = {
  name: 'attack',
  usage: 'MODEL --data DATA [--suite fast|standard|autoattack|tabular|…] [--epsilon 8/255] …',
  does: 'tests a model against adversarial inputs',
  options: {
    ...modelOptions,
    suite: { type: 'string', help: `one of ${suites.join(', ')}` },
    attacks: { type: 'string', help: 'names of attacks, separated by commas' },
    norm: { type: 'string', help: 'linf, l2, l1 or l0 (default linf)' },
    samples: { type: 'string', help: 'samples drawn from the data (default 500)' },
    bounds: { type: 'string', help: 'least and greatest value of an element (default 0,1)' },
    save: { type: 'string', help: 'folder for the report and example pictures' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const options = {
      suite: args.text('suite'),
      attacks: args.text('attacks')?.split(','),
      norm:
        args.text('norm') === undefined
          ? undefined
          : args.choice('norm', ['linf', 'l2', 'l1', 'l0'], 'linf'),
      epsilon: args.number('epsilon'),
      samples: args.integer('samples', 1, 10_000_000),
      seed: args.integer('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
      threads,
    };
    const save = args.text('save');
    const bounds = boundsIn(args);
    const more = { ...(bounds && { bounds }), report: save !== undefined };
    const wish = { method: 'assess', model, options: { ...options, ...more } };
    const output = await callWorker<AssessOutput>(args, terminal, wish);
    if (save !== undefined) await saveReport(save, output);
    return { exit: 0, json: output.verdict, text: verdictText(output) };
  },
};

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

/** One call in a worker of its own over files opened here. */
async function callWorker<T>(
  args: Arguments,
  terminal: Terminal,
  wish: {
    readonly method: string;
    readonly model: string;
    readonly options: object;
    readonly data?: string;
  },
): Promise<T> {
  const data = wish.data ?? args.text('data');
  if (data === undefined) throw usage('"--data" is needed');
  requireFile(wish.model, 'the model');
  requireFile(data, 'the data');
  const constraints = args.text('constraints');
  if (constraints !== undefined) requireFile(constraints, 'the constraints');
  const sources: Record<string, OpenSource> = {};
  let worker: ConfinedWorker | null = null;
  try {
    sources.model = await openSource(wish.model);
    sources.data = await openSource(data);
    if (constraints !== undefined) sources.schema = await openSource(constraints);
    const label = args.text('label');
    const hasSchema = constraints !== undefined;
    const input = { dataName: nameOf(data), hasSchema, options: wish.options };
    worker = startWorker();
    const { progress: onProgress, signal } = terminal;
    const call = { sources, onProgress, signal, timeoutMs };
    return await worker.call<T>(
      wish.method,
      { ...input, ...(label === undefined ? {} : { label }) },
      call,
    );
  } finally {
    await worker?.close();
    for (const source of Object.values(sources)) await source.close();
  }
}

/** Two numbers, least first; the engine refuses what are no bounds. */
function boundsIn(args: Arguments): readonly [number, number] | undefined {
  const text = args.text('bounds');
  if (text === undefined) return undefined;
  const [min, max, ...more] = text.split(',').map(Number);
  if (min === undefined || max === undefined || more.length > 0) {
    throw usage(`"--bounds" expected two numbers such as 0,1, got "${text}"`);
  }
  return [min, max];
}

async function saveReport(folder: string, { pictures, report }: AssessOutput): Promise<void> {
  await mkdir(folder, { recursive: true });
  if (report !== undefined) await writeChunks(join(folder, 'report.html'), once(utf8(report)));
  for (const { name, png } of pictures) await writeChunks(join(folder, `${name}.png`), once(png));
}

function verdictText({ verdict, blackBoxBecause }: AssessOutput): string {
  const rows = verdict.attacks.map((attack: AttackVerdict['attacks'][number]) => [
    attack.name,
    attack.epsilon === null
      ? attack.norm
      : `${attack.norm} ${Number(attack.epsilon.toPrecision(4))}`,
    percent(attack.robustAccuracy),
    attack.medianDistance === null ? '–' : attack.medianDistance.toPrecision(3),
    String(attack.queries),
    attack.seconds.toFixed(1),
    attack.unreliable ?? '',
  ]);
  const head = ['attack', 'budget', 'robust', 'median', 'queries', 'seconds', ''];
  const black = blackBoxBecause === '' ? '' : `\nblack box only: ${blackBoxBecause}`;
  const robust = percent(verdict.robustAccuracy);
  const { autoAttack } = verdict;
  const own =
    autoAttack && `, AutoAttack (${autoAttack.version}) ${percent(autoAttack.robustAccuracy)}`;
  const figures = `clean ${percent(verdict.clean.accuracy)}${own ?? ''}, robust ${robust}`;
  const remarks = verdict.remarks.map((remark) => `\n${remark}`).join('');
  return `${table(head, rows)}\n\n${figures} over ${verdict.samples} samples${black}${remarks}`;
}

function percent(share: number): string {
  return `${(100 * share).toFixed(1)} %`;
}
