/** p-values by rank among figures seen on benign rows (conformal p-values, Vovk et al. 2005). */

/**
 * Chance of a figure as small: (1 + seen that are no larger) / (1 + seen). Below all that was
 * seen it shrinks in proportion to the figure, so that nearer still counts as rarer.
 */
export function lowerTail(sorted: ArrayLike<number>, value: number): number {
  const count = countUpTo(sorted, value);
  const least = sorted[0] ?? 0;
  if (count > 0 || sorted.length === 0) return (1 + count) / (1 + sorted.length);
  return value / least / (1 + sorted.length);
}

/** Chance of a figure as large: (1 + seen that are no smaller) / (1 + seen). */
export function upperTail(sorted: ArrayLike<number>, value: number): number {
  // Equal figures count for both tails, so that ties never make evidence.
  const below = countUpTo(sorted, value, false);
  return (1 + sorted.length - below) / (1 + sorted.length);
}

/** Evidence of a p-value: its negative logarithm, at most 8 so that no one row is an alarm. */
export function evidence(pValue: number): number {
  return Math.min(-Math.log(pValue), evidenceMax);
}

const evidenceMax = 8;

/** How many sorted figures are at most (or, not `inclusive`, below) a value. Bisection. */
function countUpTo(sorted: ArrayLike<number>, value: number, inclusive = true): number {
  let low = 0;
  let high = sorted.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    const at = sorted[middle] ?? 0;
    if (at < value || (inclusive && at === value)) low = middle + 1;
    else high = middle;
  }
  return low;
}
