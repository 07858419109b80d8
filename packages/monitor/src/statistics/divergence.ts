/**
 * How far two distributions over the same categories are apart: the population stability index
 * (Siddiqi 2006; Jeffreys' divergence of the shares) and the Jensen–Shannon distance (Lin 1991).
 */
import { totals } from './chi-squared.ts';

/**
 * Population stability index of two histograms: 0 when equal; by custom above 0.1 some and above
 * 0.2 much change. Shares below `floor` count as `floor`, since an empty category would make it
 * infinite. Throws `bad-sample` on unequal lengths or an empty sample. Cost: linear.
 */
export function populationStability(
  expected: ArrayLike<number>,
  actual: ArrayLike<number>,
  options: { readonly floor?: number } = {},
): number {
  const { floor = 1e-4 } = options;
  const [totalExpected, totalActual] = totals(expected, actual);
  let index = 0;
  for (let i = 0; i < expected.length; i++) {
    const p = Math.max(floor, (expected[i] ?? 0) / totalExpected);
    const q = Math.max(floor, (actual[i] ?? 0) / totalActual);
    index += (q - p) * Math.log(q / p);
  }
  return index;
}

/**
 * Jensen–Shannon distance of two histograms, base 2: a metric from 0 (equal) to 1 (disjoint).
 * Throws `bad-sample` on unequal lengths or an empty sample. Cost: linear.
 */
export function jensenShannonDistance(a: ArrayLike<number>, b: ArrayLike<number>): number {
  const [totalA, totalB] = totals(a, b);
  let divergence = 0;
  for (let i = 0; i < a.length; i++) {
    const p = (a[i] ?? 0) / totalA;
    const q = (b[i] ?? 0) / totalB;
    const middle = (p + q) / 2;
    if (p > 0) divergence += (p * Math.log2(p / middle)) / 2;
    if (q > 0) divergence += (q * Math.log2(q / middle)) / 2;
  }
  return Math.sqrt(Math.max(0, divergence));
}
