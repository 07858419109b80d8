/** Private training from the settings: how much noise, from where, and what it spends. */
import type { Random } from '@merlon/core';
import { HardenError } from '../../error.ts';
import { freshModel } from '../fresh.ts';
import type { Method } from '../methods/method.ts';
import type { Network } from '../network.ts';
import type { TrainSettings } from '../request.ts';
import { privateTraining } from './dp-sgd.ts';
import { noiseFor, type PrivacySpent } from './plan.ts';
import { rdpEpsilon } from './rdp.ts';
import { secureSource } from './source.ts';

/** The method, and what it has spent after so many steps. */
export interface PrivateRun {
  readonly method: Method;
  spent(steps: number): PrivacySpent;
}

/** Private training over a network; throws `invalid-option` when no noise is enough. */
export function privateRun(network: Network, settings: TrainSettings): PrivateRun {
  const { privacy, labels, batchSize, epochs, random } = settings;
  if (privacy === undefined) {
    throw new HardenError('invalid-option', '"privacy" expected epsilon and delta, got nothing');
  }
  const rows = labels.length;
  const rate = Math.min(1, batchSize / rows);
  const steps = epochs * Math.ceil(rows / batchSize);
  const noiseMultiplier = noiseFor({ rate, steps }, privacy);
  const secure = secureSource();
  const repeating = random.fork('privacy');
  const sourceOf = (use: string) => (privacy.repeatable ? repeating.fork(use) : secure);
  const { clipNorm, delta } = privacy;
  return {
    method: privateTraining(network, { rows, rate, clipNorm, noiseMultiplier, sourceOf }),
    spent: (taken) => {
      const epsilon = rdpEpsilon({ rate, noiseMultiplier, steps: taken }, delta);
      return { epsilon, delta, noiseMultiplier };
    },
  };
}

/**
 * The model that private training begins with: nothing in it may come from the data. Throws
 * `invalid-data` naming a weight that cannot be drawn anew.
 */
export function privateStart(
  settings: TrainSettings,
  random: Random,
): { readonly model: Uint8Array; readonly check: (network: Network) => void } {
  const { model, privacy } = settings;
  if (privacy?.keepWeights === true) return { model, check: () => undefined };
  const fresh = freshModel(model, random);
  return {
    model: fresh.model,
    check: ({ weights }) => {
      const kept = [...weights.keys()].find((name) => !fresh.begun.has(name));
      if (kept === undefined) return;
      throw new HardenError('invalid-data', `weight "${kept}" cannot be drawn anew`, {
        hint: 'if the model never saw these data, keep its weights',
      });
    },
  };
}
