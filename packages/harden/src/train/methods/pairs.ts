/**
 * Methods that compare the model with itself, on clean and on attacked rows: TRADES (Zhang et al.
 * 2019) and MART (Wang et al. 2020). Their losses are functions of two sets of scores, whose
 * gradients are pulled back through the model one after the other and added.
 */
import { countRight } from '../batch.ts';
import type { Network } from '../network.ts';
import { ascend, ascentOf, normalStart } from './ascend.ts';
import { type Method, meanOf } from './method.ts';
import { martLoss, type PairLoss, type ScorePair, sharesOf, tradesLoss } from './pair-loss.ts';

/** Standard deviation of the noise that the attack starts with. */
const startNoise = 0.001;

/** Attacked rows are those that the model sees most unlike their originals. */
export function trades(network: Network): Method {
  return pairMethod(network, { loss: tradesLoss, against: 'shares' });
}

/** Attacked rows are those of the greatest cross-entropy. */
export function mart(network: Network): Method {
  return pairMethod(network, { loss: martLoss, against: 'labels' });
}

function pairMethod(
  network: Network,
  of: {
    readonly loss: (pair: ScorePair, weight: number) => PairLoss;
    readonly against: 'shares' | 'labels';
  },
): Method {
  const [gradients, second] = [network.zeros(), network.zeros()];
  return {
    step: async (context, batch) => {
      const { labels, shape } = batch;
      const clean = await network.scores(batch);
      const shares = sharesOf(clean, clean.length / Math.max(1, labels.length));
      const x = await ascend(batch, normalStart(batch, startNoise, context.random), {
        ...ascentOf(context),
        slope: (rows) =>
          of.against === 'shares'
            ? network.climbFrom(rows, shares)
            : network.climb({ ...rows, labels }),
      });
      const attacked = await network.scores({ x, shape });
      const loss = of.loss({ clean, attacked, labels }, context.settings.beta);
      await network.pull(batch, loss.byClean, gradients);
      await network.pull({ x, shape }, loss.byAttacked, second);
      for (const [name, gradient] of gradients) {
        const more = second.get(name) ?? gradient;
        for (let i = 0; i < gradient.length; i++) gradient[i] = (gradient[i] ?? 0) + (more[i] ?? 0);
      }
      context.update(gradients);
      return { loss: meanOf(loss.losses), right: countRight(attacked, labels) };
    },
  };
}
