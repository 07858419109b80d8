import { seeded } from '@merlon/core';
import { floatTensor, node, type OpenModel, readOnnx, writeOnnx } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { train } from '../../src/index.ts';
import { data, features, fragile, openPlain, request, robust, rows } from './models.ts';

describe('adversarial fine-tuning', () => {
  it('makes a fragile model robust and keeps its interface', async () => {
    const before = await robust(fragile());
    const { model, steps, losses } = await train(request(), openPlain);
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
      runs.push((await train(wish, openPlain)).model);
    }
    expect(runs[0]).toEqual(runs[1]);
    expect(runs[0]).not.toEqual(runs[2]);
  });
  it('draws other noise at every step and another order in every epoch', async () => {
    const still = { learningRate: 0, epochs: 6 };
    // One row over and over, so that nothing but the noise can differ.
    const same = {
      x: rows.x.map((_, i) => rows.x[i % features] ?? 0),
      labels: rows.labels.map(() => 0),
    };
    const noise = { ...still, ...same, method: 'noise', batchSize: 600 } as const;
    expect(new Set((await train(request(noise), openPlain)).losses).size).toBe(6);
    const ordered = await train(
      request({ ...still, epsilon: 0, batchSize: 300, epochs: 3 }),
      openPlain,
    );
    expect(new Set(ordered.losses).size).toBe(6);
  });
  it('stops when it is told to, with the reason', async () => {
    const controller = new AbortController();
    const onProgress = (): void => controller.abort(new Error('enough'));
    const wish = request({ signal: controller.signal, onProgress });
    await expect(train(wish, openPlain)).rejects.toThrow('enough');
    const early = request({ signal: AbortSignal.abort(new Error('never mind')) });
    await expect(train(early, openPlain)).rejects.toThrow('never mind');
  });
  it('stops between the steps of one attack', async () => {
    const controller = new AbortController();
    let runs = 0;
    const counting: OpenModel = async (model, options) => {
      const session = await openPlain(model, options);
      const run: typeof session.run = (feeds, fetches) => {
        runs++;
        if (runs === 3) controller.abort(new Error('in the middle'));
        return session.run(feeds, fetches);
      };
      return { ...session, run };
    };
    const wish = request({ signal: controller.signal, attackSteps: 100 });
    await expect(train(wish, counting)).rejects.toThrow('in the middle');
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
    const done = await train(request({ model, epochs: 1 }), openPlain);
    const after = readOnnx(done.model).graph.initializers;
    const changed = after.filter((tensor, i) => {
      const before = graph.initializers[i]?.data ?? new Uint8Array(0);
      return !Buffer.from(tensor.data).equals(before);
    });
    expect(changed.map(({ name }) => name)).toEqual(['w', 'b', 'scale', 'shift']);
  });
  it('says so when it diverges before it has anything to keep', async () => {
    const wish = request({ learningRate: 1000, momentum: 1, weightDecay: 1, batchSize: 10 });
    await expect(train(wish, openPlain)).rejects.toMatchObject({
      code: 'diverged',
      message: expect.stringMatching(/^the loss stopped being a number at step \d+ of the first/),
    });
  });
  it('gives the last sound weights when it diverges later', async () => {
    // Sound for the first of four epochs, then far too long steps.
    const change = { momentum: 1, weightDecay: 1, epochs: 4, learningRate: 1000, batchSize: 10 };
    const explode = {
      schedule: [
        [0, 0],
        [0.25, 0],
        [0.26, 1],
      ] as const,
    };
    const done = await train(request({ ...change, ...explode }), openPlain);
    expect([done.ended, done.keptEpoch]).toEqual(['diverged', 1]);
    const { graph } = readOnnx(done.model);
    expect(graph.initializers).toEqual(readOnnx(fragile()).graph.initializers);
  });
  it('keeps the epoch that withstands most on rows held back, and stops without gain', async () => {
    const validation = data(100, 9);
    // Nothing is learnt after the first half, so that nothing can be gained there.
    const schedule = [
      [0, 1],
      [0.49, 1],
      [0.5, 0],
    ] as const;
    const wish = { validation, schedule, epochs: 10, patience: 2 };
    const done = await train(request(wish), openPlain);
    const robustness = done.validation.map((each) => each.robust);
    const best = Math.max(...robustness);
    expect(robustness[done.keptEpoch - 1]).toBe(best);
    expect(done.ended).toBe('patience');
    expect(robustness.length).toBe(robustness.indexOf(best) + 3);
    expect(robustness.length).toBeLessThan(10);
    expect((await robust(done.model)).robust).toBeGreaterThan(0.8);
  });
  it('trains alike with and without validation', async () => {
    const [without, beside] = [request({ epochs: 1 }), request({ epochs: 1, random: seeded(1) })];
    const plain = await train(without, openPlain);
    const validated = await train({ ...beside, validation: data(50, 9) }, openPlain);
    expect(validated.losses).toEqual(plain.losses);
    expect(validated.model).toEqual(plain.model);
  });
  it('averages weights over time', async () => {
    const models = [];
    for (const averaging of [0, 0.9]) {
      models.push((await train(request({ epochs: 2, averaging }), openPlain)).model);
    }
    expect(models[0]).not.toEqual(models[1]);
  });
  it('tells every wrong option at once', async () => {
    const wish = request({ epsilon: -1, epochs: 0, cleanShare: 2 });
    await expect(train(wish, openPlain)).rejects.toThrow(
      /"epsilon" expected 0 to .*, got -1; "epochs" expected 1 to 100000, got 0; "cleanShare"/,
    );
  });
  it.each([
    [
      'too few labels',
      { labels: new Int32Array(3) },
      'rows, shape and labels expected to fit, got [600, 12] with 3 labels',
    ],
    [
      'values outside the bounds',
      { bounds: [0, 0.25] as const },
      `values expected in [0, 0.25], got ${rows.x.find((value) => value > 0.25)}`,
    ],
    ['rows of another shape', { shape: [600, 3, 4] }, 'rows expected [12], got [3, 4]'],
    [
      'a class that the model does not know',
      { labels: rows.labels.with(7, 2) },
      'label 7 expected 0 to 1, got 2',
    ],
  ])('refuses data that do not fit: %s', async (_, change, message) => {
    await expect(train(request(change), openPlain)).rejects.toMatchObject({
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
    const done = await train(request({ model, batchSize: 100, epochs: 1 }), openPlain);
    expect(done.steps).toBe(6);
    await expect(train(request({ model }), openPlain)).rejects.toMatchObject({
      code: 'invalid-option',
      message: '"batchSize" expected 100, with as many rows in every batch, got 50 of 600 rows',
    });
  });
});
