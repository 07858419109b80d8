/** Training under Gaussian noise, so that smoothing certifies (Cohen et al. 2019, section 3.3). */
import { noisy } from '../../smooth/noise.ts';
import { countRight } from '../batch.ts';
import type { Network } from '../network.ts';
import { type Method, meanOf } from './method.ts';

/** Cross-entropy at rows with fresh noise; values leave the bounds, as they do in smoothing. */
export function noiseTraining(network: Network): Method {
  const gradients = network.zeros();
  return {
    step: async ({ settings, random, update }, batch) => {
      const x = noisy(batch.x, settings.sigma, random);
      const { losses, scores } = await network.gradient({ ...batch, x }, gradients);
      update(gradients);
      return { loss: meanOf(losses), right: countRight(scores, batch.labels) };
    },
  };
}
