/**
 * Activation clustering (Chen et al. 2018, algorithm 1): the activations of a poisoned class fall
 * into two clusters, one for what the class really is and a smaller one for what was planted. The
 * paper reduces them by independent components; here it is by principal ones.
 */
import { seeded } from '@merlon/core';
import { silhouetteOf, twoMeans } from './clusters.ts';
import {
  byClass,
  type ClassRows,
  type LabelledFeatures,
  refuseBadCount,
  refuseBadSeed,
  refuseOutside,
  widthOf,
} from './features.ts';
import { principal } from './principal.ts';

/** How rows are reduced, and when a cluster is suspicious. */
export interface ActivationOptions {
  /** What starts of both iterations and samples are drawn from. */
  readonly seed: number;
  /** Principal components that rows are reduced to (default 10). */
  readonly components?: number;
  /** Silhouette from which two clusters count as apart, in (0, 1) (default 0.25). */
  readonly silhouetteMin?: number;
  /** Share of its class that a suspicious cluster has at most, in (0, 0.5) (default 0.35). */
  readonly shareMax?: number;
  /** Rows of a class that its silhouette is taken over; more are sampled (default 2000). */
  readonly silhouetteRowsMax?: number;
}

/** The two clusters of one class. */
export interface ClassClusters {
  readonly label: number;
  /** Rows of the greater and of the smaller cluster. */
  readonly sizes: readonly [number, number];
  /** Share of the class that is in the smaller cluster. */
  readonly share: number;
  /** Mean silhouette of both, in [−1, 1]: 1 is two points, 0 is one cloud. */
  readonly silhouette: number;
  /** The smaller cluster is small enough, and far enough from the other. */
  readonly suspicious: boolean;
  /** Positions of the rows of the smaller cluster, ascending. */
  readonly smaller: readonly number[];
}

/** The clusters of all classes. */
export interface ActivationReport {
  /** Positions of the rows of suspicious clusters, ascending. */
  readonly flagged: readonly number[];
  /** By ascending label. */
  readonly classes: readonly ClassClusters[];
}

const rowsMin = 4;

/**
 * Parts each class in two. Costs, a class of n rows, what its principal components cost and at most
 * min(n, 2000)² · 5 multiplications for the silhouette. Throws `invalid-data` for features that do
 * not fit their labels or are no finite numbers, for one class, and for a class of fewer than four
 * rows; `invalid-option` for options out of range.
 */
export function activationClusters(
  table: LabelledFeatures,
  options: ActivationOptions,
): ActivationReport {
  const {
    seed,
    components = 10,
    silhouetteMin = 0.25,
    shareMax = 0.35,
    silhouetteRowsMax = 2000,
  } = options;
  refuseBadSeed(seed);
  refuseBadCount('components', components);
  refuseBadCount('silhouetteRowsMax', silhouetteRowsMax);
  refuseOutside('silhouetteMin', silhouetteMin, 0, 1);
  refuseOutside('shareMax', shareMax, 0, 0.5);
  const settings = { seed, components, silhouetteMin, shareMax, silhouetteRowsMax };
  const width = widthOf(table);
  const classes = byClass(table, width, rowsMin).map((own) => partClass(own, width, settings));
  const flagged = classes.flatMap(({ suspicious, smaller }) => (suspicious ? smaller : []));
  return { flagged: flagged.sort((a, b) => a - b), classes };
}

function partClass(
  own: ClassRows,
  width: number,
  settings: Required<ActivationOptions>,
): ClassClusters {
  const random = seeded(settings.seed).fork(`class ${own.label}`);
  const reduced = principal(own.features, width, settings.components, random.fork('components'));
  const { projections, count } = reduced;
  const sides = twoMeans(projections, count, random.fork('clusters'));
  const second = sides.reduce((sum, side) => sum + side, 0);
  const few = second * 2 <= sides.length ? 1 : 0;
  const smaller = own.rows.filter((_, i) => sides[i] === few);
  const share = smaller.length / sides.length;
  const sampled = random.fork('silhouette').permutation(sides.length);
  const some = sampled.subarray(0, settings.silhouetteRowsMax).sort();
  const silhouette = silhouetteOf(
    rowsAt(projections, some, count),
    count,
    Uint8Array.from(some, (i) => sides[i] ?? 0),
  );
  return {
    ...{ label: own.label, share, silhouette, smaller },
    sizes: [sides.length - smaller.length, smaller.length],
    suspicious:
      smaller.length > 0 && share <= settings.shareMax && silhouette >= settings.silhouetteMin,
  };
}

/** The rows at the given positions, copied. */
function rowsAt(x: Float64Array, rows: Uint32Array, width: number): Float64Array {
  const out = new Float64Array(rows.length * width);
  for (const [to, from] of rows.entries()) {
    out.set(x.subarray(from * width, (from + 1) * width), to * width);
  }
  return out;
}
