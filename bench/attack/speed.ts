/**
 * Input gradients, PGD and training steps side by side with PyTorch and torchattacks: same models, same data,
 * two processes that take turns, medians of interleaved runs after a warm-up.
 *
 *   python speed_models.py MODELS && node speed.ts MODELS --python PYTHON [--seconds 4]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { parseArgs } from 'node:util';
import {
  bounds,
  differentiable,
  type GradientSource,
  gradientsOfModel,
  linf,
  pgd,
  untargeted,
} from '@merlon/attack';
import { seeded } from '@merlon/core';
import {
  gradientModel,
  openFastest,
  openSession,
  readOnnx,
  type Session,
  type Tensor,
} from '@merlon/graph';
import { clip, optimizerOf } from '@merlon/harden';

const { positionals, values } = parseArgs({
  allowPositionals: true,
  options: {
    python: { type: 'string', default: 'python3' },
    seconds: { type: 'string', default: '4' },
    models: { type: 'string', default: 'mlp,digits,resnet18,vit' },
    batches: { type: 'string', default: '1,32,128' },
    tasks: { type: 'string', default: 'gradient,pgd,train' },
  },
});
const [folder = ''] = positionals;

/** Nobody else works while a turn lasts; what the peer took before says otherwise to who looks. */
const alone = { threads: 2, spin: true };

interface Peer {
  ask(request: object): Promise<Record<string, unknown>>;
  child: ChildProcess;
}

function startPeer(): Peer {
  const script = new URL('speed_torch.py', import.meta.url).pathname;
  const env = { ...process.env, OMP_NUM_THREADS: '2', OMP_WAIT_POLICY: 'PASSIVE' };
  const child = spawn(values.python, [script], { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout });
  return {
    child,
    ask: async (request) => {
      child.stdin.write(`${JSON.stringify(request)}\n`);
      const [line] = await once(lines, 'line');
      return JSON.parse(String(line)) as Record<string, unknown>;
    },
  };
}

interface Ours {
  readonly plain: Session;
  readonly gradient: GradientSource;
  readonly trainer: Trainer;
}

type Weights = ReadonlyMap<string, Tensor & { readonly data: Float32Array }>;

/** Runs training steps; normalisation keeps its statistics, on both sides. */
interface Trainer {
  step(x: Tensor, labels: Int32Array): Promise<void>;
  close(): Promise<void>;
}

async function openTrainer(name: string): Promise<Trainer> {
  const model = readOnnx(new Uint8Array(readFileSync(join(folder, `${name}.onnx`))));
  const training = await gradientModel(model, { weights: 'train' });
  const session = await openFastest(training.model, alone, training.weights);
  const weights: Weights = new Map(
    training.weights.map(({ name: own, shape, data }) => {
      const values = new Float32Array(data.slice().buffer);
      return [own, { type: 'float32', shape, data: values }] as const;
    }),
  );
  const zeros = ({ data }: { readonly data: Float32Array }) => new Float32Array(data.length);
  const gradients = new Map([...weights].map(([own, tensor]) => [own, zeros(tensor)]));
  const into = Object.fromEntries(
    [...weights].map(([own, { type, shape }]) => {
      const data = gradients.get(own) ?? new Float32Array(0);
      return [`merlon_gradient/${own}`, { type, shape, data }];
    }),
  );
  const optimizer = optimizerOf('sgd', weights, { momentum: 0.9, weightDecay: 0 });
  return {
    close: () => session.close(),
    step: async (x, labels) => {
      const classes = BigInt64Array.from(labels, BigInt);
      const given: Tensor = { type: 'int64', shape: [labels.length], data: classes };
      const feeds = { [session.inputs[0]?.name ?? '']: x, merlon_labels: given };
      await session.run({ ...feeds, ...Object.fromEntries(weights) }, undefined, into);
      clip(gradients, 1);
      optimizer(gradients, 1e-3);
    },
  };
}

async function openOurs(name: string): Promise<Ours> {
  const bytes = new Uint8Array(readFileSync(join(folder, `${name}.onnx`)));
  const plain = await openSession(bytes, alone);
  const gradient = await gradientsOfModel(readOnnx(bytes), alone);
  return { plain, gradient, trainer: await openTrainer(name) };
}

