/**
 * Rows that are there twice, or nearly, with labels that differ: at most one of them is right.
 * Barz and Denzler 2020 tell how common such rows are in well-known data.
 */
import { AttackError } from '../error.ts';
import { type LabelledFeatures, widthOf } from './features.ts';
import { eachPair } from './neighbours.ts';

/** What counts as the same row. */
export interface DuplicateOptions {
  /**
   * Distance within which two rows are nearly one, as a share of the root mean square distance of
   * rows from their mean, in [0, 1) (default 0.01); 0 finds only equal rows, without comparing all
   * pairs.
   */
  readonly near?: number;
}

/** Rows that are one, or nearly, under more than one label. */
export interface DuplicateGroup {
  /** Positions, ascending. */
  readonly rows: readonly number[];
  /** The label of each row. */
  readonly labels: readonly number[];
  /** All rows are equal, number for number. */
  readonly exact: boolean;
  /** The rows that have another label than most of the group; all of them where none has most. */
  readonly flagged: readonly number[];
}

/** The groups, by their first row. */
export interface DuplicateReport {
  readonly groups: readonly DuplicateGroup[];
  /** Positions of the flagged rows of all groups, ascending. */
  readonly flagged: readonly number[];
}

/**
 * Finds rows that are told twice with different labels. Near ones cost N²·D / 2 multiplications.
 * Throws `invalid-data` for features that do not fit their labels or are no finite numbers, for one
 * class, and above 20 000 rows unless `near` is 0; `invalid-option` for `near` outside [0, 1).
 */
export function conflictingDuplicates(
  table: LabelledFeatures,
  options: DuplicateOptions = {},
): DuplicateReport {
  const { near = 0.01 } = options;
  if (!(near >= 0 && near < 1)) {
    throw new AttackError('invalid-option', `"near" expected a number in [0, 1), got ${near}`);
  }
  const width = widthOf(table);
  const { features, labels } = table;
  const first = firstEquals(features, width);
  const joined = first.slice();
  if (near > 0) {
    const reach = near * near * meanSquare(features, width);
    eachPair(features, width, (a, b, square) => {
      if (square <= reach) join(joined, a, b);
    });
  }
  const members = new Map<number, number[]>();
  for (const row of labels.keys()) {
    const root = rootOf(joined, row);
    const own = members.get(root);
    if (own === undefined) members.set(root, [row]);
    else own.push(row);
  }
  const groups: DuplicateGroup[] = [];
  for (const rows of members.values()) {
    const own = rows.map((row) => labels[row] ?? 0);
    if (own.every((label) => label === own[0])) continue;
    const exact = rows.every((row) => rootOf(first, row) === rootOf(first, rows[0] ?? 0));
    groups.push({ rows, labels: own, exact, flagged: minority(rows, own) });
  }
  return { groups, flagged: groups.flatMap(({ flagged }) => flagged).sort((a, b) => a - b) };
}

/** The first row that equals each row; 0 and −0 are equal. */
function firstEquals(features: Float32Array, width: number): Int32Array {
  const first = new Int32Array(features.length / width);
  const seen = new Map<number, number[]>();
  // Adding 0 makes −0 a 0.
  const bits = new Uint32Array(features.map((value) => value + 0).buffer);
  for (const row of first.keys()) {
    // FNV-1a, only to compare few rows; equality is looked at below.
    let hash = 0x811c9dc5;
    for (let i = row * width; i < (row + 1) * width; i++) {
      hash = Math.imul(hash ^ (bits[i] ?? 0), 0x01000193);
      hash ^= hash >>> 15;
    }
    const alike = seen.get(hash) ?? [];
    const same = alike.find((other) => {
      for (let i = 0; i < width; i++) {
        if (bits[row * width + i] !== bits[other * width + i]) return false;
      }
      return true;
    });
    first[row] = same ?? row;
    if (same === undefined) seen.set(hash, [...alike, row]);
  }
  return first;
}

/** The mean squared distance of rows from their mean. */
function meanSquare(features: Float32Array, width: number): number {
  const count = features.length / width;
  const mean = new Float64Array(width);
  for (const [i, value] of features.entries()) mean[i % width] = (mean[i % width] ?? 0) + value;
  let sum = 0;
  for (const [i, value] of features.entries()) sum += (value - (mean[i % width] ?? 0) / count) ** 2;
  return sum / count;
}

/** The row that stands for a group (union and find). */
function rootOf(parents: Int32Array, row: number): number {
  let at = row;
  while (parents[at] !== at) {
    // Halves the way for the next one who asks.
    parents[at] = parents[parents[at] ?? 0] ?? 0;
    at = parents[at] ?? 0;
  }
  return at;
}

function join(parents: Int32Array, a: number, b: number): void {
  const [one, other] = [rootOf(parents, a), rootOf(parents, b)];
  parents[Math.max(one, other)] = Math.min(one, other);
}

function minority(rows: readonly number[], labels: readonly number[]): number[] {
  const counts = new Map<number, number>();
  for (const label of labels) counts.set(label, (counts.get(label) ?? 0) + 1);
  const most = Math.max(...counts.values());
  const leaders = [...counts].filter(([, count]) => count === most).map(([label]) => label);
  const usual = leaders.length === 1 ? leaders[0] : undefined;
  return rows.filter((_, i) => labels[i] !== usual);
}
