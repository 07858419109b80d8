/**
 * Training on the worst rows found in the ball: PGD (Madry et al. 2018), or, with one step of
 * 1.25 ε, "fast" adversarial training (Wong, Rice and Kolter 2020).
 */
import { countRight } from '../batch.ts';
import type { Network } from '../network.ts';
import { attacked } from './ascend.ts';
import { type Method, meanOf } from './method.ts';

/** Cross-entropy at attacked rows; steps and their length are in the settings. */
export function pgdTraining(network: Network): Method {
  const gradients = network.zeros();
  return {
    step: async (context, batch) => {
      const x = await attacked(context, batch);
      const { losses, scores } = await network.gradient({ ...batch, x }, gradients);
      context.update(gradients);
      return { loss: meanOf(losses), right: countRight(scores, batch.labels) };
    },
  };
}
