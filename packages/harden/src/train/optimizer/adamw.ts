/** AdamW: Adam with weight decay apart from the gradient (Loshchilov and Hutter 2019). */
import { emptyMemory, type Memory } from '../checkpoint/memory.ts';
import type { Optimizer, OptimizerOptions, Trained } from './optimizer.ts';

const secondDecay = 0.999;
const least = 1e-8;

/** Algorithm 2 of the paper; `momentum` is β₁, β₂ is 0.999, and decay is multiplied by the rate. */
export function adamW(
  weights: Trained,
  { momentum, weightDecay }: OptimizerOptions,
  memory: Memory = emptyMemory(),
): Optimizer {
  const zeros = (moment: string): Map<string, Float32Array> =>
    new Map(
      [...weights].map(([name, { data }]) => {
        return [
          name,
          memory.array(
            `${moment}/${name}`,
            data.map(() => 0),
          ),
        ];
      }),
    );
  const [firsts, seconds] = [zeros('first'), zeros('second')];
  const taken = memory.count('adamw');
  return (gradients, rate) => {
    const steps = (taken[0] ?? 0) + 1;
    taken[0] = steps;
    const firstBias = 1 - momentum ** steps;
    const secondBias = Math.sqrt(1 - secondDecay ** steps);
    for (const [name, { data }] of weights) {
      const gradient = gradients.get(name);
      const first = firsts.get(name);
      const second = seconds.get(name);
      if (gradient === undefined || first === undefined || second === undefined) continue;
      for (let i = 0; i < data.length; i++) {
        const g = gradient[i] ?? 0;
        const m = momentum * (first[i] ?? 0) + (1 - momentum) * g;
        const v = secondDecay * (second[i] ?? 0) + (1 - secondDecay) * g * g;
        first[i] = m;
        second[i] = v;
        const pull = m / firstBias / (Math.sqrt(v) / secondBias + least);
        const w = data[i] ?? 0;
        data[i] = w - rate * (pull + weightDecay * w);
      }
    }
  };
}
