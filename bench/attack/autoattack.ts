/**
 * AutoAttack side by side with the original code: what both leave right, and the CPU
 * seconds that each took, one after the other on the same rows.
 *
 *   node bench/attack/autoattack.ts --python PYTHON [--samples 500] [--seeds 0,1]
 *     [--version standard|plus|rand] [--norm linf|l2|l1] [--threads 2]
 */
import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { gradientsOfModel, runAttacks } from '@merlon/attack';
import { systemClock } from '@merlon/core';
import { openSession, readDataset, readOnnx, readSchema, slice } from '@merlon/graph';

const { values } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    samples: { type: 'string', default: '500' },
    seeds: { type: 'string', default: '0,1' },
    version: { type: 'string', default: 'standard' },
    norm: { type: 'string', default: 'linf' },
    threads: { type: 'string', default: '2' },
  },
});
const threads = { threads: Number(values.threads), spin: false };
const root = new URL('../../', import.meta.url);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));

const cases = [
  { model: 'models/digits-cnn.onnx', norm: 'linf', epsilon: 0.1 },
  { model: 'vectors/attack/robust-digits.onnx', norm: 'linf', epsilon: 0.3 },
  { model: 'vectors/attack/robust-digits.onnx', norm: 'l2', epsilon: 2 },
  { model: 'vectors/attack/robust-digits.onnx', norm: 'l1', epsilon: 12 },
] as const;

interface Figures {
  readonly right: number;
  readonly cpuSeconds: number;
}

type Case = (typeof cases)[number];

async function ours({ model, norm, epsilon }: Case, seed: number): Promise<Figures> {
  const bytes = file(model);
  const schema = readSchema(file('models/digits-cnn.schema.json'));
  const all = readDataset(file('data/mnist-test.npz'), { name: 'mnist-test.npz', schema });
  const data = slice(all, 0, Number(values.samples));
  const session = await openSession(bytes, threads);
  const started = process.cpuUsage();
  const gradient = await gradientsOfModel(readOnnx(bytes), threads);
  const { verdict } = await runAttacks({ session, gradient }, data, {
    suite: values.version === 'standard' ? 'autoattack' : `autoattack-${values.version}`,
    norm,
    epsilon,
    seed,
    samples: data.labels.length,
    clock: systemClock,
  });
  const { user, system } = process.cpuUsage(started);
  await gradient.close();
  await session.close();
  return {
    right: verdict.autoAttack?.robustAccuracy ?? Number.NaN,
    cpuSeconds: (user + system) / 1e6,
  };
}

function peer({ model, norm, epsilon }: Case, seed: number): Figures {
  const script = fileURLToPath(new URL('autoattack_peer.py', import.meta.url));
  const args = [script, model, norm, `${epsilon}`, values.samples, `${seed}`, values.version];
  const env = { ...process.env, OMP_NUM_THREADS: values.threads, OMP_WAIT_POLICY: 'PASSIVE' };
  const ran = spawnSync(values.python, args, { env, encoding: 'utf8' });
  if (ran.status !== 0) throw new Error(`the peer failed: ${ran.stderr.slice(-500)}`);
  return JSON.parse(ran.stdout.trim().split('\n').at(-1) ?? '') as Figures;
}

const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
for (const each of cases.filter(({ norm }) => norm === values.norm)) {
  for (const seed of values.seeds.split(',').map(Number)) {
    const own = await ours(each, seed);
    const theirs = peer(each, seed);
    const ratio = (own.cpuSeconds / theirs.cpuSeconds).toFixed(2);
    const name = `${values.version} ${each.model} ${each.norm} ${each.epsilon} seed ${seed}`;
    const left = `original ${percent(theirs.right)}, merlon ${percent(own.right)}`;
    const cpu = `CPU ${theirs.cpuSeconds.toFixed(0)} s, ${own.cpuSeconds.toFixed(0)} s`;
    console.log(`${name}  ${left}  ${cpu}  ratio ${ratio}`);
  }
}
