/**
 * Data quality of inputs: rows with values that are no numbers, rows outside the ranges of the
 * training rows, and features that stand still though they vary in training (a dead sensor, a
 * dropped column). Each has its own limit; an alarm names what is wrong and where.
 */
import type { Detector, Signal } from './detector.ts';
import type { BenignRows } from './prada.ts';
import { packState, unpackState } from './saved.ts';

/** How to watch. */
export interface QualityOptions {
  /** Training rows; of their labels nothing is used. */
  readonly reference: Pick<BenignRows, 'x' | 'features'>;
  readonly featureNames?: readonly string[];
  /** Rows in a window (default 200). */
  readonly windowRows?: number;
  /** Share of rows that may hold NaN or infinities (default 0.01). */
  readonly brokenMax?: number;
  /** Share of rows that may leave the ranges (default 0.1). */
  readonly outsideMax?: number;
  /** How far beyond a range is still inside, in widths of the range (default 0.1). */
  readonly slack?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface Seen {
  readonly atMs: number;
  /** First feature that is no number; −1 for none. */
  readonly broken: number;
  /** First feature out of range; −1 for none. */
  readonly outside: number;
}

interface SavedBody {
  readonly window: readonly Seen[];
  readonly held: Float32Array;
  readonly runs: Uint32Array;
  readonly alarmed: readonly Fault[];
}

type Fault = 'broken' | 'outside' | 'constant';

/** Share of training rows that have the commonest value, above which a feature may stand still. */
const commonestMax = 0.9;

/** A detector over all keys together. Memory: a few numbers a row and feature. */
export function qualityDetector(options: QualityOptions): Detector {
  const { reference, windowRows = 200, brokenMax = 0.01, outsideMax = 0.1, saved } = options;
  const { features } = reference;
  const { slack = 0.1 } = options;
  const ranges = rangesOf(reference, slack);
  const settings = JSON.stringify({ features, windowRows, brokenMax, outsideMax, slack });
  const head = { detector: 'data-quality', settings };
  const body = saved === undefined ? null : unpackState<SavedBody>(saved, head);
  const window = [...(body?.window ?? [])];
  const held = body?.held ?? new Float32Array(features).fill(Number.NaN);
  // How many rows in a row had the value that a feature has now.
  const runs = body?.runs ?? new Uint32Array(features);
  const alarmed = new Set<Fault>(body?.alarmed);
  const shareOf = (kind: 'broken' | 'outside'): number =>
    window.filter((each) => each[kind] >= 0).length / windowRows;
  const stuck = (): number =>
    ranges.varies.findIndex((varies, i) => varies === 1 && (runs[i] ?? 0) >= windowRows);
  const judged = (): { fault: Fault; statistic: number; threshold: number; feature: number }[] => {
    const first = (kind: 'broken' | 'outside'): number =>
      window.find((each) => each[kind] >= 0)?.[kind] ?? -1;
    const constant = stuck();
    const broken = { statistic: shareOf('broken'), threshold: brokenMax, feature: first('broken') };
    const outside = { statistic: shareOf('outside'), threshold: outsideMax };
    return [
      { fault: 'broken', ...broken },
      { fault: 'outside', ...outside, feature: first('outside') },
      { fault: 'constant', statistic: constant >= 0 ? 1 : 0, threshold: 0, feature: constant },
    ];
  };
  return {
    name: head.detector,
    observe: ({ row, atMs }) => {
      window.push({ atMs, ...faultsOf(row, ranges) });
      if (window.length > windowRows) window.shift();
      for (let i = 0; i < features; i++) {
        const same = row[i] === held[i];
        runs[i] = same ? (runs[i] ?? 0) + 1 : 1;
        held[i] = row[i] ?? Number.NaN;
      }
      if (window.length < windowRows) return null;
      let signal: Signal | null = null;
      for (const { fault, statistic, threshold, feature } of judged()) {
        const over = statistic > threshold;
        // One signal a row; another fault that begins now is told with the next row.
        if (over && !alarmed.has(fault) && signal === null) {
          alarmed.add(fault);
          const name = options.featureNames?.[feature] ?? `feature ${feature}`;
          const detail = { fault, feature: name, rows: windowRows };
          const sinceMs = window[0]?.atMs ?? atMs;
          signal = { detector: head.detector, key: '', statistic, threshold, sinceMs, detail };
        }
        if (!over) alarmed.delete(fault);
      }
      return signal;
    },
    status: () => ({
      rows: window.length,
      brokenShare: shareOf('broken'),
      outsideShare: shareOf('outside'),
      constantFeature: stuck(),
    }),
    save: () => packState(head, { window, held, runs, alarmed: [...alarmed] } satisfies SavedBody),
  };
}

interface Ranges {
  readonly min: Float64Array;
  readonly max: Float64Array;
  /** 1 for features that vary so much that standing still is a fault. */
  readonly varies: Uint8Array;
}

function rangesOf({ x, features }: Pick<BenignRows, 'x' | 'features'>, slack: number): Ranges {
  const min = new Float64Array(features).fill(Number.POSITIVE_INFINITY);
  const max = new Float64Array(features).fill(Number.NEGATIVE_INFINITY);
  const varies = new Uint8Array(features);
  const rows = x.length / features;
  for (let i = 0; i < features; i++) {
    const counts = new Map<number, number>();
    for (let row = 0; row < rows; row++) {
      const value = x[row * features + i] ?? 0;
      min[i] = Math.min(min[i] ?? 0, value);
      max[i] = Math.max(max[i] ?? 0, value);
      counts.set(value, (counts.get(value) ?? 0) + 1);
    }
    const commonest = Math.max(0, ...counts.values());
    varies[i] = commonest <= commonestMax * rows ? 1 : 0;
    const width = (max[i] ?? 0) - (min[i] ?? 0);
    min[i] = (min[i] ?? 0) - slack * width;
    max[i] = (max[i] ?? 0) + slack * width;
  }
  return { min, max, varies };
}

function faultsOf(row: Float32Array, { min, max }: Ranges): Omit<Seen, 'atMs'> {
  const broken = row.findIndex((value) => !Number.isFinite(value));
  const outside = row.findIndex((value, i) => value < (min[i] ?? 0) || value > (max[i] ?? 0));
  return { broken, outside };
}
