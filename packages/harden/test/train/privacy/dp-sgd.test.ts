/** Private training: what a row can do, how samples are drawn, and what comes of it. */
import { seeded } from '@merlon/core';
import { readOnnx } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { type TrainRequest, train } from '../../../src/index.ts';
import type { Gradients } from '../../../src/train/network.ts';
import { openNetwork } from '../../../src/train/network.ts';
import { privateTraining } from '../../../src/train/privacy/dp-sgd.ts';
import { secureSource } from '../../../src/train/privacy/source.ts';
import { settingsOf } from '../../../src/train/request.ts';
import { curved, data, fragile, goal, openPlain, request, robust, rows } from '../models.ts';

const wish = (change: Partial<TrainRequest> = {}): TrainRequest =>
  request({ method: 'dp-sgd', privacy: goal, batchSize: 100, epochs: 8, ...change });
const silent = { uniform: () => 0, normal: () => 0 };

/** The gradient of a step without noise, over the given rows. */
async function gradientOf(given: ReturnType<typeof data>, clipNorm: number): Promise<Gradients> {
  const network = await openNetwork(curved(), openPlain, 1);
  const count = given.labels.length;
  const of = { rows: count, rate: 1, clipNorm, noiseMultiplier: 1, sourceOf: () => silent };
  let found: Gradients = new Map();
  const update = (gradients: Gradients): void => {
    found = new Map([...gradients].map(([name, each]) => [name, each.slice()]));
  };
  const settings = settingsOf(wish());
  const context = { settings, network, random: seeded(1), step: 0, grown: 1, update };
  const { x, shape, labels } = given;
  await privateTraining(network, of).step(context, { x, shape, labels });
  await network.close();
  return found;
}

const lengthOf = (gradients: Gradients): number =>
  Math.hypot(...[...gradients.values()].flatMap((each) => [...each]));

describe('the gradient of a private step', () => {
  it('is the mean gradient where nothing is shortened', async () => {
    const some = data(8, 3);
    const found = await gradientOf(some, 1e6);
    const network = await openNetwork(curved(), openPlain, 1);
    const mean = network.zeros();
    await network.gradient(some, mean);
    await network.close();
    for (const [name, expected] of mean) {
      for (const [i, value] of expected.entries()) {
        expect(found.get(name)?.[i]).toBeCloseTo(value, 5);
      }
    }
  });
  it('moves by no more than the norm when a row comes in', async () => {
    const clipNorm = 0.01;
    const all = await gradientOf(data(1, 3), clipNorm);
    expect(lengthOf(all)).toBeLessThanOrEqual(clipNorm * (1 + 1e-5));
    expect(lengthOf(all)).toBeGreaterThan(clipNorm * 0.999);
    // Rows that agree add up; none counts for more than the norm.
    expect(lengthOf(await gradientOf(data(8, 3), clipNorm))).toBeLessThan(clipNorm * 1.0001);
  });
  it('has noise of the multiplier times the norm, over the expected rows', async () => {
    const network = await openNetwork(curved(), openPlain, 1);
    const source = seeded(5);
    const of = { rows: 1000, rate: 0.1, clipNorm: 0.5, noiseMultiplier: 4, sourceOf: () => source };
    const seen: number[] = [];
    const update = (gradients: Gradients): void => {
      for (const each of gradients.values()) seen.push(...each);
    };
    const settings = settingsOf(wish());
    const context = { settings, network, random: seeded(1), step: 0, grown: 1, update };
    const none = { x: new Float32Array(0), shape: [0, 12], labels: new Int32Array(0) };
    const method = privateTraining(network, of);
    for (let step = 0; step < 50; step++) await method.step(context, none);
    await network.close();
    const deviation = Math.sqrt(seen.reduce((sum, each) => sum + each * each, 0) / seen.length);
    expect(deviation / ((4 * 0.5) / 100)).toBeCloseTo(1, 1);
  });
});

