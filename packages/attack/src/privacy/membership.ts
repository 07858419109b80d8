/**
 * Membership inference by thresholds on the loss (Yeom et al. 2018, section 3; the signal is the
 * logit of the right class's share, Carlini et al. 2022, section V-A): how well the answers alone
 * tell rows of the training data from others. Reported as Carlini et al. ask for it: what is found
 * while almost nobody is accused wrongly.
 */
import type { Dataset } from '@merlon/graph';
import { AttackError } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';

/** A share with the ends of its 95 % interval. */
export interface Share {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How well members are told from others. */
export interface MembershipReport {
  readonly members: number;
  readonly nonmembers: number;
  /** Area under the curve of true and false accusations; 0.5 tells nothing. */
  readonly auc: number;
  /** 95 % interval (Hanley and McNeil 1982). */
  readonly aucInterval: readonly [number, number];
  /** Members found while at most one other in a hundred is accused. */
  readonly tprAtFpr01: number;
  /** Members found while at most one other in a thousand is accused. */
  readonly tprAtFpr001: number;
  /** 95 % intervals (Wilson 1927). */
  readonly intervals: { readonly tprAtFpr01: Share; readonly tprAtFpr001: Share };
  /** Accuracy of the best threshold when half of all rows are members: an upper bound. */
  readonly balancedAccuracy: number;
  /** Accuracy of the model itself; the gap is what an attacker needs no signal for. */
  readonly accuracy: { readonly members: number; readonly nonmembers: number };
}

/** The greatest logit that float64 shares tell apart. */
const logitMax = 700;
const deviations95 = 1.959964;

/** Measures how far members and others are told apart; one query a row. */
export async function membership(
  model: Classifier,
  members: Dataset,
  nonmembers: Dataset,
): Promise<MembershipReport> {
  const [inside, outside] = [await signals(model, members), await signals(model, nonmembers)];
  const { logits: own } = inside;
  const { logits: others } = outside;
  const auc = areaUnder(own, others);
  const at = (rate: number): Share => shareOf(foundAt(own, others, rate), own.length);
  const [hundredth, thousandth] = [at(0.01), at(0.001)];
  return {
    members: own.length,
    nonmembers: others.length,
    auc,
    aucInterval: aucInterval(auc, own.length, others.length),
    tprAtFpr01: hundredth.value,
    tprAtFpr001: thousandth.value,
    intervals: { tprAtFpr01: hundredth, tprAtFpr001: thousandth },
    balancedAccuracy: bestBalanced(own, others),
    accuracy: { members: inside.accuracy, nonmembers: outside.accuracy },
  };
}

/** The logit of the right class's share in each answer, and how many answers are right. */
async function signals(
  model: Classifier,
  data: Dataset,
): Promise<{ readonly logits: Float64Array; readonly accuracy: number }> {
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

/** The chance that a member's signal is above another's, ties counting half (Mann-Whitney). */
export function areaUnder(own: Float64Array, others: Float64Array): number {
  const sorted = others.toSorted();
  let above = 0;
  for (const value of own) {
    const below = firstAt(sorted, value);
    above += below + (firstAbove(sorted, value) - below) / 2;
  }
  return above / (own.length * others.length);
}

/** Members whose signal is above that of all but a share of the others. */
export function foundAt(own: Float64Array, others: Float64Array, rate: number): number {
  const sorted = others.toSorted();
  // What is allowed is counted down to whole rows; equal signals are accused together or not.
  const allowed = Math.floor(rate * sorted.length + 1e-9);
  const threshold = sorted[sorted.length - 1 - allowed] ?? Number.NEGATIVE_INFINITY;
  return own.reduce((found, value) => found + (value > threshold ? 1 : 0), 0);
}

function bestBalanced(own: Float64Array, others: Float64Array): number {
  const [inside, outside] = [own.toSorted(), others.toSorted()];
  let best = 0.5;
  for (const threshold of inside) {
    const found = 1 - firstAt(inside, threshold) / inside.length;
    const spared = firstAt(outside, threshold) / outside.length;
    best = Math.max(best, (found + spared) / 2);
  }
  return best;
}

/** The number of elements below a value. */
function firstAt(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function firstAbove(sorted: Float64Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) <= value) low = middle + 1;
    else high = middle;
  }
  return low;
}

function aucInterval(auc: number, own: number, others: number): readonly [number, number] {
  const [first, second] = [auc / (2 - auc), (2 * auc * auc) / (1 + auc)];
  const squares = auc * auc;
  const variance =
    (auc * (1 - auc) + (own - 1) * (first - squares) + (others - 1) * (second - squares)) /
    (own * others);
  const reach = deviations95 * Math.sqrt(Math.max(0, variance));
  return [Math.max(0, auc - reach), Math.min(1, auc + reach)];
}

function shareOf(found: number, of: number): Share {
  const [value, square] = [found / of, deviations95 ** 2];
  const middle = (value + square / (2 * of)) / (1 + square / of);
  const spread = Math.sqrt((value * (1 - value)) / of + square / (4 * of * of));
  const reach = (deviations95 * spread) / (1 + square / of);
  return { value, low: Math.max(0, middle - reach), high: Math.min(1, middle + reach) };
}
