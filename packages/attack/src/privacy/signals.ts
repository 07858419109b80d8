/**
 * The signal of membership inference: the logit of the right class's share (Carlini et al. 2022,
 * section V-A), which is near normal over models where shares and losses are not.
 */
import type { Dataset } from '@merlon/graph';
import { AttackError } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';

/** The greatest logit that float64 shares tell apart. */
const logitMax = 700;

/** What the answers to rows tell of them. */
export interface MembershipSignals {
  /** The logit of the right class's share, log(p / (1 − p)), of each row; within ±700. */
  readonly logits: Float64Array;
  /** Share of rows that are answered right. */
  readonly accuracy: number;
}

/** Asks a model once about each row; throws `invalid-data` for labels that it has no score of. */
export async function membershipSignals(
  model: Classifier,
  data: Pick<Dataset, 'x' | 'labels'>,
): Promise<MembershipSignals> {
  const count = data.labels.length;
  if (count === 0)
    throw new AttackError('invalid-data', 'members and others expected rows, got none');
  const { values, classes, predictions } = await model.scores(data.x);
  const shares = areShares(values, classes);
  const logits = new Float64Array(count);
  let right = 0;
  for (let row = 0; row < count; row++) {
    const label = data.labels[row] ?? 0;
    if (label >= classes) {
      const got = `row ${row + 1} is of class ${label}`;
      throw new AttackError('invalid-data', `labels expected classes below ${classes}: ${got}`);
    }
    right += predictions[row] === label ? 1 : 0;
    const own = values.subarray(row * classes, (row + 1) * classes);
    const logit = shares ? logitOfShare(own, label) : logitOfScore(own, label);
    logits[row] = Math.min(Math.max(logit, -logitMax), logitMax);
  }
  return { logits, accuracy: right / count };
}

/** True when each row is a distribution: scores that a softmax or a forest gave. */
function areShares(values: Float32Array, classes: number): boolean {
  for (let start = 0; start < values.length; start += classes) {
    let sum = 0;
    for (let k = start; k < start + classes; k++) {
      const value = values[k] ?? 0;
      if (!(value >= 0 && value <= 1)) return false;
      sum += value;
    }
    if (Math.abs(sum - 1) > 1e-3) return false;
  }
  return true;
}

function logitOfShare(shares: Float32Array, label: number): number {
  let others = 0;
  for (const [k, share] of shares.entries()) if (k !== label) others += share;
  return Math.log(shares[label] ?? 0) - Math.log(others);
}

/** The score of the label less the logarithm of the others' exponentials. */
function logitOfScore(scores: Float32Array, label: number): number {
  let most = Number.NEGATIVE_INFINITY;
  for (const [k, score] of scores.entries()) if (k !== label) most = Math.max(most, score);
  let sum = 0;
  for (const [k, score] of scores.entries()) if (k !== label) sum += Math.exp(score - most);
  return (scores[label] ?? 0) - most - Math.log(sum);
}
