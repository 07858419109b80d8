/** An exponential moving average of weights (Polyak and Juditsky 1992; Izmailov et al. 2018). */
import type { Trained } from './optimizer.ts';

/** Weights over time. */
export interface Average {
  /** Takes the present weights in. */
  add(): void;
  /** Copies of the averaged weights; of the present ones when nothing is averaged. */
  snapshot(): ReadonlyMap<string, Float32Array>;
}

/**
 * Averages weights with `decay` from 0 (no average) to 1; the decay grows from 0.1 in the first
 * steps, or the average would remember the beginning for the whole of a short run.
 */
export function averageOf(weights: Trained, decay: number): Average {
  const copies = (): Map<string, Float32Array> =>
    new Map([...weights].map(([name, { data }]) => [name, data.slice()]));
  if (decay === 0) return { add: () => undefined, snapshot: copies };
  const averaged = copies();
  let steps = 0;
  return {
    add: () => {
      const kept = Math.min(decay, (1 + steps) / (10 + steps));
      steps++;
      for (const [name, { data }] of weights) {
        const average = averaged.get(name) ?? data;
        for (let i = 0; i < data.length; i++) {
          average[i] = kept * (average[i] ?? 0) + (1 - kept) * (data[i] ?? 0);
        }
      }
    },
    snapshot: () => new Map([...averaged].map(([name, data]) => [name, data.slice()])),
  };
}
