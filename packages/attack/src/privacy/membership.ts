/**
 * Membership inference by thresholds on the loss (Yeom et al. 2018, section 3; the signal is the
 * logit of the right class's share, Carlini et al. 2022, section V-A): how well the answers alone
 * tell rows of the training data from others.
 */
import type { Dataset } from '@merlon/graph';
import type { Classifier } from '../model/classifier.ts';
import { type Separation, separationOf } from './separation.ts';
import { membershipSignals } from './signals.ts';

/** How well members are told from others. */
export interface MembershipReport extends Separation {
  /** Accuracy of the model itself; the gap is what an attacker needs no signal for. */
  readonly accuracy: { readonly members: number; readonly nonmembers: number };
}

/** Measures how far members and others are told apart; one query a row. */
export async function membership(
  model: Classifier,
  members: Dataset,
  nonmembers: Dataset,
): Promise<MembershipReport> {
  const inside = await membershipSignals(model, members);
  const outside = await membershipSignals(model, nonmembers);
  return {
    ...separationOf(inside.logits, outside.logits),
    accuracy: { members: inside.accuracy, nonmembers: outside.accuracy },
  };
}
