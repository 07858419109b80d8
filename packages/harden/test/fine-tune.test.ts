import { gradientsOfModel, runAttacks } from '@merlon/attack';
import { manualClock, seeded } from '@merlon/core';
import {
  type Dataset,
  elementTypes,
  floatTensor,
  node,
  type OpenSession,
  openSession,
  readOnnx,
  writeOnnx,
} from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { adversarialFineTune, type FineTuneRequest } from '../src/index.ts';

const features = 12;

/** Two classes told by one strong feature; eleven weak ones tempt a model that is not robust. */
function data(rows: number, seed: number): Dataset {
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
function fragile(): Uint8Array {
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

async function robust(model: Uint8Array): Promise<{ clean: number; robust: number }> {
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

const train = data(600, 4);
const request = (change: Partial<FineTuneRequest> = {}): FineTuneRequest => ({
  model: fragile(),
  x: train.x,
  shape: train.shape,
  labels: train.labels,
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

describe('adversarial fine-tuning', () => {
  it('makes a fragile model robust and keeps its interface', async () => {
    const before = await robust(fragile());
    const { model, steps, losses } = await adversarialFineTune(request(), openSession);
    const after = await robust(model);
    expect(before.robust).toBeLessThan(0.3);
    expect(after.robust).toBeGreaterThan(0.9);
    expect(after.clean).toBeGreaterThan(0.95);
    expect([steps, losses.length]).toEqual([120, 120]);
    const [was, is] = [readOnnx(fragile()).graph, readOnnx(model).graph];
    expect(is.inputs).toEqual(was.inputs);
    expect(is.outputs).toEqual(was.outputs);
    expect(is.nodes).toEqual(was.nodes);
  });
  it('repeats exactly from its seed', async () => {
    const runs = [];
    for (const seed of [1, 1, 2]) {
      const wish = request({ epochs: 2, random: seeded(seed) });
      runs.push((await adversarialFineTune(wish, openSession)).model);
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
  });
  it('stops when it is told to, with the reason', async () => {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('enough'));
    const wish = request({ signal: controller.signal, onProgress });
    await expect(adversarialFineTune(wish, openSession)).rejects.toThrow('enough');
    const early = request({ signal: AbortSignal.abort(new Error('never mind')) });
    await expect(adversarialFineTune(early, openSession)).rejects.toThrow('never mind');
  });
  it('stops between the steps of one attack', async () => {
    const controller = new AbortController();
    let runs = 0;
    const counting: OpenSession = async (model, options) => {
      const session = await openSession(model, options);
      const run: typeof session.run = (feeds, fetches) => {
        runs++;
        if (runs === 3) controller.abort(new Error('in the middle'));
        return session.run(feeds, fetches);
      };
      return { ...session, run };
    };
    const wish = request({ signal: controller.signal, attackSteps: 100 });
    await expect(adversarialFineTune(wish, counting)).rejects.toThrow('in the middle');
    expect(runs).toBe(3);
  });
  it('trains scale and bias of a normalisation, and leaves its statistics', async () => {
    const plain = readOnnx(fragile());
    const names = ['scale', 'shift', 'mean', 'variance'];
    const ones = new Float32Array(features).fill(1);
    const tensors = names.map((name) => floatTensor(name, [features], ones));
    const graph = {
      ...plain.graph,
      nodes: [
        node('BatchNormalization', ['x', ...names], ['n']),
        node('Gemm', ['n', 'w', 'b'], ['scores']),
      ],
      initializers: [...plain.graph.initializers, ...tensors],
    };
    const model = writeOnnx({ ...plain, graph });
    const done = await adversarialFineTune(request({ model, epochs: 1 }), openSession);
    const after = readOnnx(done.model).graph.initializers;
    const changed = after.filter((tensor, i) => {
      const before = graph.initializers[i]?.data ?? new Uint8Array(0);
      return !Buffer.from(tensor.data).equals(before);
    });
    expect(changed.map(({ name }) => name)).toEqual(['w', 'b', 'scale', 'shift']);
  });
  it('says so when it diverges', async () => {
    const wish = request({ learningRate: 1e30 % 1000, momentum: 1, weightDecay: 1, epochs: 50 });
    await expect(adversarialFineTune(wish, openSession)).rejects.toMatchObject({
      code: 'diverged',
    });
  });
  it('tells every wrong option at once', async () => {
    const wish = request({ epsilon: -1, epochs: 0, cleanShare: 2 });
    await expect(adversarialFineTune(wish, openSession)).rejects.toThrow(
      /"epsilon" expected 0 to .*, got -1; "epochs" expected 1 to 100000, got 0; "cleanShare"/,
    );
  });
  it.each([
    [
      'too few labels',
      { labels: new Int32Array(3) },
      'rows, shape and labels expected to fit, got [600, 12] with 3 labels',
    ],
    ['rows of another shape', { shape: [600, 3, 4] }, 'rows expected [12], got [3, 4]'],
    [
      'a class that the model does not know',
      { labels: train.labels.with(7, 2) },
      'label 7 expected 0 to 1, got 2',
    ],
  ])('refuses data that do not fit: %s', async (_, change, message) => {
    await expect(adversarialFineTune(request(change), openSession)).rejects.toMatchObject({
      code: 'invalid-data',
      message,
    });
  });
  it('trains a model of a fixed number of rows with that number alone', async () => {
    const { graph, ...rest } = readOnnx(fragile());
    const fixed = (values: typeof graph.inputs) =>
      values.map((value) => ({ ...value, shape: [100, ...(value.shape ?? []).slice(1)] }));
    const inputs = fixed(graph.inputs);
    const model = writeOnnx({
      ...rest,
      graph: { ...graph, inputs, outputs: fixed(graph.outputs) },
    });
    const done = await adversarialFineTune(
      request({ model, batchSize: 100, epochs: 1 }),
      openSession,
    );
    expect(done.steps).toBe(6);
    await expect(adversarialFineTune(request({ model }), openSession)).rejects.toMatchObject({
      code: 'invalid-option',
      message: '"batchSize" expected 100, with as many rows in every batch, got 50 of 600 rows',
    });
  });
});
