/**
 * Which source suspicious rows come from: whether a source has more of them than chance would deal
 * it (the hypergeometric tail, which is Fisher's exact test of one side; Fisher 1935), corrected
 * for there being many sources (Holm 1979).
 */
import { AttackError } from '../error.ts';
import { refuseOutside } from './features.ts';

/** When a source is suspected. */
export interface SourceOptions {
  /** Chance, over all sources together, of suspecting one wrongly, in (0, 1) (default 0.01). */
  readonly level?: number;
}

/** One source. */
export interface SourceInfluence {
  readonly source: string;
  readonly rows: number;
  readonly suspicious: number;
  /** Share of the source's rows that are suspicious. */
  readonly share: number;
  /** Share of all suspicious rows that come from it. */
  readonly shareOfAll: number;
  /** Suspicious rows that it would have if all sources were alike. */
  readonly expected: number;
  /** Chance of as many or more if all sources were alike. */
  readonly pValue: number;
  /** The same, corrected for the number of sources. */
  readonly adjusted: number;
  readonly suspected: boolean;
}

/** All sources, the least likely by chance first. */
export interface SourceReport {
  readonly rows: number;
  readonly suspicious: number;
  readonly sources: readonly SourceInfluence[];
}

/**
 * Counts suspicious rows by source. `sources` has the id of each row's source; `suspicious` the
 * positions of rows, of which repeated ones count once. Throws `invalid-data` for no rows, fewer
 * than two sources, and positions that are not of a row; `invalid-option` for a level out of range.
 */
export function sourceInfluence(
  sources: readonly string[],
  suspicious: ArrayLike<number>,
  options: SourceOptions = {},
): SourceReport {
  const { level = 0.01 } = options;
  refuseOutside('level', level, 0, 1);
  const marked = new Set(Array.from(suspicious));
  const total = sources.length;
  if (total === 0) throw new AttackError('invalid-data', 'sources of rows expected, got none');
  for (const row of marked) {
    if (Number.isInteger(row) && row >= 0 && row < total) continue;
    const got = `expected positions below ${total}, got ${row}`;
    throw new AttackError('invalid-data', `suspicious rows ${got}`);
  }
  const counts = new Map<string, { rows: number; suspicious: number }>();
  for (const [row, source] of sources.entries()) {
    const own = counts.get(source) ?? { rows: 0, suspicious: 0 };
    own.rows++;
    if (marked.has(row)) own.suspicious++;
    counts.set(source, own);
  }
  if (counts.size < 2) {
    throw new AttackError('invalid-data', `two sources or more expected, got "${sources[0]}"`);
  }
  const tail = hypergeometricTail(total, marked.size);
  const told = [...counts].map(([source, own]) => ({
    ...{ source, ...own, share: own.suspicious / own.rows },
    shareOfAll: marked.size === 0 ? 0 : own.suspicious / marked.size,
    expected: (own.rows * marked.size) / total,
    pValue: tail(own.rows, own.suspicious),
  }));
  told.sort((a, b) => a.pValue - b.pValue || b.suspicious - a.suspicious);
  let least = 0;
  const adjusted = told.map(({ pValue }, i) => {
    least = Math.max(least, Math.min(1, pValue * (told.length - i)));
    return least;
  });
  return {
    ...{ rows: total, suspicious: marked.size },
    sources: told.map((own, i) => {
      const corrected = adjusted[i] ?? 1;
      return { ...own, adjusted: corrected, suspected: corrected < level };
    }),
  };
}

/**
 * The chance that `drawn` rows out of `total`, of which some are marked, have `seen` marked ones or
 * more. The table of factorials costs `total` logarithms, each chance at most `drawn` powers.
 */
export function hypergeometricTail(
  total: number,
  marked: number,
): (drawn: number, seen: number) => number {
  const factorials = new Float64Array(total + 1);
  for (let i = 1; i <= total; i++) factorials[i] = (factorials[i - 1] ?? 0) + Math.log(i);
  const ways = (of: number, some: number): number =>
    (factorials[of] ?? 0) - (factorials[some] ?? 0) - (factorials[of - some] ?? 0);
  return (drawn, seen) => {
    const least = Math.max(0, drawn + marked - total);
    if (seen <= least) return 1;
    const all = ways(total, drawn);
    let sum = 0;
    for (let k = Math.min(marked, drawn); k >= seen; k--) {
      sum += Math.exp(ways(marked, k) + ways(total - marked, drawn - k) - all);
    }
    return Math.min(1, sum);
  };
}
