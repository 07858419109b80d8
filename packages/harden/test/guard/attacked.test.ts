import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { gradientSource, gradientsOfModel } from '@merlon/attack';
import { seeded, systemClock } from '@merlon/core';
import { openSession, readDataset, readOnnx, type Session, slice } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { guardedGradients, guardedSession, measureGuards } from '../../src/index.ts';

/** Gives twice what it is fed as scores, and says what it was fed. */
function echo() {
  const fed: Float32Array[] = [];
  const session: Session = {
    inputs: [{ name: 'x', type: 'float32', shape: [-1, 2] }],
    outputs: [{ name: 'y', type: 'float32', shape: [-1, 2] }],
    run: async ({ x }) => {
      const data = x?.data as Float32Array;
      fed.push(data.slice());
      return { y: { type: 'float32', shape: [1, 2], data: data.map((value) => 2 * value) } };
    },
    close: async () => undefined,
  };
  return { fed, session };
}

const feeds = { x: { type: 'float32', shape: [1, 2], data: Float32Array.of(0.3, 5) } } as const;
const draws = { random: seeded(1), draws: 4000 };

describe('a model behind guards', () => {
  it('is fed what the guards let through, and tells what they let out', async () => {
    const { fed, session } = echo();
    const range = { min: [0, 0], max: [1, 1], margin: 0 };
    const guards = { input: { rounding: { steps: [0.5, 2] }, range }, output: { topK: 1 } };
    const { y } = await guardedSession(session, guards, draws).run(feeds);
    expect(fed).toEqual([Float32Array.of(0.5, 6)]);
    // The first score is hidden below what is told; out of range is no matter here.
    expect(Array.from((y?.data ?? []) as Float32Array, (value) => value > 0.99)).toEqual([
      false,
      true,
    ]);
    expect(feeds.x.data).toEqual(Float32Array.of(0.3, 5));
  });
  it('tells the mean of its answers where it adds noise', async () => {
    const { fed, session } = echo();
    const guards = { input: { noise: { sigma: 0.5 } } };
    const { y } = await guardedSession(session, guards, draws).run(feeds);
    expect(fed.length).toBe(4000);
    const [a = 0, b = 0] = (y?.data ?? []) as Float32Array;
    // Five standard errors of the mean: 5 · 2 · 0.5 / √4000.
    expect(Math.abs(a - 0.6)).toBeLessThan(0.08);
    expect(Math.abs(b - 10)).toBeLessThan(0.08);
  });
  it('is differentiated where the guards put the input', async () => {
    const { fed, session } = echo();
    const source = gradientSource(async () => session);
    const guards = { input: { rounding: { steps: [0.5, 2] } }, output: { labelOnly: true } };
    const through = await guardedGradients(source, guards, draws).session('cross-entropy');
    const into = { y: { type: 'float32', shape: [1, 2], data: new Float32Array(2) } } as const;
    await through.run(feeds, ['y'], into);
    expect(fed).toEqual([Float32Array.of(0.5, 6)]);
    // Output guards have no say in gradients.
    expect(into.y.data).toEqual(Float32Array.of(1, 12));
  });
});

describe('guards of a model', { timeout: 120_000 }, () => {
  const rows = 40;
  const at = (path: string) => fileURLToPath(new URL(`../../../../${path}`, import.meta.url));
  const bytes = new Uint8Array(readFileSync(at('models/digits-cnn.onnx')));
  const mnist = new Uint8Array(readFileSync(at('data/mnist-test.npz')));
  const data = slice(readDataset(mnist, { name: 'mnist.npz' }), 0, rows);
  const measured = async (guards: object) => {
    const session = await openSession(bytes);
    const gradient = await gradientsOfModel(readOnnx(bytes));
    const common = { epsilon: 0.1, seed: 3, samples: rows, clock: systemClock };
    return measureGuards({ session, gradient }, guards, data, {
      ...{ ...common, draws: 8, queriesMax: 10 },
    });
  };

  it('are seen through when they only hide gradients', async () => {
    const found = await measured({ input: { noise: { sigma: 0.1 } } });
    expect(found.bare.robust).toBeLessThan(0.5);
    expect(found.unaware - found.adaptive).toBeGreaterThan(0.05);
    expect(found.remarks[0]).toContain('the guards hide gradients: an attacker who knows');
  });
  it('change nothing when there are none, and are told to be no defence', async () => {
    const found = await measured({});
    expect(await measured({})).toEqual(found);
    expect([found.clean, found.unaware, found.adaptive]).toEqual([
      ...[found.bare.clean, found.bare.robust, found.bare.robust],
    ]);
    expect(found.remarks).toEqual([expect.stringContaining('no defence against such attackers')]);
  });
});
