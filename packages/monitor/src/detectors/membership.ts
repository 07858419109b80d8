/**
 * Membership probing: somebody asks rows that are, or lie next to, rows the model was trained on
 * far more often than rows it never saw do (queries of membership inference and reconstruction,
 * Shokri et al. 2017). The distance of each query to the nearest training row becomes a p-value
 * among distances of held-out rows, and the p-values feed a CUSUM a key. Where held-out rows equal
 * training rows by nature, as in tables of few values, equal rows are no evidence.
 *
 * Memory: 64 bytes a training row once, 2 kB a key. Cost: one distance to each training row kept.
 */
import { type Cusum, cusum } from '../statistics/cusum.ts';
import { Bank, type BankState, lengthOf, quantise, quantiseFactor } from './bank.ts';
import type { Detector } from './detector.ts';
import type { BenignRows } from './prada.ts';
import { recent } from './recent.ts';
import { packState, unpackState } from './saved.ts';
import { rowDigest, type SketchOptions, sketch, sketchRows } from './sketch.ts';
import { evidence, lowerTail } from './tail.ts';

/** Training rows as sketches and how far held-out rows lie from them; plain data. */
export interface MembershipProfile {
  readonly row: SketchOptions;
  readonly factor: number;
  readonly training: BankState;
  /** Sorted distances of held-out rows, in lengths of their sketches, by class; `*` for all. */
  readonly figures: Readonly<Record<string, Float32Array>>;
}

/** How to learn a profile. */
export interface LearnMembershipOptions {
  readonly seed: number;
  /** Numbers a sketch (default 64). */
  readonly dimensions?: number;
  readonly scale?: Float32Array;
  /** Training rows kept (default 20,000, the first ones); probing of others is not seen. */
  readonly trainingMax?: number;
}

/** Learns from training rows and from rows held out of training, with the model's predictions. */
export function learnMembership(
  training: BenignRows,
  heldOut: BenignRows,
  options: LearnMembershipOptions,
): MembershipProfile {
  const { seed, dimensions = 64, scale, trainingMax = 20_000 } = options;
  const row = { features: training.features, dimensions, seed, ...(scale && { scale }) };
  const by = sketch(row);
  const known = sketchRows(by, training, trainingMax);
  const factor = quantiseFactor(known);
  const bank = new Bank(by.dimensions, known.length);
  for (const each of known) bank.add(quantise(each, factor), 0);
  const found = sketchRows(by, heldOut).map((each, i) => {
    const z = quantise(each, factor);
    return { label: String(heldOut.labels[i] ?? 0), distance: bank.nearest(z) / lengthOf(z) };
  });
  // Some classes lie nearer together than others: a client of one class is judged by that one.
  const figures: Record<string, Float32Array> = { '*': sortedDistances(found) };
  for (const [label, own] of Map.groupBy(found, (each) => each.label)) {
    if (own.length >= figuresMin) figures[label] = sortedDistances(own);
  }
  return { row, factor, training: bank.state, figures };
}

/** Held-out rows of a class below which those of all classes stand in. */
const figuresMin = 40;

function sortedDistances(found: readonly { readonly distance: number }[]): Float32Array {
  return Float32Array.from(found, ({ distance }) => distance).sort();
}

/** How to watch. */
export interface MembershipOptions {
  readonly profile: MembershipProfile;
  /** Taken off the evidence of each query, whose benign mean is 1 (default 2). */
  readonly drift?: number;
  /** Sum above which there is an alarm (default 20). */
  readonly threshold?: number;
  /** Clients watched at a time (default 1,000). */
  readonly keysMax?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface Client {
  readonly sum: Cusum;
  /** Digests of the last queries: asking a row again tells nothing new. */
  readonly digests: Float64Array;
  queries: number;
  sinceMs: number;
  alarmed: boolean;
}

type SavedClient = Omit<Client, 'sum'> & { readonly sum: number };
type SavedClients = readonly (readonly [string, SavedClient])[];

const digestsMax = 256;

/** A detector of membership probing that judges each key by itself. */
export function membershipDetector(options: MembershipOptions): Detector {
  const { profile, drift = 2, threshold = 20, keysMax = 1000, saved } = options;
  const limits = { drift, threshold };
  const by = sketch(profile.row);
  const training = new Bank(by.dimensions, profile.training.added, profile.training);
  const settings = JSON.stringify({ ...limits, ...profile.row, scale: undefined });
  const head = { detector: 'membership-probing', settings };
  const kept = saved === undefined ? [] : unpackState<SavedClients>(saved, head);
  const clients = recent<Client>(
    keysMax,
    kept.map(([key, each]) => [key, { ...each, sum: cusum(limits, each.sum) }] as const),
  );
  const fresh = (sinceMs: number): Client => {
    const digests = new Float64Array(digestsMax).fill(-1);
    return { sum: cusum(limits), digests, queries: 0, sinceMs, alarmed: false };
  };
  return {
    name: head.detector,
    observe: ({ key, row, label, atMs }) => {
      const client = clients.take(key, () => fresh(atMs));
      const digest = rowDigest(row, profile.row.seed);
      if (client.digests.includes(digest)) return null;
      client.digests[client.queries++ % digestsMax] = digest;
      if (client.sum.sum === 0) client.sinceMs = atMs;
      const z = quantise(by.of(row), profile.factor);
      const distance = training.nearest(z) / lengthOf(z);
      const figures = profile.figures[label] ?? profile.figures['*'] ?? [];
      const alarm = client.sum.update(evidence(lowerTail(figures, distance)));
      if (client.sum.sum === 0) client.alarmed = false;
      if (!alarm || client.alarmed) return null;
      client.alarmed = true;
      const { queries, sinceMs, sum } = client;
      const detail = { queries, lastDistance: distance };
      return { detector: head.detector, key, statistic: sum.sum, threshold, sinceMs, detail };
    },
    status: () => {
      const sums = clients.entries().map(([, { sum }]) => sum.sum);
      return { clients: clients.size, highestSum: Math.max(0, ...sums), threshold };
    },
    save: () => {
      const state = clients.entries().map(([key, each]) => [key, { ...each, sum: each.sum.sum }]);
      return packState(head, state);
    },
  };
}
