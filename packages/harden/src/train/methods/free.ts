/**
 * Free adversarial training (Shafahi et al. 2019, algorithm 1): each batch is used m times, and
 * every pass gives one step of the weights and one of the perturbation, which outlives the batch.
 */
import { countRight } from '../batch.ts';
import type { Memory } from '../checkpoint/memory.ts';
import type { Network } from '../network.ts';
import { ascentOf } from './ascend.ts';
import { type Method, meanOf, type StepFigures } from './method.ts';

/** The perturbation begins at 0 and is carried from batch to batch. */
export function freeTraining(network: Network, memory: Memory): Method {
  const gradients = network.zeros();
  return {
    step: async (context, batch) => {
      const { epsilon, stepSize, bounds } = ascentOf(context);
      const [low, high] = bounds;
      const { batchSize, labels, x: all } = context.settings;
      const most = Math.min(batchSize, labels.length) * (all.length / labels.length);
      const carried = memory.array('carried', new Float32Array(most));
      let figures: StepFigures = { loss: 0, right: 0 };
      for (let replay = 0; replay < context.settings.replays; replay++) {
        context.settings.signal?.throwIfAborted();
        const x = batch.x.map((value, i) => {
          return Math.max(low, Math.min(high, value + (carried[i] ?? 0)));
        });
        const rows = { ...batch, x };
        // Both gradients are taken at the same weights, as one backward pass gives them.
        const slope = await network.climb(rows);
        const { losses, scores } = await network.gradient(rows, gradients);
        context.update(gradients);
        for (let i = 0; i < x.length; i++) {
          const moved = (carried[i] ?? 0) + stepSize * Math.sign(slope[i] ?? 0);
          carried[i] = Math.max(-epsilon, Math.min(epsilon, moved));
        }
        figures = { loss: meanOf(losses), right: countRight(scores, batch.labels) };
      }
      return figures;
    },
  };
}
