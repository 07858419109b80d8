/** Middle and spread that a few outliers do not move (median and MAD; Hampel 1974). */

/** Of a normal distribution, the standard deviation over the median absolute deviation. */
const deviationPerMad = 1.4826;

/** The middle of some numbers, and their spread in standard deviations of a normal. */
export interface Middle {
  readonly median: number;
  /** 1.4826 × the median absolute deviation; 0 where more than half are equal. */
  readonly deviation: number;
}

/** Median and deviation; not a number for none. */
export function middleOf(values: ArrayLike<number>): Middle {
  const all = Float64Array.from(values);
  const median = medianOf(all);
  return { median, deviation: deviationPerMad * medianOf(all.map((v) => Math.abs(v - median))) };
}

/** The middle value; of an even count, the mean of the middle two. */
function medianOf(values: Float64Array): number {
  const sorted = values.toSorted();
  const half = sorted.length / 2;
  return ((sorted[Math.ceil(half) - 1] ?? Number.NaN) + (sorted[Math.floor(half)] ?? 0)) / 2;
}
