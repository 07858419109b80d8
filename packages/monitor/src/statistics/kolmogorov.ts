/** Two-sample Kolmogorov–Smirnov test (Kolmogorov 1933; Smirnov 1948), asymptotic p-value. */

/** Statistic and p-value. */
export interface KolmogorovSmirnov {
  /** Largest distance between the two empirical distributions, 0..1. */
  readonly statistic: number;
  /** Probability of a distance at least as large if both samples had one distribution. */
  readonly pValue: number;
}

/** Compares two sorted samples; conservative for values with ties. Cost: linear. */
export function kolmogorovSmirnov(a: Float64Array, b: Float64Array): KolmogorovSmirnov {
  let i = 0;
  let j = 0;
  let statistic = 0;
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i] ?? 0, b[j] ?? 0);
    while (i < a.length && (a[i] ?? 0) <= value) i++;
    while (j < b.length && (b[j] ?? 0) <= value) j++;
    statistic = Math.max(statistic, Math.abs(i / a.length - j / b.length));
  }
  const size = (a.length * b.length) / (a.length + b.length);
  return { statistic, pValue: kolmogorovTail(Math.sqrt(size) * statistic) };
}

/** Upper tail of the Kolmogorov distribution (Marsaglia, Tsang and Wang 2003, both series). */
export function kolmogorovTail(x: number): number {
  if (x <= 0) return 1;
  // Two forms of one theta function: the one that converges fast for small x, and its dual.
  if (x < 1.18) {
    const t = Math.exp((-Math.PI * Math.PI) / (8 * x * x));
    const sum = t + t ** 9 + t ** 25 + t ** 49;
    return 1 - (Math.sqrt(2 * Math.PI) / x) * sum;
  }
  const t = Math.exp(-2 * x * x);
  return 2 * (t - t ** 4 + t ** 9 - t ** 16);
}
