/** Shapiro–Wilk W (Shapiro and Wilk 1965), coefficients after Royston 1995 (AS R94). */
import { MonitorError } from '../error.ts';

/**
 * The statistic W of 12 to 5,000 values: near 1 for a normal sample, smaller the less normal.
 * Throws `bad-sample` outside that range or when all values are equal.
 */
export function shapiroWilk(sample: Float64Array): number {
  const n = sample.length;
  if (n < 12 || n > 5000) {
    throw new MonitorError('bad-sample', `sample expected 12 to 5000 values, got ${n}`);
  }
  const x = Float64Array.from(sample).sort();
  const a = coefficients(n);
  const mean = x.reduce((sum, value) => sum + value, 0) / n;
  let numerator = 0;
  let spread = 0;
  for (let i = 0; i < n; i++) {
    const value = x[i] ?? 0;
    numerator += (a[i] ?? 0) * value;
    spread += (value - mean) ** 2;
  }
  if (!(spread > 0)) throw new MonitorError('bad-sample', 'sample expected values that differ');
  return Math.min(1, (numerator * numerator) / spread);
}

/** Polynomials in 1/√n for the two outermost coefficients (AS R94, c1 and c2). */
const outermost = [0, 0.221157, -0.147981, -2.07119, 4.434685, -2.706056] as const;
const second = [0, 0.042981, -0.293762, -1.752461, 5.682633, -3.582633] as const;

function coefficients(n: number): Float64Array {
  const m = Float64Array.from({ length: n }, (_, i) =>
    normalQuantile((i + 1 - 0.375) / (n + 0.25)),
  );
  const sumSquares = m.reduce((sum, value) => sum + value * value, 0);
  const u = 1 / Math.sqrt(n);
  const last = m[n - 1] ?? 0;
  const beforeLast = m[n - 2] ?? 0;
  const aLast = last / Math.sqrt(sumSquares) + polynomial(outermost, u);
  const aBefore = beforeLast / Math.sqrt(sumSquares) + polynomial(second, u);
  const rest =
    (sumSquares - 2 * last ** 2 - 2 * beforeLast ** 2) / (1 - 2 * aLast ** 2 - 2 * aBefore ** 2);
  const a = m.map((value) => value / Math.sqrt(rest));
  a[n - 1] = aLast;
  a[n - 2] = aBefore;
  a[0] = -aLast;
  a[1] = -aBefore;
  return a;
}

function polynomial(coefficients: readonly number[], x: number): number {
  return coefficients.reduceRight((sum, coefficient) => sum * x + coefficient, 0);
}

/** Inverse of the standard normal distribution (Acklam's rational approximation, 1.2e-9). */
export function normalQuantile(p: number): number {
  if (p < 0.02425) return -tailQuantile(Math.sqrt(-2 * Math.log(p)));
  if (p > 1 - 0.02425) return tailQuantile(Math.sqrt(-2 * Math.log(1 - p)));
  const q = p - 0.5;
  const r = q * q;
  return (q * polynomial(centreTop, r)) / polynomial(centreBottom, r);
}

function tailQuantile(q: number): number {
  return -polynomial(tailTop, q) / polynomial(tailBottom, q);
}

const centreTop = [
  2.506628277459239, -30.66479806614716, 138.357751867269, -275.9285104469687, 220.9460984245205,
  -39.69683028665376,
] as const;
const centreBottom = [
  1, -13.28068155288572, 66.80131188771972, -155.6989798598866, 161.5858368580409,
  -54.47609879822406,
] as const;
const tailTop = [
  2.938163982698783, 4.374664141464968, -2.549732539343734, -2.400758277161838, -0.3223964580411365,
  -0.007784894002430293,
] as const;
const tailBottom = [
  1, 3.754408661907416, 2.445134137142996, 0.3224671290700398, 0.007784695709041462,
] as const;
