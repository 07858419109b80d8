/** Two-sample chi-squared test over categories (Pearson 1900), without Yates' correction. */
import { MonitorError } from '../error.ts';
import { chiSquaredTail } from './gamma.ts';

/** Statistic, degrees of freedom and p-value. */
export interface ChiSquared {
  readonly statistic: number;
  /** Categories that occur at all, less one. */
  readonly degrees: number;
  /** Chance of a statistic at least as large if both samples had one distribution. */
  readonly pValue: number;
}

/**
 * Compares how often each category occurs in two samples; categories that occur in neither are
 * left out. Throws `bad-sample` when the lengths differ or a sample is empty. Cost: linear.
 */
export function chiSquaredTest(a: ArrayLike<number>, b: ArrayLike<number>): ChiSquared {
  const [totalA, totalB] = totals(a, b);
  let statistic = 0;
  let seen = 0;
  for (let i = 0; i < a.length; i++) {
    const both = (a[i] ?? 0) + (b[i] ?? 0);
    if (both === 0) continue;
    seen++;
    const expectedA = (both * totalA) / (totalA + totalB);
    const expectedB = both - expectedA;
    statistic += ((a[i] ?? 0) - expectedA) ** 2 / expectedA;
    statistic += ((b[i] ?? 0) - expectedB) ** 2 / expectedB;
  }
  const degrees = seen - 1;
  return { statistic, degrees, pValue: degrees === 0 ? 1 : chiSquaredTail(statistic, degrees) };
}

/** Sums of two histograms over the same categories; throws `bad-sample` as told above. */
export function totals(a: ArrayLike<number>, b: ArrayLike<number>): [number, number] {
  if (a.length !== b.length) {
    const got = `${a.length} and ${b.length}`;
    throw new MonitorError('bad-sample', `counts expected as many categories in both, got ${got}`);
  }
  const sum = (counts: ArrayLike<number>): number => {
    let total = 0;
    for (let i = 0; i < counts.length; i++) {
      const count = counts[i] ?? 0;
      if (!(count >= 0 && Number.isFinite(count))) {
        throw new MonitorError('bad-sample', `counts expected numbers of 0 or more, got ${count}`);
      }
      total += count;
    }
    if (total === 0) throw new MonitorError('bad-sample', 'counts expected a sample, got none');
    return total;
  };
  return [sum(a), sum(b)];
}
