/**
 * How far the signals of two groups are apart, told as Carlini et al. 2022 ask for it: by what is
 * found while almost nobody is accused wrongly, with intervals.
 */

/** A share with the ends of its 95 % interval. */
export interface Share {
  readonly value: number;
  readonly low: number;
  readonly high: number;
}

/** How well members are told from others by a signal that is greater for members. */
export interface Separation {
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
}

const deviations95 = 1.959964;

/** The separation of signals of members from those of others. */
export function separationOf(own: Float64Array, others: Float64Array): Separation {
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
  };
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

/** A share of so many rows with its Wilson interval. */
export function shareOf(found: number, of: number): Share {
  const [value, square] = [found / of, deviations95 ** 2];
  const middle = (value + square / (2 * of)) / (1 + square / of);
  const spread = Math.sqrt((value * (1 - value)) / of + square / (4 * of * of));
  const reach = (deviations95 * spread) / (1 + square / of);
  return { value, low: Math.max(0, middle - reach), high: Math.min(1, middle + reach) };
}
