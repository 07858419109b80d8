/** Stochastic gradient descent with momentum (Polyak 1964) on weights that are plain arrays. */
import { emptyMemory, type Memory } from '../checkpoint/memory.ts';
import type { Optimizer, OptimizerOptions, Trained } from './optimizer.ts';

/** v ← momentum · v + gradient + decay · w; w ← w − rate · v, as PyTorch's SGD does. */
export function sgd(
  weights: Trained,
  { momentum, weightDecay }: OptimizerOptions,
  memory: Memory = emptyMemory(),
): Optimizer {
  const speeds = new Map(
    [...weights].map(([name, { data }]) => {
      return [
        name,
        memory.array(
          `speed/${name}`,
          data.map(() => 0),
        ),
      ];
    }),
  );
  return (gradients, rate) => {
    for (const [name, { data }] of weights) {
      const gradient = gradients.get(name);
      const speed = speeds.get(name);
      if (gradient === undefined || speed === undefined) continue;
      for (let i = 0; i < data.length; i++) {
        const w = data[i] ?? 0;
        const v = momentum * (speed[i] ?? 0) + (gradient[i] ?? 0) + weightDecay * w;
        speed[i] = v;
        data[i] = w - rate * v;
      }
    }
  };
}