describe('samples', () => {
  it('take each row by itself with the same chance', async () => {
    const network = await openNetwork(curved(), openPlain, 1);
    const of = { rows: 400, rate: 0.25, clipNorm: 1, noiseMultiplier: 1, sourceOf: seeded(6).fork };
    const method = privateTraining(network, of);
    await network.close();
    const sizes = Array.from({ length: 200 }, (_, step) => method.draw?.(step).length ?? 0);
    const mean = sizes.reduce((sum, size) => sum + size, 0) / sizes.length;
    const spread = sizes.reduce((sum, size) => sum + (size - mean) ** 2, 0) / sizes.length;
    expect(Math.abs(mean - 100)).toBeLessThan(3);
    // Binomial, so that sizes vary: fixed batches would break the accounting.
    expect(spread).toBeGreaterThan(45);
    expect(spread).toBeLessThan(110);
  });
  it('come from the operating system unless they are to repeat', () => {
    const [a, b] = [secureSource(), secureSource()];
    expect(a.normal()).not.toBe(b.normal());
    const drawn = Array.from({ length: 20_000 }, () => a.uniform());
    expect(drawn.every((value) => value >= 0 && value < 1)).toBe(true);
    expect(drawn.reduce((sum, value) => sum + value, 0) / drawn.length).toBeCloseTo(0.5, 1);
  });
});

describe('private training', () => {
  it('draws sample and noise of every step from streams of their own', async () => {
    const network = await openNetwork(curved(), openPlain, 1);
    const uses: string[] = [];
    const sourceOf = (use: string): typeof silent => {
      uses.push(use);
      return silent;
    };
    const of = { rows: 8, rate: 0.5, clipNorm: 1, noiseMultiplier: 1, sourceOf };
    const method = privateTraining(network, of);
    const shared = { settings: settingsOf(wish()), network, random: seeded(1), grown: 1 };
    for (let step = 0; step < 3; step++) {
      method.draw?.(step);
      await method.step({ ...shared, step, update: () => undefined }, data(1, 3));
    }
    await network.close();
    expect(new Set(uses).size).toBe(6);
  });
  it('learns from fresh weights, tells what it spent, and repeats', async () => {
    const first = await train(wish(), openPlain);
    const again = await train(wish({ random: seeded(1) }), openPlain);
    expect(first.model).toEqual(again.model);
    expect((await robust(first.model)).clean).toBeGreaterThan(0.9);
    expect(first.privacy?.delta).toBe(1e-3);
    expect(first.privacy?.epsilon).toBeLessThanOrEqual(8);
    expect(first.privacy?.epsilon).toBeGreaterThan(7.9);
    expect(first.privacy?.noiseMultiplier).toBeGreaterThan(0.3);
  });
  it('does not repeat without being told to', async () => {
    const privacy = { ...goal, repeatable: false };
    const models = [];
    for (let run = 0; run < 2; run++) {
      const once = wish({ privacy, epochs: 1, random: seeded(1) });
      models.push((await train(once, openPlain)).model);
    }
    expect(models[0]).not.toEqual(models[1]);
  });
  it('begins with nothing of the model, unless that is wished', async () => {
    const still = { learningRate: 0, epochs: 1 };
    const fresh = await train(wish(still), openPlain);
    const kept = await train(
      wish({ ...still, privacy: { ...goal, keepWeights: true } }),
      openPlain,
    );
    const own = readOnnx(fragile()).graph.initializers;
    expect(readOnnx(kept.model).graph.initializers).toEqual(own);
    const [weight, bias] = readOnnx(fresh.model).graph.initializers;
    expect(weight?.data).not.toEqual(own[0]?.data);
    expect(new Float32Array(bias?.data.slice().buffer ?? [])).toEqual(new Float32Array(2));
  });
  it('refuses promises that are none', async () => {
    const privacy = { ...goal, epsilon: 0, delta: 1, clipNorm: 0 };
    await expect(train(wish({ privacy }), openPlain)).rejects.toThrow(
      /"privacy.epsilon" expected .*; "privacy.delta" expected .*; "privacy.clipNorm" expected/,
    );
    const { privacy: _, ...without } = wish({ labels: rows.labels });
    await expect(train(without, openPlain)).rejects.toThrow(/"privacy.epsilon" expected/);
  });
});
