/**
 * Drift of answers: the classes of the last window of rows against those of benign rows by the
 * chi-squared test, and only where the population stability index says that the change is large:
 * in long windows anything is significant. Classes that benign rows lack count together.
 */
import { MonitorError } from '../error.ts';
import { chiSquaredTest } from '../statistics/chi-squared.ts';
import { jensenShannonDistance, populationStability } from '../statistics/divergence.ts';
import type { Detector } from './detector.ts';
import { packState, unpackState } from './saved.ts';

/** How to watch. */
export interface LabelDriftOptions {
  /** Predictions on benign rows. */
  readonly labels: ArrayLike<number>;
  /** Rows compared at a time (default 200). */
  readonly windowRows?: number;
  /** Chance of a false alarm in one comparison (default 1e-5). */
  readonly alpha?: number;
  /** Stability index from which a change matters (default 0.2, by custom). */
  readonly stabilityMax?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface SavedBody {
  readonly window: readonly (readonly [atMs: number, cell: number])[];
  readonly sinceCheck: number;
  readonly alarmed: boolean;
}

/** A detector over all keys together; `bad-sample` when there are no benign labels. */
export function labelDriftDetector(options: LabelDriftOptions): Detector {
  const { labels, windowRows = 200, alpha = 1e-5, stabilityMax = 0.2, saved } = options;
  if (labels.length === 0) throw new MonitorError('bad-sample', 'labels expected some, got none');
  const cells = new Map(
    [...new Set(Array.from(labels))].sort((a, b) => a - b).map((l, i) => [l, i]),
  );
  const count = (found: Iterable<number>): number[] => {
    const counts = new Array<number>(cells.size + 1).fill(0);
    for (const cell of found) counts[cell] = (counts[cell] ?? 0) + 1;
    return counts;
  };
  const cellOf = (label: number): number => cells.get(label) ?? cells.size;
  const reference = count(Array.from(labels, cellOf));
  const head = {
    detector: 'drift-labels',
    settings: JSON.stringify({ windowRows, alpha, stabilityMax, reference }),
  };
  const body = saved === undefined ? null : unpackState<SavedBody>(saved, head);
  const window = [...(body?.window ?? [])];
  let sinceCheck = body?.sinceCheck ?? 0;
  let alarmed = body?.alarmed ?? false;
  let last = { pValue: 1, stability: 0, distance: 0 };
  return {
    name: head.detector,
    observe: ({ atMs, label }) => {
      window.push([atMs, cellOf(label)]);
      if (window.length > windowRows) window.shift();
      if (++sinceCheck < windowRows / 2 || window.length < windowRows) return null;
      sinceCheck = 0;
      const now = count(window.map(([, cell]) => cell));
      const { pValue } = chiSquaredTest(reference, now);
      const stability = populationStability(reference, now);
      last = { pValue, stability, distance: jensenShannonDistance(reference, now) };
      const drifting = pValue < alpha && stability > stabilityMax;
      const isNew = drifting && !alarmed;
      alarmed = drifting;
      if (!isNew) return null;
      const sinceMs = window[0]?.[0] ?? atMs;
      const detail = { ...last, rows: windowRows, unknownClasses: now[cells.size] ?? 0 };
      const judged = { statistic: pValue, threshold: alpha, sinceMs, detail };
      return { detector: head.detector, key: '', ...judged };
    },
    status: () => ({ rows: window.length, drifting: alarmed, ...last }),
    save: () => packState(head, { window, sinceCheck, alarmed } satisfies SavedBody),
  };
}
