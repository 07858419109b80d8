/** Bisection for the weight of a margin against a distance, a number for each row. */

/** The weights and how they go on. */
export interface WeightSearch {
  readonly values: Float64Array;
  /** Takes which rows succeeded: their weight falls, that of the others rises. */
  next(succeeded: ArrayLike<number>): void;
}

const weightMax = 1e10;

/** A search that multiplies by ten until a row succeeds, and halves the interval from then on. */
export function weightSearch(rows: number, first: number): WeightSearch {
  const values = new Float64Array(rows).fill(first);
  const low = new Float64Array(rows);
  const high = new Float64Array(rows).fill(weightMax);
  return {
    values,
    next: (succeeded) => {
      for (let row = 0; row < rows; row++) {
        const weight = values[row] ?? 0;
        if (succeeded[row]) high[row] = Math.min(high[row] ?? 0, weight);
        else low[row] = Math.max(low[row] ?? 0, weight);
        const known = (high[row] ?? 0) < weightMax;
        values[row] = known ? ((low[row] ?? 0) + (high[row] ?? 0)) / 2 : weight * 10;
      }
    },
  };
}