/**
 * The greatest difference over the greatest gradient, sample by sample: a unit so near its kink that
 * rounding puts it on the other side changes one sample, so such samples are counted apart.
 */
function errorOf(expected: Float32Array, got: Float32Array, batch: number): string {
  const size = expected.length / batch;
  const errors = Array.from({ length: batch }, (_, row) => {
    const own = expected.subarray(row * size, (row + 1) * size);
    const scale = own.reduce((most, value) => Math.max(most, Math.abs(value)), 1e-30);
    return own.reduce(
      (most, value, i) => Math.max(most, Math.abs(value - (got[row * size + i] ?? 0)) / scale),
      0,
    );
  });
  const near = errors.filter((error) => error < 1e-4);
  const worst = near.reduce((most, error) => Math.max(most, error), 0);
  return `error ${worst.toExponential(1)} on ${near.length} of ${batch} samples`;
}

/** Runs of a turn: as many as take this long, so that small work is not measured asleep. */
const turnMs = 20;

/** Milliseconds of one run, over `times` of them. */
async function timed(work: () => Promise<unknown>, times: number): Promise<number> {
  const start = performance.now();
  for (let i = 0; i < times; i++) await work();
  return (performance.now() - start) / times;
}

function median(times: readonly number[]): number {
  const sorted = [...times].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

async function compare(peer: Peer, name: string, batch: number, ours: Ours): Promise<void> {
  const recorded = await peer.ask({ model: name, batch, task: 'values' });
  const x = Float32Array.from(recorded.x as number[]);
  const reference = Float32Array.from(recorded.gradient as number[]);
  const labels = Int32Array.from({ length: batch }, (_, i) => i % 2);
  const inputShape = ours.plain.inputs[0]?.shape.slice(1) ?? [];
  const model = differentiable(ours.plain, ours.gradient, { inputShape, batchRows: batch });
  const { gradient } = await model.lossGradient(x, labels);
  const apart = errorOf(reference, gradient, batch);
  const attack = () =>
    pgd(
      model,
      { x, labels },
      {
        ...{
          budget: linf(8 / 255),
          bounds: bounds(0, 1),
          criterion: untargeted,
          restarts: 0,
          untilBroken: false,
        },
        ...{ steps: 20, stepSize: 2 / 255, random: seeded(1) },
      },
    );
  const all: Tensor = { type: 'float32', shape: [batch, ...inputShape], data: x };
  const tasks = {
    gradient: () => model.lossGradient(x, labels),
    pgd: attack,
    train: () => ours.trainer.step(all, labels),
  };
  for (const [task, run] of Object.entries(tasks)) {
    if (!values.tasks.split(',').includes(task)) continue;
    const peers: number[] = [];
    const own: number[] = [];
    const ask = async (times: number) => {
      return Number((await peer.ask({ model: name, batch, task, times })).ms);
    };
    await ask(2);
    await timed(run, 2);
    const turns = [await ask(1), await timed(run, 1)].map((ms) => Math.ceil(turnMs / ms));
    const until = performance.now() + 1000 * Number(values.seconds);
    for (let round = 0; round < 3 || performance.now() < until; round++) {
      peers.push(await ask(turns[0] ?? 1));
      own.push(await timed(run, turns[1] ?? 1));
    }
    const [theirs, mine] = [median(peers), median(own)];
    const ratio = (theirs / mine).toFixed(2);
    console.log(
      [name, `B=${batch}`, task, `torch ${theirs.toFixed(2)} ms`, `merlon ${mine.toFixed(2)} ms`]
        .concat(`ratio ${ratio}`, `n=${own.length}`, apart)
        .join('  '),
    );
  }
}

const peer = startPeer();
for (const name of values.models.split(',')) {
  const ours = await openOurs(name);
  for (const batch of values.batches.split(',').map(Number)) await compare(peer, name, batch, ours);
  await ours.plain.close();
  await ours.gradient.close();
  await ours.trainer.close();
}
peer.child.stdin?.end();
