/**
 * Spectral signatures (Tran, Li and Madry 2018, algorithm 1): rows that were planted in a class lie
 * far out along the direction in which the features of that class vary most.
 *
 * The paper takes out a share of every class that is told beforehand. Without one, a row is flagged
 * where it lies outside what the middle half of its class leads to expect, so that a clean class
 * loses none.
 */
import { seeded } from '@merlon/core';
import { AttackError } from '../error.ts';
import {
  byClass,
  type ClassRows,
  type LabelledFeatures,
  refuseBadSeed,
  refuseOutside,
  widthOf,
} from './features.ts';
import { principal } from './principal.ts';
import { middleOf } from './robust.ts';

/** What is flagged. */
export interface SpectralOptions {
  /** What the start of the power iteration is drawn from. */
  readonly seed: number;
  /**
   * Standard deviations (by the median absolute deviation) from the median of the class along its
   * direction, beyond which a row is flagged (default 5).
   */
  readonly deviations?: number;
  /**
   * In place of `deviations`: the share of poison, in (0, 0.5), that a class may have. Flags the
   * 1.5 × share rows of each class with the greatest scores, as the paper does, clean or not.
   */
  readonly share?: number;
}

/** What was seen of one class. */
export interface ClassSpectrum {
  readonly label: number;
  readonly rows: number;
  /** Share of the variance of the class that lies along its direction; 0 where nothing varies. */
  readonly varianceShare: number;
  readonly flagged: number;
}

/** Scores and flags of all rows. */
export interface SpectralReport {
  /** [N]: squares of the centred features along their class's direction, in units of features². */
  readonly scores: Float64Array;
  /** Positions of the flagged rows, the greatest score first. */
  readonly flagged: readonly number[];
  /** By ascending label. */
  readonly classes: readonly ClassSpectrum[];
}

const rowsMin = 3;

/**
 * Scores every row within its class. Costs about 40·N·D multiplications a round of the iteration.
 * Throws `invalid-data` for features that do not fit their labels or are no finite numbers, for
 * one class, and for a class of fewer than three rows; `invalid-option` for options out of range.
 */
export function spectralSignatures(
  table: LabelledFeatures,
  options: SpectralOptions,
): SpectralReport {
  const { seed, share, deviations = 5 } = options;
  refuseBadSeed(seed);
  refuseOutside('deviations', deviations, 0, Number.POSITIVE_INFINITY);
  if (share !== undefined) refuseOutside('share', share, 0, 0.5);
  if (share !== undefined && options.deviations !== undefined) {
    throw new AttackError('invalid-option', '"share" and "deviations" expected one, got both');
  }
  const width = widthOf(table);
  const random = seeded(seed);
  const scores = new Float64Array(table.labels.length);
  const flagged: number[] = [];
  const classes = byClass(table, width, rowsMin).map((own) => {
    const found = principal(own.features, width, 1, random.fork(`class ${own.label}`));
    for (const [i, row] of own.rows.entries()) scores[row] = (found.projections[i] ?? 0) ** 2;
    const out =
      share === undefined
        ? farOut(own, found.projections, deviations)
        : greatest(own, found.projections, share);
    flagged.push(...out);
    const [most = 0, total] = [found.squares[0], found.squaresTotal];
    return {
      ...{ label: own.label, rows: own.rows.length, flagged: out.length },
      varianceShare: total > 0 ? most / total : 0,
    };
  });
  flagged.sort((a, b) => (scores[b] ?? 0) - (scores[a] ?? 0) || a - b);
  return { scores, flagged, classes };
}

/** Rows so many deviations from the median; none where more than half lie in one point. */
function farOut({ rows }: ClassRows, projections: Float64Array, deviations: number): number[] {
  const { median, deviation } = middleOf(projections);
  if (!(deviation > 0)) return [];
  return rows.filter((_, i) => {
    return Math.abs((projections[i] ?? 0) - median) > deviations * deviation;
  });
}

function greatest({ rows }: ClassRows, projections: Float64Array, share: number): number[] {
  const order = [...projections.keys()].sort((a, b) => {
    return Math.abs(projections[b] ?? 0) - Math.abs(projections[a] ?? 0) || a - b;
  });
  // Less what rounding adds: 1.5 × 0.1 × 120 is 18 rows.
  const count = Math.ceil(1.5 * share * rows.length - 1e-9);
  return order.slice(0, count).map((i) => rows[i] ?? 0);
}
