/**
 * Two clusters of rows (Lloyd 1982, started as by Arthur and Vassilvitskii 2007) and how far they
 * are apart (silhouette: Rousseeuw 1987).
 */
import type { Random } from '@merlon/core';

/** Near ties are common: the best of ten is often not the best there is. */
const startsOfSearch = 50;
const roundsMax = 300;

/**
 * The side, 0 or 1, of each row [N, width]: the best of fifty starts by the sum of squared
 * distances to the nearer centre. Rows that are all alike are all on side 0.
 */
export function twoMeans(rows: Float64Array, width: number, random: Random): Uint8Array {
  let best = { sides: new Uint8Array(rows.length / width), squares: Number.POSITIVE_INFINITY };
  for (let start = 0; start < startsOfSearch; start++) {
    const found = settle(rows, width, startingCentres(rows, width, random.fork(`start ${start}`)));
    if (found.squares < best.squares) best = found;
  }
  return best.sides;
}

/**
 * The mean silhouette of two clusters, in [−1, 1]; 0 where one is empty, and for a row that is
 * alone in its cluster. Costs N²·width multiplications.
 */
export function silhouetteOf(rows: Float64Array, width: number, sides: Uint8Array): number {
  const count = sides.length;
  const sizes = [0, 0];
  for (const side of sides) sizes[side] = (sizes[side] ?? 0) + 1;
  const [first = 0, second = 0] = sizes;
  if (first === 0 || second === 0) return 0;
  // Sums of distances from each row to either cluster, [rows, 2].
  const sums = new Float64Array(2 * count);
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const distance = Math.sqrt(squareBetween(rows, i * width, rows, j * width, width));
      const [to, from] = [2 * i + (sides[j] ?? 0), 2 * j + (sides[i] ?? 0)];
      sums[to] = (sums[to] ?? 0) + distance;
      sums[from] = (sums[from] ?? 0) + distance;
    }
  }
  let total = 0;
  for (let i = 0; i < count; i++) {
    const side = sides[i] ?? 0;
    const [own = 0, others = 0] = side === 0 ? [first, second] : [second, first];
    if (own === 1) continue;
    const within = (sums[2 * i + side] ?? 0) / (own - 1);
    const across = (sums[2 * i + 1 - side] ?? 0) / others;
    const most = Math.max(within, across);
    total += most > 0 ? (across - within) / most : 0;
  }
  return total / count;
}

/** A row, and another by its squared distance from the first: [2, width]. */
function startingCentres(rows: Float64Array, width: number, random: Random): Float64Array {
  const count = rows.length / width;
  const first = random.integer(count);
  const squares = new Float64Array(count);
  for (let row = 0; row < count; row++) {
    squares[row] = squareBetween(rows, row * width, rows, first * width, width);
  }
  const total = squares.reduce((sum, square) => sum + square, 0);
  let left = random.uniform() * total;
  let second = squares.findIndex((square) => {
    left -= square;
    return square > 0 && left <= 0;
  });
  if (second < 0) second = first;
  const centres = new Float64Array(2 * width);
  centres.set(rows.subarray(first * width, (first + 1) * width), 0);
  centres.set(rows.subarray(second * width, (second + 1) * width), width);
  return centres;
}

function settle(rows: Float64Array, width: number, centres: Float64Array) {
  const sides = new Uint8Array(rows.length / width);
  let squares = Number.POSITIVE_INFINITY;
  for (let round = 0; round < roundsMax; round++) {
    let moved = round === 0;
    squares = 0;
    for (let row = 0; row < sides.length; row++) {
      const first = squareBetween(rows, row * width, centres, 0, width);
      const second = squareBetween(rows, row * width, centres, width, width);
      const side = second < first ? 1 : 0;
      squares += Math.min(first, second);
      if (side !== sides[row]) moved = true;
      sides[row] = side;
    }
    if (!moved) break;
    moveCentres(rows, width, sides, centres);
  }
  return { sides, squares };
}

/** Centres become the means of their rows; one without rows stays. */
function moveCentres(
  rows: Float64Array,
  width: number,
  sides: Uint8Array,
  centres: Float64Array,
): void {
  const counts = [0, 0];
  const sums = new Float64Array(2 * width);
  for (const [row, side] of sides.entries()) {
    counts[side] = (counts[side] ?? 0) + 1;
    for (let i = 0; i < width; i++) {
      const at = side * width + i;
      sums[at] = (sums[at] ?? 0) + (rows[row * width + i] ?? 0);
    }
  }
  for (let at = 0; at < sums.length; at++) {
    const count = counts[Math.floor(at / width)] ?? 0;
    if (count > 0) centres[at] = (sums[at] ?? 0) / count;
  }
}

function squareBetween(
  a: Float64Array,
  from: number,
  b: Float64Array,
  to: number,
  width: number,
): number {
  let sum = 0;
  for (let i = 0; i < width; i++) sum += ((a[from + i] ?? 0) - (b[to + i] ?? 0)) ** 2;
  return sum;
}
