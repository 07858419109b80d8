/**
 * Drift of inputs: each feature of the last window of rows against the training data by the
 * two-sample Kolmogorov–Smirnov test, with Bonferroni's correction over features (Rabanser et al.
 * 2019, "Failing loudly"). Cost: one sort a feature every half window.
 */
import { kolmogorovSmirnov } from '../statistics/kolmogorov.ts';
import type { Detector, Observation, Signal } from './detector.ts';

/** How to watch for drift. */
export interface DriftOptions {
  /** Rows of training data, row-major. */
  readonly reference: Float32Array;
  readonly features: number;
  readonly featureNames?: readonly string[];
  /** Rows compared at a time (default 200). */
  readonly windowRows?: number;
  /** Chance of a false alarm in one comparison (default 1e-4). */
  readonly alpha?: number;
}

/** A drift detector over all keys together. */
export function driftDetector(options: DriftOptions): Detector {
  const { features, windowRows = 200, alpha = 1e-4 } = options;
  const reference = sortedColumns(options.reference, features);
  // A feature that never varied in training cannot be compared by ranks: any change counts.
  const window: Observation[] = [];
  let sinceCheck = 0;
  let alarmed = false;
  let last = { pValue: 1, statistic: 0, feature: 0, drifted: 0 };
  let checks = 0;
  return {
    name: 'drift-ks',
    observe: (observation) => {
      window.push(observation);
      if (window.length > windowRows) window.shift();
      if (++sinceCheck < windowRows / 2 || window.length < windowRows) return null;
      sinceCheck = 0;
      checks++;
      last = compare(reference, window, alpha);
      const drifting = last.pValue < alpha / features;
      const isNew = drifting && !alarmed;
      alarmed = drifting;
      if (!isNew) return null;
      return signalOf(options, { window, last, alpha });
    },
    status: () => ({ rows: window.length, checks, drifting: alarmed, ...last }),
  };
}

interface Comparison {
  readonly pValue: number;
  readonly statistic: number;
  readonly feature: number;
  /** How many features drifted by themselves. */
  readonly drifted: number;
}

function compare(
  reference: readonly Float64Array[],
  window: readonly Observation[],
  alpha: number,
): Comparison {
  let worst = { pValue: 1, statistic: 0, feature: 0 };
  let drifted = 0;
  for (const [feature, known] of reference.entries()) {
    const now = Float64Array.from(window, ({ row }) => row[feature] ?? 0).sort();
    const { statistic, pValue } = kolmogorovSmirnov(known, now);
    if (pValue < alpha / reference.length) drifted++;
    if (pValue < worst.pValue || (pValue === worst.pValue && statistic > worst.statistic)) {
      worst = { pValue, statistic, feature };
    }
  }
  return { ...worst, drifted };
}

function signalOf(
  { features, featureNames }: DriftOptions,
  found: { window: readonly Observation[]; last: Comparison; alpha: number },
): Signal {
  const { window, last, alpha } = found;
  return {
    detector: 'drift-ks',
    key: '',
    statistic: last.pValue,
    threshold: alpha / features,
    sinceMs: window[0]?.atMs ?? 0,
    detail: {
      feature: featureNames?.[last.feature] ?? `feature ${last.feature}`,
      distance: last.statistic,
      driftedFeatures: last.drifted,
      features,
      rows: window.length,
    },
  };
}

function sortedColumns(rows: Float32Array, features: number): Float64Array[] {
  const count = Math.floor(rows.length / features);
  return Array.from({ length: features }, (_, feature) =>
    Float64Array.from({ length: count }, (_, i) => rows[i * features + feature] ?? 0).sort(),
  );
}
