/** Rows beside each row, by comparing every pair: exact, and for tables of thousands of rows. */
import { AttackError } from '../error.ts';

/** Rows of which every pair is compared: two hundred million pairs. */
export const pairedRowsMax = 20_000;

/**
 * Calls `visit` with the positions of every pair of rows [N, width], the lesser first, and their
 * squared distance. Costs N²·width / 2 multiplications. Throws `invalid-data` above 20 000 rows.
 */
export function eachPair(
  rows: Float32Array,
  width: number,
  visit: (first: number, second: number, square: number) => void,
): void {
  const count = rows.length / width;
  if (count > pairedRowsMax) {
    throw new AttackError('invalid-data', `at most ${pairedRowsMax} rows expected, got ${count}`, {
      hint: 'search a sample, or a class at a time',
    });
  }
  for (let i = 0; i < count; i++) {
    for (let j = i + 1; j < count; j++) {
      const [from, to] = [i * width, j * width];
      let square = 0;
      for (let k = 0; k < width; k++) square += ((rows[from + k] ?? 0) - (rows[to + k] ?? 0)) ** 2;
      visit(i, j, square);
    }
  }
}

/**
 * The `wanted` nearest other rows of each row, [N, wanted], the nearest first and of equals the
 * first. Throws like `eachPair`, and `invalid-data` for no more rows than neighbours.
 */
export function nearestRows(rows: Float32Array, width: number, wanted: number): Int32Array {
  const count = rows.length / width;
  if (count <= wanted) {
    throw new AttackError('invalid-data', `more than ${wanted} rows expected, got ${count}`);
  }
  const found = new Int32Array(count * wanted);
  const squares = new Float64Array(count * wanted).fill(Number.POSITIVE_INFINITY);
  const offer = (row: number, other: number, square: number): void => {
    const from = row * wanted;
    let at = from + wanted - 1;
    if (square >= (squares[at] ?? 0)) return;
    for (; at > from && square < (squares[at - 1] ?? 0); at--) {
      squares[at] = squares[at - 1] ?? 0;
      found[at] = found[at - 1] ?? 0;
    }
    squares[at] = square;
    found[at] = other;
  };
  eachPair(rows, width, (first, second, square) => {
    offer(first, second, square);
    offer(second, first, square);
  });
  return found;
}
