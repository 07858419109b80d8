/**
 * Eigenvalues of a small symmetric matrix by Jacobi's rotations (Golub and Van Loan 2013, section
 * 8.5).
 */

/** Eigenvalues in descending order, and their vectors of length one. */
export interface Eigen {
  readonly values: Float64Array<ArrayBuffer>;
  /** [n, n], a vector a row. */
  readonly vectors: Float64Array;
}

const sweepsMax = 60;

/** The eigenvalues of a symmetric matrix [n, n], row-major; costs about 60·n³ at most. */
export function eigenOf(matrix: Float64Array, n: number): Eigen {
  const a = matrix.slice();
  const turns = new Float64Array(n * n);
  for (let i = 0; i < n; i++) turns[i * n + i] = 1;
  const total = a.reduce((sum, value) => sum + value * value, 0);
  for (let sweep = 0; sweep < sweepsMax; sweep++) {
    if (outside(a, n) <= 1e-30 * total) break;
    for (let p = 0; p < n; p++) for (let q = p + 1; q < n; q++) rotate(a, turns, n, p, q);
  }
  const order = Array.from({ length: n }, (_, i) => i);
  order.sort((i, j) => (a[j * n + j] ?? 0) - (a[i * n + i] ?? 0));
  const vectors = new Float64Array(n * n);
  for (const [to, from] of order.entries()) {
    vectors.set(turns.subarray(from * n, (from + 1) * n), to * n);
  }
  return { values: Float64Array.from(order, (i) => a[i * n + i] ?? 0), vectors };
}

/** The squares off the diagonal. */
function outside(a: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n * n; i++) if (i % (n + 1) !== 0) sum += (a[i] ?? 0) ** 2;
  return sum;
}

/** Turns the plane of axes p and q until its element off the diagonal is 0. */
function rotate(a: Float64Array, turns: Float64Array, n: number, p: number, q: number): void {
  const off = a[p * n + q] ?? 0;
  if (off === 0) return;
  const slope = ((a[q * n + q] ?? 0) - (a[p * n + p] ?? 0)) / (2 * off);
  const tangent = Math.sign(slope || 1) / (Math.abs(slope) + Math.sqrt(slope * slope + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  const mix = (of: Float64Array, first: number, second: number): void => {
    const [x, y] = [of[first] ?? 0, of[second] ?? 0];
    of[first] = cosine * x - sine * y;
    of[second] = sine * x + cosine * y;
  };
  for (let k = 0; k < n; k++) mix(a, k * n + p, k * n + q);
  for (let k = 0; k < n; k++) mix(a, p * n + k, q * n + k);
  for (let k = 0; k < n; k++) mix(turns, p * n + k, q * n + k);
}
