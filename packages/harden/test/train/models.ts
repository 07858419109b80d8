/** A model that leans on weak features, data with one strong feature, and what attacks say. */
import { gradientsOfModel, runAttacks } from '@merlon/attack';
import { manualClock, seeded } from '@merlon/core';
import {
  type Dataset,
  elementTypes,
  floatTensor,
  node,
  type OpenModel,
  openSession,
  readOnnx,
  writeOnnx,
} from '@merlon/graph';
import type { PrivacyGoal, TrainRequest } from '../../src/index.ts';

/** Features of a row. */
export const features = 12;

/** Two classes told by one strong feature; eleven weak ones tempt a model that is not robust. */
export function data(rows: number, seed: number): Dataset {
  const random = seeded(seed);
  const x = new Float32Array(rows * features);
  const labels = new Int32Array(rows);
  for (let row = 0; row < rows; row++) {
    const label = random.integer(2);
    labels[row] = label;
    const sign = label === 1 ? 1 : -1;
    for (let i = 0; i < features; i++) {
      const signal = i === 0 ? 0.3 * sign : 0.02 * sign;
      const value = 0.5 + signal + (i === 0 ? 0.05 : 0.01) * random.normal();
      x[row * features + i] = Math.max(0, Math.min(1, value));
    }
  }
  return { x, labels, shape: [rows, features], classes: ['0', '1'] };
}

/** A linear model that leans on the weak features. */
export function fragile(): Uint8Array {
  const weights = new Float32Array(features * 2);
  for (let i = 0; i < features; i++) {
    const strength = i === 0 ? 0.5 : 8;
    weights[i * 2] = -strength;
    weights[i * 2 + 1] = strength;
  }
  const sum = weights.reduce((total, w, i) => total + (i % 2 === 1 ? w : 0), 0);
  const { float32 } = elementTypes;
  return writeOnnx({
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    rest: new Uint8Array(0),
    graph: {
      name: 'fragile',
      rest: new Uint8Array(0),
      nodes: [node('Gemm', ['x', 'w', 'b'], ['scores'])],
      initializers: [
        floatTensor('w', [features, 2], weights),
        floatTensor('b', [2], [sum / 2, -sum / 2]),
      ],
      inputs: [{ name: 'x', elementType: float32, shape: ['N', features] }],
      outputs: [{ name: 'scores', elementType: float32, shape: ['N', 2] }],
      values: [],
    },
  });
}

/** Shares right, clean and under PGD. */
export async function robust(model: Uint8Array): Promise<{ clean: number; robust: number }> {
  const { verdict } = await runAttacks(
    {
      session: await openSession(model),
      gradient: await gradientsOfModel(readOnnx(model)),
    },
    data(300, 5),
    { attacks: ['pgd'], epsilon: 0.1, seed: 1, clock: manualClock() },
  );
  return { clean: verdict.clean.accuracy, robust: verdict.robustAccuracy };
}

/** What is trained on. */
export const rows = data(600, 4);
/** A short run of adversarial training. */
export const request = (change: Partial<TrainRequest> = {}): TrainRequest => ({
  model: fragile(),
  x: rows.x,
  shape: rows.shape,
  labels: rows.labels,
  epsilon: 0.1,
  attackSteps: 4,
  stepSize: 0.05,
  epochs: 10,
  batchSize: 50,
  learningRate: 0.5,
  momentum: 0.9,
  weightDecay: 0,
  random: seeded(1),
  bounds: [0, 1],
  warmUp: 0.25,
  cleanShare: 0,
  threads: 1,
  ...change,
});

/** Opens without the blocked layout. */
export const openPlain: OpenModel = (model, options) => openSession(writeOnnx(model), options);

/** A network with a hidden layer of tanh, so that gradients depend on where they are taken. */
export function curved(): Uint8Array {
  const random = seeded(12);
  const hidden = 5;
  const normal = (count: number): Float32Array =>
    Float32Array.from({ length: count }, () => random.normal());
  const plain = readOnnx(fragile());
  return writeOnnx({
    ...plain,
    graph: {
      ...plain.graph,
      nodes: [
        node('Gemm', ['x', 'w1', 'b1'], ['h']),
        node('Tanh', ['h'], ['t']),
        node('Gemm', ['t', 'w2', 'b2'], ['scores']),
      ],
      initializers: [
        floatTensor('w1', [features, hidden], normal(features * hidden)),
        floatTensor('b1', [hidden], normal(hidden)),
        floatTensor('w2', [hidden, 2], normal(hidden * 2)),
        floatTensor('b2', [2], normal(2)),
      ],
    },
  });
}

/** What private runs promise: little, so that they learn something in a few steps. */
export const goal: PrivacyGoal = {
  epsilon: 8,
  delta: 1e-3,
  clipNorm: 1,
  keepWeights: false,
  repeatable: true,
};
