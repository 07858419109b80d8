/** The normal distribution to double precision, from the series and continued fraction of erf. */

/** Below, the series of erf converges quickly; above, the continued fraction of erfc does. */
const seriesMax = 2;
const tiny = 1e-300;

/** log of erfc(x) = 1 − erf(x), accurate far out in both tails. */
export function logErfc(x: number): number {
  if (x < seriesMax) return Math.log1p(-erf(x));
  return -x * x - Math.log(fraction(x)) - Math.log(Math.PI) / 2;
}

/** Φ(x), the share of a standard normal distribution below x. */
export function normalShare(x: number): number {
  return Math.exp(logErfc(-x / Math.SQRT2)) / 2;
}

/** Φ⁻¹(share) for shares inside (0, 1); ±Infinity at the ends. */
export function normalQuantile(share: number): number {
  if (share <= 0) return -Infinity;
  if (share >= 1) return Infinity;
  // Only the lower tail is computed: 1 − share is exact for shares above a half.
  if (share > 0.5) return -normalQuantile(1 - share);
  let [low, high] = [-40, 0];
  for (let middle = -20; middle > low && middle < high; middle = (low + high) / 2) {
    if (normalShare(middle) < share) low = middle;
    else high = middle;
  }
  return high;
}

/** Abramowitz and Stegun 7.1.6: all terms have one sign. */
function erf(x: number): number {
  if (x < -6) return -1;
  let term = x;
  let sum = x;
  for (let n = 1; Math.abs(term) > 1e-17 * Math.abs(sum); n++) {
    term *= (2 * x * x) / (2 * n + 1);
    sum += term;
  }
  return (2 / Math.sqrt(Math.PI)) * Math.exp(-x * x) * sum;
}

/** x + (1/2)/(x + 1/(x + (3/2)/(x + …))), Abramowitz and Stegun 7.1.14, by Lentz's method. */
function fraction(x: number): number {
  let value = x;
  let [c, d] = [x, 0];
  for (let n = 1; n < 1000; n++) {
    d = 1 / Math.max(tiny, x + (n / 2) * d);
    c = x + n / 2 / c;
    const change = c * d;
    value *= change;
    if (Math.abs(change - 1) < 1e-16) break;
  }
  return value;
}
