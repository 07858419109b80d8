/** Gradients of the network in training against central differences of its own scores. */
import { seeded } from '@merlon/core';
import { type OpenModel, openFastest, openSession } from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { type ScorePair, sharesOf, tradesLoss } from '../../src/train/methods/pair-loss.ts';
import { type Network, openNetwork } from '../../src/train/network.ts';
import { curved, data, features, openPlain } from './models.ts';

const { x, labels, shape } = data(6, 3);
const batch = { x, labels, shape };
const moved = { x: x.map((value, i) => value + (i % 3) / 20), shape };
const step = 1e-3;

async function using(work: (network: Network) => Promise<void>, open: OpenModel = openPlain) {
  const network = await openNetwork(curved(), open, 1);
  try {
    await work(network);
  } finally {
    await network.close();
  }
}

async function tradesAt(network: Network): Promise<{ pair: ScorePair; mean: number }> {
  const clean = await network.scores(batch);
  const pair = { clean, attacked: await network.scores(moved), labels };
  const { losses } = tradesLoss(pair, 6);
  return { pair, mean: losses.reduce((sum, loss) => sum + loss, 0) / losses.length };
}

describe('the network in training', () => {
  it.each([
    ['plain', openPlain],
    ['fastest', openFastest],
  ])('gives the scores of the model: %s', async (_, open) => {
    await using(async (network) => {
      const session = await openSession(network.file(new Map()));
      const out = await session.run({ x: { type: 'float32', shape, data: x } });
      await session.close();
      const expected = out.scores?.data as Float32Array;
      const found = await network.scores(batch);
      for (const [i, score] of expected.entries()) expect(found[i]).toBeCloseTo(score, 5);
    }, open);
  });
  it('pulls a loss of two passes back to the weights', async () => {
    await using(async (network) => {
      const { pair } = await tradesAt(network);
      const { byClean, byAttacked } = tradesLoss(pair, 6);
      const [first, second] = [network.zeros(), network.zeros()];
      await network.pull(batch, byClean, first);
      await network.pull(moved, byAttacked, second);
      let checked = 0;
      for (const [name, weight] of network.weights) {
        for (let i = 0; i < weight.data.length; i += 5) {
          const held = weight.data[i] ?? 0;
          weight.data[i] = held + step;
          const above = (await tradesAt(network)).mean;
          weight.data[i] = held - step;
          const below = (await tradesAt(network)).mean;
          weight.data[i] = held;
          const found = (first.get(name)?.[i] ?? NaN) + (second.get(name)?.[i] ?? NaN);
          expect(Math.abs(found - (above - below) / (2 * step))).toBeLessThan(2e-3);
          checked++;
        }
      }
      expect(checked).toBeGreaterThan(10);
    });
  });
  it('climbs away from shares', async () => {
    await using(async (network) => {
      const shares = sharesOf(await network.scores(batch), 2);
      const divergence = async (rows: Float32Array): Promise<number> => {
        const clean = await network.scores(batch);
        const attacked = await network.scores({ x: rows, shape });
        const [both, plain] = [
          tradesLoss({ clean, attacked, labels }, 1),
          tradesLoss({ clean, attacked, labels }, 0),
        ];
        return both.losses.reduce((sum, loss, i) => sum + loss - (plain.losses[i] ?? 0), 0);
      };
      const slope = await network.climbFrom(moved, shares);
      for (let i = 0; i < features; i++) {
        const [above, below] = [moved.x.slice(), moved.x.slice()];
        above[i] = (above[i] ?? 0) + step;
        below[i] = (below[i] ?? 0) - step;
        const expected = ((await divergence(above)) - (await divergence(below))) / (2 * step);
        expect(Math.abs((slope[i] ?? NaN) - expected)).toBeLessThan(2e-3);
      }
    });
  });
  it('gives a zero slope where a row is its own original', async () => {
    await using(async (network) => {
      const shares = sharesOf(await network.scores(batch), 2);
      const slope = await network.climbFrom(batch, shares);
      expect(Math.max(...slope.map(Math.abs))).toBeLessThan(1e-5);
    });
  });
  it('repeats', async () => {
    const random = seeded(2);
    const cotangent = Float32Array.from({ length: 12 }, () => random.normal());
    await using(async (network) => {
      const [first, second] = [network.zeros(), network.zeros()];
      await network.pull(batch, cotangent, first);
      await network.pull(batch, cotangent, second);
      expect(first).toEqual(second);
    });
  });
});
