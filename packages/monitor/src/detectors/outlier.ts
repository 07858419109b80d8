/**
 * Rows unlike the training rows of the class they were given: Mahalanobis distance to the class
 * mean under one shrunk covariance (Lee et al. 2018) and distance to the k-th nearest training row
 * of the class (Sun et al. 2022). Best on the model's own representation; rows stand for
 * themselves where there is none. No single row is an alarm, since no such score tells enough;
 * the share of unlikely rows in a window is, by the binomial tail.
 */
import { seeded } from '@merlon/core';
import { MonitorError } from '../error.ts';
import { binomialTail } from '../statistics/binomial.ts';
import { choleskyOf, shrunkCovariance, whiten } from '../statistics/covariance.ts';
import { Bank, type BankState, quantise, quantiseFactor } from './bank.ts';
import type { Detector, Observation } from './detector.ts';
import type { BenignRows } from './prada.ts';
import { packState, unpackState } from './saved.ts';
import { type SketchOptions, sketch, sketchRows } from './sketch.ts';
import { upperTail } from './tail.ts';

/** What is known of one class. */
interface ClassShape {
  readonly label: number;
  /** Whitened mean. */
  readonly mean: Float64Array;
  readonly bank: BankState;
}

/** Shapes of the classes and scores of rows held out of them; plain data. */
export interface OutlierProfile {
  readonly row: SketchOptions;
  readonly represented: boolean;
  readonly factor: Float64Array;
  readonly bankFactor: number;
  readonly classes: readonly ClassShape[];
  /** Sorted scores of held-out rows. */
  readonly mahalanobis: Float64Array;
  readonly neighbour: Float64Array;
}

/** How to learn a profile. */
export interface LearnOutlierOptions {
  readonly seed: number;
  /** Numbers a sketch (default 128). */
  readonly dimensions?: number;
  readonly scale?: Float32Array;
  /** True when the rows are the model's representation, as in `Observation.features`. */
  readonly represented?: boolean;
}

const neighbour = 5;
const bankMax = 500;

/**
 * Learns from training rows with their classes: two thirds shape the classes, one third is scored.
 * Throws `bad-sample` for fewer than 60 rows. Cost: rows times the square of the dimensions.
 */
export function learnOutlier(rows: BenignRows, options: LearnOutlierOptions): OutlierProfile {
  const { seed, dimensions = 128, scale, represented = false } = options;
  const count = rows.labels.length;
  if (count < 60) throw new MonitorError('bad-sample', `rows expected 60 or more, got ${count}`);
  const row = { features: rows.features, dimensions, seed, ...(scale && { scale }) };
  const by = sketch(row);
  const size = by.dimensions;
  const points = sketchRows(by, rows, count);
  const order = seeded(seed).fork('outlier').permutation(count);
  const shaping = order.subarray(0, Math.floor((2 * count) / 3));
  const members = Map.groupBy(shaping, (at) => rows.labels[at] ?? 0);
  const centred = new Float64Array(shaping.length * size);
  const means = new Map<number, Float64Array>();
  let written = 0;
  for (const [label, own] of members) {
    const mean = meanOf(own.map((at) => points[at] ?? new Float32Array(size)));
    means.set(label, mean);
    for (const at of own) {
      for (let i = 0; i < size; i++) centred[written++] = (points[at]?.[i] ?? 0) - (mean[i] ?? 0);
    }
  }
  const factor = choleskyOf(shrunkCovariance(centred, size));
  const bankFactor = quantiseFactor(points);
  const classes = [...members].map(([label, own]) => {
    const bank = new Bank(size, Math.min(bankMax, own.length));
    const kept = own.slice(0, bankMax);
    for (const at of kept) bank.add(quantise(points[at] ?? new Float32Array(size), bankFactor), 0);
    return { label, mean: whiten(factor, means.get(label) ?? []), bank: bank.state };
  });
  const none = new Float64Array();
  const shapes = { row, represented, factor, bankFactor, classes };
  const score = outlierScore({ ...shapes, mahalanobis: none, neighbour: none });
  const held = [...order.subarray(shaping.length)].flatMap((at) => {
    const from = at * rows.features;
    const one = rows.x.subarray(from, from + rows.features);
    const found = score(one, rows.labels[at] ?? 0);
    return found === null ? [] : [found];
  });
  return {
    ...shapes,
    mahalanobis: Float64Array.from(held, (each) => each.mahalanobis).sort(),
    neighbour: Float64Array.from(held, (each) => each.neighbour).sort(),
  };
}

