/** A small model that has learnt rows by heart (or none of them), and signals of its shadows. */
import { classifier, membershipSignals, type ShadowRoles, type ShadowTable } from '@merlon/attack';
import { seeded } from '@merlon/core';
import {
  type Dataset,
  elementTypes,
  floatTensor,
  node,
  openSession,
  pick,
  writeOnnx,
} from '@merlon/graph';
import { train, trainShadows } from '../../src/index.ts';
import { openPlain } from '../train/models.ts';

const [width, hidden] = [24, 48];

/** Rows of noise with labels of a coin: nothing to learn but the rows themselves. */
export function coins(rows: number, seed: number): Dataset {
  const random = seeded(seed);
  const x = Float32Array.from({ length: rows * width }, () => random.normal());
  const labels = Int32Array.from({ length: rows }, () => random.integer(2));
  return { x, labels, shape: [rows, width], classes: ['0', '1'] };
}

/** A wide network of one hidden layer. */
export function wide(): Uint8Array {
  const random = seeded(5);
  const uniform = (count: number, of: number): Float32Array =>
    Float32Array.from({ length: count }, () => (2 * random.uniform() - 1) / Math.sqrt(of));
  const { float32 } = elementTypes;
  return writeOnnx({
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    rest: new Uint8Array(0),
    graph: {
      name: 'wide',
      rest: new Uint8Array(0),
      nodes: [
        node('Gemm', ['x', 'w1', 'b1'], ['h']),
        node('Tanh', ['h'], ['t']),
        node('Gemm', ['t', 'w2', 'b2'], ['scores']),
      ],
      initializers: [
        floatTensor('w1', [width, hidden], uniform(width * hidden, width)),
        floatTensor('b1', [hidden], new Float32Array(hidden)),
        floatTensor('w2', [hidden, 2], uniform(hidden * 2, hidden)),
        floatTensor('b2', [2], new Float32Array(2)),
      ],
      inputs: [{ name: 'x', elementType: float32, shape: ['N', width] }],
      outputs: [{ name: 'scores', elementType: float32, shape: ['N', 2] }],
      values: [],
    },
  });
}

const how = { epochs: 60, batchSize: 20, learningRate: 0.03, optimizer: 'adamw' } as const;

/** 40 members, 40 others, 40 of a population; without training the model has seen none of them. */
export async function signalsOfLearnt(of: {
  readonly models: number;
  readonly trained: boolean;
}): Promise<{ readonly table: ShadowTable; readonly roles: ShadowRoles }> {
  const data = coins(120, 8);
  const range = (from: number, to: number): number[] =>
    Array.from({ length: to - from }, (_, i) => from + i);
  const roles = { members: range(0, 40), nonmembers: range(40, 80), population: range(80, 120) };
  const seen = of.trained ? pick(data, roles.members) : coins(40, 99);
  const common = { model: wide(), threads: 1, ...how };
  const target = await train(
    { ...common, ...seen, method: 'noise', sigma: 0, random: seeded(2) },
    openPlain,
  );
  const session = await openSession(target.model);
  const model = classifier(session, { inputShape: [width] });
  const { logits: observed } = await membershipSignals(model, data);
  await session.close();
  const { models } = of;
  const shadows = await trainShadows({ ...common, ...data, models, random: seeded(3) }, openPlain);
  return { table: { observed, ...shadows }, roles };
}
