/**
 * Differentially private SGD (Abadi et al. 2016, algorithm 1): the gradient of each row is
 * shortened to C, the sum gets Gaussian noise, and every step takes a Poisson sample of the rows.
 */
import { countRight, part } from '../batch.ts';
import { type Method, meanOf } from '../methods/method.ts';
import type { Gradients, Network } from '../network.ts';
import { normOf } from '../optimizer/clip.ts';
import type { NoiseSource } from './source.ts';

/** How the gradient of a step is bounded and hidden. */
export interface PrivateOptions {
  readonly rows: number;
  /** Chance of each row to be in a step. */
  readonly rate: number;
  readonly clipNorm: number;
  readonly noiseMultiplier: number;
  /** The stream of a use, named by it and the step. */
  readonly sourceOf: (use: string) => NoiseSource;
}

/** Rows are run one by one, which gives each its own gradient. */
export function privateTraining(network: Network, options: PrivateOptions): Method {
  const { rows, rate, clipNorm, noiseMultiplier, sourceOf } = options;
  const [own, sum] = [network.zeros(), network.zeros()];
  return {
    draw: (step) => {
      const source = sourceOf(`sample ${step}`);
      const all = Uint32Array.from({ length: rows }, (_, i) => i);
      return all.filter(() => source.uniform() < rate);
    },
    step: async ({ settings, update, step }, batch) => {
      for (const total of sum.values()) total.fill(0);
      const losses: number[] = [];
      let right = 0;
      for (let row = 0; row < batch.labels.length; row++) {
        settings.signal?.throwIfAborted();
        const one = part(batch, row, row + 1);
        const pass = await network.gradient(one, own);
        losses.push(...pass.losses);
        right += countRight(pass.scores, one.labels);
        addClipped(sum, own, clipNorm);
      }
      // Divided by the expected number of rows: the true one is private.
      const expected = rows * rate;
      const source = sourceOf(`noise ${step}`);
      for (const total of sum.values()) {
        for (let i = 0; i < total.length; i++) {
          const noise = noiseMultiplier * clipNorm * source.normal();
          total[i] = ((total[i] ?? 0) + noise) / expected;
        }
      }
      update(sum);
      return { loss: meanOf(losses), right };
    },
  };
}

function addClipped(sum: Gradients, own: Gradients, clipNorm: number): void {
  const shrink = Math.min(1, clipNorm / Math.max(normOf(own.values()), Number.MIN_VALUE));
  for (const [name, total] of sum) {
    const gradient = own.get(name) ?? total;
    for (let i = 0; i < total.length; i++) {
      total[i] = (total[i] ?? 0) + shrink * (gradient[i] ?? 0);
    }
  }
}
