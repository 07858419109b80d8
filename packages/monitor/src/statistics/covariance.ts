/**
 * Covariance shrunk towards a multiple of the identity (Ledoit and Wolf 2004, "A well-conditioned
 * estimator"), and distances under it (Mahalanobis 1936).
 */
import { MonitorError } from '../error.ts';

/** A covariance of `features` × `features`, row-major. */
export interface Covariance {
  readonly features: number;
  readonly values: Float64Array;
  /** Weight of the identity, 0 … 1. */
  readonly shrinkage: number;
}

/**
 * The covariance of centred rows, row-major. Throws `bad-sample` for no rows. Cost: rows times
 * the square of the features.
 */
export function shrunkCovariance(centred: Float64Array, features: number): Covariance {
  const rows = centred.length / features;
  if (!(rows >= 1)) throw new MonitorError('bad-sample', 'covariance expected rows, got none');
  const values = new Float64Array(features * features);
  let fourth = 0;
  for (let row = 0; row < rows; row++) {
    const at = centred.subarray(row * features, (row + 1) * features);
    let square = 0;
    for (let i = 0; i < features; i++) {
      const own = at[i] ?? 0;
      square += own * own;
      for (let j = 0; j <= i; j++) {
        const cell = i * features + j;
        values[cell] = (values[cell] ?? 0) + own * (at[j] ?? 0);
      }
    }
    // Over all pairs i, j of one row, (x_i x_j)² adds up to (Σ x_i²)².
    fourth += square * square;
  }
  let trace = 0;
  let squares = 0;
  for (let i = 0; i < features; i++) {
    for (let j = 0; j <= i; j++) {
      const value = (values[i * features + j] ?? 0) / rows;
      values[i * features + j] = value;
      values[j * features + i] = value;
      squares += (i === j ? 1 : 2) * value * value;
      if (i === j) trace += value;
    }
  }
  const mean = trace / features;
  const away = (squares - 2 * mean * trace + features * mean * mean) / features;
  const noise = Math.min((fourth / rows - squares) / (features * rows), away);
  const shrinkage = away > 0 ? noise / away : 0;
  for (let i = 0; i < values.length; i++) values[i] = (values[i] ?? 0) * (1 - shrinkage);
  for (let i = 0; i < features; i++) {
    const cell = i * features + i;
    values[cell] = (values[cell] ?? 0) + shrinkage * mean;
  }
  return { features, values, shrinkage };
}

/** The lower factor L of a covariance L Lᵀ, row-major (Cholesky); a constant feature gets 1e-12. */
export function choleskyOf({ features, values }: Covariance): Float64Array {
  const factor = new Float64Array(values.length);
  for (let i = 0; i < features; i++) {
    for (let j = 0; j <= i; j++) {
      let sum = values[i * features + j] ?? 0;
      for (let k = 0; k < j; k++) {
        sum -= (factor[i * features + k] ?? 0) * (factor[j * features + k] ?? 0);
      }
      factor[i * features + j] =
        i === j ? Math.sqrt(Math.max(sum, 1e-24)) : sum / (factor[j * features + j] ?? 1);
    }
  }
  return factor;
}

/** Solves L y = x: the row in units in which the covariance is the identity. */
export function whiten(factor: Float64Array, x: ArrayLike<number>): Float64Array {
  const y = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) {
    let sum = x[i] ?? 0;
    for (let k = 0; k < i; k++) sum -= (factor[i * x.length + k] ?? 0) * (y[k] ?? 0);
    y[i] = sum / (factor[i * x.length + i] ?? 1);
  }
  return y;
}