/** Scores of one row: the greater, the less alike; p-values among held-out training rows. */
export interface OutlierScore {
  readonly mahalanobis: number;
  readonly neighbour: number;
  readonly mahalanobisP: number;
  readonly neighbourP: number;
}

/** A function that scores a row by the class it was given; null for an unknown class. */
export function outlierScore(
  profile: OutlierProfile,
): (row: Float32Array, label: number) => OutlierScore | null {
  const by = sketch(profile.row);
  const classes = new Map(
    profile.classes.map(({ label, mean, bank }) => [
      label,
      { mean, bank: new Bank(by.dimensions, bank.added, bank) },
    ]),
  );
  return (row, label) => {
    const own = classes.get(label);
    if (own === undefined) return null;
    const point = by.of(row);
    const white = whiten(profile.factor, point);
    const mahalanobis = white.reduce((sum, value, i) => sum + (value - (own.mean[i] ?? 0)) ** 2, 0);
    const distance = own.bank.nearest(quantise(point, profile.bankFactor), neighbour);
    return {
      mahalanobis,
      neighbour: distance,
      mahalanobisP: upperTail(profile.mahalanobis, mahalanobis),
      neighbourP: upperTail(profile.neighbour, distance),
    };
  };
}

/** How to watch. */
export interface OutlierOptions {
  readonly profile: OutlierProfile;
  /** A row is unlikely below this p-value of either score (default 0.05). */
  readonly rowP?: number;
  /** Rows in a window (default 100). */
  readonly windowRows?: number;
  /** Chance of so many unlikely rows below which there is an alarm (default 1e-8). */
  readonly alpha?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface SavedBody {
  readonly window: readonly { readonly atMs: number; readonly unlikely: boolean }[];
  readonly alarmed: boolean;
}

/** A detector over all keys together; the score of each row is in `outlierScore`. */
export function outlierDetector(options: OutlierOptions): Detector {
  const { profile, rowP = 0.05, windowRows = 100, alpha = 1e-8, saved } = options;
  const score = outlierScore(profile);
  const settings = JSON.stringify({ rowP, windowRows, alpha, ...profile.row, scale: undefined });
  const head = { detector: 'outlier-share', settings };
  const body = saved === undefined ? null : unpackState<SavedBody>(saved, head);
  const window = [...(body?.window ?? [])];
  let alarmed = body?.alarmed ?? false;
  let last = 1;
  const unlikely = (seen: Observation): boolean => {
    const row = profile.represented ? seen.features : seen.row;
    const found = row === undefined ? null : score(row, seen.label);
    // Either score may tell; half of the level each keeps the level of both.
    return found !== null && Math.min(found.mahalanobisP, found.neighbourP) < rowP / 2;
  };
  return {
    name: head.detector,
    observe: (observation) => {
      window.push({ atMs: observation.atMs, unlikely: unlikely(observation) });
      if (window.length > windowRows) window.shift();
      if (window.length < windowRows) return null;
      const hits = window.filter((each) => each.unlikely).length;
      last = binomialTail(hits, windowRows, rowP);
      const isNew = last < alpha && !alarmed;
      alarmed = last < alpha;
      if (!isNew) return null;
      const sinceMs = window.find((each) => each.unlikely)?.atMs ?? observation.atMs;
      const detail = { unlikelyRows: hits, rows: windowRows, expected: rowP * windowRows };
      const judged = { statistic: last, threshold: alpha, sinceMs, detail };
      return { detector: head.detector, key: '', ...judged };
    },
    status: () => ({ rows: window.length, pValue: last, alarmed }),
    save: () => packState(head, { window, alarmed } satisfies SavedBody),
  };
}

function meanOf(points: readonly Float32Array[]): Float64Array {
  const mean = new Float64Array(points[0]?.length ?? 0);
  for (const point of points) {
    for (let i = 0; i < mean.length; i++) mean[i] = (mean[i] ?? 0) + (point[i] ?? 0);
  }
  return mean.map((sum) => sum / points.length);
}
