/**
 * Extraction by coverage: the space of training rows is divided into cells around landmarks, half
 * of them typical and half of them far apart. Natural queries fill cells at a rate that their
 * shares of the training rows predict; somebody who chooses queries to learn most of the model
 * fills rare cells sooner (Kesarwani et al. 2018 measure coverage of the input space; k-centre
 * selection, Pal et al. 2020, is the attack). `massMax` alarms on sheer breadth too, since theft
 * with natural queries differs from honest use by nothing else.
 *
 * Memory: one byte a cell and key. Cost: one distance a cell.
 */
import { seeded } from '@merlon/core';
import { MonitorError } from '../error.ts';
import { quantise, quantiseFactor } from './bank.ts';
import type { Detector } from './detector.ts';
import type { BenignRows } from './prada.ts';
import { recent } from './recent.ts';
import { packState, unpackState } from './saved.ts';
import { type SketchOptions, sketch, sketchRows } from './sketch.ts';

/** Landmarks and the share of benign rows in the cell of each; plain data. */
export interface CoverageProfile {
  readonly row: SketchOptions;
  readonly factor: number;
  /** Sketches of the landmarks, one after the other. */
  readonly landmarks: Int8Array;
  readonly shares: Float64Array;
}

/** How to divide the space. */
export interface LearnCoverageOptions {
  readonly seed: number;
  /** Numbers a sketch (default 64). */
  readonly dimensions?: number;
  readonly scale?: Float32Array;
  /** Cells (default 128, at most a quarter of the rows). */
  readonly cells?: number;
}

/** Divides the space by benign rows; throws `bad-sample` for fewer than 40. */
export function learnCoverage(rows: BenignRows, options: LearnCoverageOptions): CoverageProfile {
  const { seed, dimensions = 64, scale } = options;
  const count = rows.labels.length;
  const cells = Math.min(options.cells ?? 128, Math.floor(count / 4));
  if (cells < 10) {
    throw new MonitorError('bad-sample', `benign rows expected 40 or more, got ${count}`);
  }
  const row = { features: rows.features, dimensions, seed, ...(scale && { scale }) };
  const by = sketch(row);
  const plain = sketchRows(by, rows, count);
  const factor = quantiseFactor(plain);
  const points = plain.map((each) => quantise(each, factor));
  const order = seeded(seed).fork('coverage').permutation(count);
  const chosen = [...order.subarray(0, Math.ceil(cells / 2))];
  const away = Float64Array.from(points, (point) =>
    Math.min(...chosen.map((at) => squared(points[at] ?? point, point))),
  );
  while (chosen.length < cells) {
    const next = points[away.indexOf(Math.max(...away))] ?? new Int8Array();
    chosen.push(points.indexOf(next));
    points.forEach((point, i) => {
      away[i] = Math.min(away[i] ?? 0, squared(next, point));
    });
  }
  const landmarks = new Int8Array(cells * by.dimensions);
  chosen.forEach((at, i) => {
    landmarks.set(points[at] ?? [], i * by.dimensions);
  });
  // Half a row each, so that no cell counts as impossible.
  const shares = new Float64Array(cells).fill(0.5 / (count + cells / 2));
  for (const point of points) {
    const cell = nearest(landmarks, point);
    shares[cell] = (shares[cell] ?? 0) + 1 / (count + cells / 2);
  }
  return { row, factor, landmarks, shares };
}

/** How to watch. */
export interface CoverageOptions {
  readonly profile: CoverageProfile;
  /** Deviations above the natural fill at which there is an alarm (default 6). */
  readonly deviationsMax?: number;
  /** Queries before a first judgement (default 50). */
  readonly queriesMin?: number;
  /** Share of the training rows' cells that one key may see (default 1: any). */
  readonly massMax?: number;
  /** Clients watched at a time (default 1,000). */
  readonly keysMax?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface Client {
  readonly seen: Uint8Array;
  readonly sinceMs: number;
  queries: number;
  cells: number;
  /** Sum of the weights of seen cells. */
  filled: number;
  mass: number;
  alarmed: boolean;
}

const checkEvery = 10;

/** A detector of extraction by coverage that judges each key by itself. */
export function coverageDetector(options: CoverageOptions): Detector {
  const { profile, deviationsMax = 6, queriesMin = 50, massMax = 1, keysMax = 1000 } = options;
  const { shares, landmarks, factor } = profile;
  const by = sketch(profile.row);
  const settings = { deviationsMax, queriesMin, massMax, ...profile.row, scale: undefined };
  const head = { detector: 'extraction-coverage', settings: JSON.stringify(settings) };
  const { saved } = options;
  const clients = recent<Client>(
    keysMax,
    saved === undefined ? [] : unpackState<[string, Client][]>(saved, head),
  );
  const fresh = (sinceMs: number): Client => {
    const seen = new Uint8Array(shares.length);
    return { seen, sinceMs, queries: 0, cells: 0, filled: 0, mass: 0, alarmed: false };
  };
  return {
    name: head.detector,
    observe: ({ key, row, atMs }) => {
      const client = clients.take(key, () => fresh(atMs));
      const cell = nearest(landmarks, quantise(by.of(row), factor));
      client.queries++;
      if (client.seen[cell] === 0) {
        client.seen[cell] = 1;
        client.cells++;
        client.filled += weightOf(shares[cell] ?? 1);
        client.mass += shares[cell] ?? 0;
      }
      const { queries, cells, filled, mass, sinceMs } = client;
      if (client.alarmed || queries < queriesMin || queries % checkEvery !== 0) return null;
      const { expected, deviation } = naturalFill(shares, queries);
      const statistic = (filled - expected) / deviation;
      const broad = mass > massMax;
      if (statistic <= deviationsMax && !broad) return null;
      client.alarmed = true;
      const detail = { queries, cells, mass, broad };
      const judged = { statistic, threshold: deviationsMax, sinceMs, detail };
      return { detector: head.detector, key, ...judged };
    },
    status: () => {
      const masses = clients.entries().map(([, { mass }]) => mass);
      return { clients: clients.size, highestMass: Math.max(0, ...masses) };
    },
    save: () => packState(head, clients.entries()),
  };
}

/** Rare cells weigh more: natural queries seldom come by, somebody who chooses them does. */
function weightOf(share: number): number {
  return 1 / Math.sqrt(share);
}

/** Weight that so many natural queries fill, as if cells were independent: a bit too wide. */
function naturalFill(shares: Float64Array, queries: number) {
  let expected = 0;
  let variance = 0;
  for (const share of shares) {
    const filled = 1 - (1 - share) ** queries;
    expected += filled * weightOf(share);
    variance += filled * (1 - filled) * weightOf(share) ** 2;
  }
  return { expected, deviation: Math.sqrt(variance) || 1 };
}

function nearest(landmarks: Int8Array, z: Int8Array): number {
  let best = 0;
  let least = Number.POSITIVE_INFINITY;
  for (let cell = 0, from = 0; from < landmarks.length; cell++, from += z.length) {
    let sum = 0;
    for (let i = 0; i < z.length && sum < least; i++) {
      const apart = (landmarks[from + i] ?? 0) - (z[i] ?? 0);
      sum += apart * apart;
    }
    if (sum < least) {
      least = sum;
      best = cell;
    }
  }
  return best;
}

function squared(a: Int8Array, b: Int8Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] ?? 0) - (b[i] ?? 0)) ** 2;
  return sum;
}
