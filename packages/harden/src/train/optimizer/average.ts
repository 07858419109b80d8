/** An exponential moving average of weights (Polyak and Juditsky 1992; Izmailov et al. 2018). */
import { emptyMemory, type Memory } from '../checkpoint/memory.ts';
import type { Trained } from './optimizer.ts';

/** Weights over time. */
export interface Average {
  /** Takes the present weights in. */
  add(): void;
  /** Copies of the averaged weights; of the present ones when nothing is averaged. */
  snapshot(): ReadonlyMap<string, Float32Array>;
  /** Copies of the present weights. */
  present(): ReadonlyMap<string, Float32Array>;
}

/**
 * Averages weights with `decay` from 0 (no average) to 1; the decay grows from 0.1 in the first
 * steps, or the average would remember the beginning for the whole of a short run.
 */
export function averageOf(
  weights: Trained,
  decay: number,
  memory: Memory = emptyMemory(),
): Average {
  const copies = (): Map<string, Float32Array> =>
    new Map([...weights].map(([name, { data }]) => [name, data.slice()]));
  if (decay === 0) return { add: () => undefined, snapshot: copies, present: copies };
  const averaged = new Map(
    [...weights].map(([name, { data }]) => [name, memory.array(`average/${name}`, data)]),
  );
  const taken = memory.count('average');
  return {
    add: () => {
      const steps = taken[0] ?? 0;
      const kept = Math.min(decay, (1 + steps) / (10 + steps));
      taken[0] = steps + 1;
      for (const [name, { data }] of weights) {
        const average = averaged.get(name) ?? data;
        for (let i = 0; i < data.length; i++) {
          average[i] = kept * (average[i] ?? 0) + (1 - kept) * (data[i] ?? 0);
        }
      }
    },
    snapshot: () => new Map([...averaged].map(([name, data]) => [name, data.slice()])),
    present: copies,
  };
}
