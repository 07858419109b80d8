/** The beta distribution, and with it exact bounds of shares that were counted. */

const tiny = 1e-300;
const partsMax = 100_000;

/** log Γ(x) for x > 0: Stirling's series, begun far enough out to be exact in doubles. */
export function logGamma(x: number): number {
  let [at, below] = [x, 0];
  for (; at < 15; at++) below += Math.log(at);
  const square = 1 / (at * at);
  const series =
    (1 / 12 - square * (1 / 360 - square * (1 / 1260 - square * (1 / 1680 - square / 1188)))) / at;
  return (at - 0.5) * Math.log(at) - at + Math.log(2 * Math.PI) / 2 + series - below;
}

/** The regularised incomplete beta function I_x(a, b): the share of Beta(a, b) below x. */
export function betaShare(x: number, a: number, b: number): number {
  if (x <= 0) return 0;
  if (x >= 1) return 1;
  // The fraction converges quickly on this side of the mean.
  if (x > (a + 1) / (a + b + 2)) return 1 - betaShare(1 - x, b, a);
  const front = a * Math.log(x) + b * Math.log1p(-x) - logBeta(a, b);
  return (Math.exp(front) * fraction(x, a, b)) / a;
}

/** The x below which the given share of Beta(a, b) lies. */
export function betaQuantile(share: number, a: number, b: number): number {
  let [low, high] = [0, 1];
  for (let middle = 0.5; middle > low && middle < high; middle = (low + high) / 2) {
    if (betaShare(middle, a, b) < share) low = middle;
    else high = middle;
  }
  return high;
}

/**
 * A share that is exceeded with confidence 1 − α after `hits` of `trials` (Clopper and Pearson
 * 1934, one-sided): the α-quantile of Beta(hits, trials − hits + 1).
 */
export function shareAtLeast(hits: number, trials: number, alpha: number): number {
  return hits === 0 ? 0 : betaQuantile(alpha, hits, trials - hits + 1);
}

/** Two-sided p-value of `hits` of `trials` under a fair coin. */
export function fairCoin(hits: number, trials: number): number {
  const more = Math.max(hits, trials - hits);
  // P(X ≥ k) of a binomial is I_{1/2}(k, n − k + 1).
  return more * 2 === trials ? 1 : Math.min(1, 2 * betaShare(0.5, more, trials - more + 1));
}

function logBeta(a: number, b: number): number {
  return logGamma(a) + logGamma(b) - logGamma(a + b);
}

/** The continued fraction of DLMF 8.17.22, by Lentz's method. */
function fraction(x: number, a: number, b: number): number {
  let [c, d] = [1, 1 / guarded(1 - ((a + b) * x) / (a + 1))];
  let value = d;
  for (let m = 1; m < partsMax; m++) {
    const even = (m * (b - m) * x) / ((a + 2 * m - 1) * (a + 2 * m));
    d = 1 / guarded(1 + even * d);
    c = guarded(1 + even / c);
    value *= d * c;
    const odd = (-(a + m) * (a + b + m) * x) / ((a + 2 * m) * (a + 2 * m + 1));
    d = 1 / guarded(1 + odd * d);
    c = guarded(1 + odd / c);
    value *= d * c;
    if (Math.abs(d * c - 1) < 1e-16) break;
  }
  return value;
}

function guarded(value: number): number {
  return Math.abs(value) < tiny ? tiny : value;
}
