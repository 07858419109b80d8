/** Columns that mean different things, made comparable. */

/** Columns of a table in units of their own deviation; constant columns count for nothing. */
export function inverseDeviations({
  x,
  rows,
  features,
}: {
  readonly x: Float32Array;
  readonly rows: number;
  readonly features: number;
}): Float32Array {
  return Float32Array.from({ length: features }, (_, feature) => {
    let sum = 0;
    let squares = 0;
    for (let row = 0; row < rows; row++) {
      const value = x[row * features + feature] ?? 0;
      sum += value;
      squares += value * value;
    }
    const variance = squares / rows - (sum / rows) ** 2;
    return variance > 1e-12 ? 1 / Math.sqrt(variance) : 0;
  });
}
