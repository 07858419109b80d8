/**
 * CUSUM (Page 1954), one-sided: S ← max(0, S + x − drift), alarm once S is above the threshold.
 * For x = −ln p of uniform p-values the chance of an alarm at any one step is about
 * e^(−0.797 · threshold) with drift 2, since 0.797 solves E[e^(r(x − 2))] = 1.
 */

/** What is taken off each value and how high the sum may rise. */
export interface CusumOptions {
  readonly drift: number;
  readonly threshold: number;
}

/** A running sum. */
export interface Cusum {
  /** Takes one value; true while the sum is above the threshold. It is not reset by an alarm. */
  update(value: number): boolean;
  /** The sum so far: all that there is of state. */
  readonly sum: number;
}

/** A sum that starts at `sum` (default 0), as saved before a restart. */
export function cusum({ drift, threshold }: CusumOptions, sum = 0): Cusum {
  let now = sum;
  return {
    update: (value) => {
      now = Math.max(0, now + value - drift);
      return now > threshold;
    },
    get sum() {
      return now;
    },
  };
}
