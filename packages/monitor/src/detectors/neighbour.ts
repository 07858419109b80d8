/**
 * Evasion and extraction by queries: each query is compared with earlier ones of the same client
 * and predicted class, and with the model's benign rows. The p-values of "so near to an earlier
 * query" and "so far from benign rows" feed two CUSUMs (Page 1954), so that many small steps add
 * up where one threshold on each query is learnt and evaded (Feng et al., CCS 2023). Exact repeats
 * teach an attacker nothing and are not counted.
 *
 * Memory: 72 bytes a query kept, at most 16 classes of 128 rows a key; cost: one sketch and at
 * most 256 distances of 64 numbers a query.
 */
import { secureBytes } from '@merlon/core';
import { type Cusum, cusum } from '../statistics/cusum.ts';
import { Bank, type BankState, lengthOf, quantise } from './bank.ts';
import type { Detector, Observation, Signal } from './detector.ts';
import {
  bucketOf,
  farNeighbour,
  figuresMin,
  type NeighbourProfile,
  rowsPerClassMax,
} from './neighbour-profile.ts';
import { recent } from './recent.ts';
import { packState, unpackState } from './saved.ts';
import { rowDigest, sketch } from './sketch.ts';
import { evidence, lowerTail, upperTail } from './tail.ts';

/** How to watch. */
export interface NeighbourOptions {
  readonly profile: NeighbourProfile;
  /** Taken off the evidence of each query, whose benign mean is 1 (default 2). */
  readonly drift?: number;
  /** Sum above which there is an alarm (default 20: about 1e-7 a benign query). */
  readonly threshold?: number;
  /** Clients watched at a time; the least recent is forgotten (default 500). */
  readonly keysMax?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

interface Client {
  readonly banks: ReturnType<typeof recent<Bank>>;
  near: Cusum;
  far: Cusum;
  queries: number;
  sinceMs: number;
  alarmed: boolean;
}

interface SavedClient {
  readonly banks: readonly (readonly [string, BankState])[];
  readonly near: number;
  readonly far: number;
  readonly queries: number;
  readonly sinceMs: number;
  readonly alarmed: boolean;
}

interface SavedBody {
  readonly salt: number;
  readonly clients: readonly (readonly [string, SavedClient])[];
}

const classesMax = 16;

/** A detector of query sequences that judges each key by itself; `bad-state` for foreign bytes. */
export function neighbourDetector(options: NeighbourOptions): Detector {
  const { profile, drift = 2, threshold = 20, keysMax = 500, saved } = options;
  const limits = { drift, threshold };
  const measure = measures(profile);
  const head = {
    detector: 'sequence-neighbour',
    settings: JSON.stringify({ ...limits, ...profile.row, scale: undefined }),
  };
  const body = saved === undefined ? null : unpackState<SavedBody>(saved, head);
  const salt = body?.salt ?? new DataView(secureBytes(4).buffer).getUint32(0);
  const opened = body?.clients.map(
    ([key, client]) => [key, open(client, measure, limits)] as const,
  );
  const clients = recent<Client>(keysMax, opened);
  const fresh = (sinceMs: number): Client => {
    const blank = { banks: [], near: 0, far: 0, queries: 0, alarmed: false };
    return open({ ...blank, sinceMs }, measure, limits);
  };
  return {
    name: head.detector,
    observe: (observation) => {
      const client = clients.take(observation.key, () => fresh(observation.atMs));
      client.queries++;
      const z = measure.row(observation.row);
      const digest = rowDigest(observation.row, salt);
      const label = String(observation.label);
      const bank = client.banks.take(label, () => new Bank(z.length, rowsPerClassMax));
      if (bank.has(digest)) return null;
      if (client.near.sum === 0 && client.far.sum === 0) client.sinceMs = observation.atMs;
      const nearP = bank.count === 0 ? 1 : measure.near(label, bank, z);
      const farP = measure.far(observation);
      bank.add(z, digest);
      const near = bank.count > 1 && client.near.update(evidence(nearP));
      const far = client.far.update(evidence(farP));
      if (!(near || far)) {
        if (client.near.sum === 0 && client.far.sum === 0) client.alarmed = false;
        return null;
      }
      if (client.alarmed) return null;
      client.alarmed = true;
      return signalOf(client, observation.key, threshold, { near, far });
    },
    status: () => {
      const sums = clients.entries().map(([, { near, far }]) => Math.max(near.sum, far.sum));
      return { clients: clients.size, highestSum: Math.max(0, ...sums), threshold };
    },
    save: () => {
      const kept = clients.entries().map(([key, client]) => [key, close(client)] as const);
      return packState(head, { salt, clients: kept } satisfies SavedBody);
    },
  };
}

interface Measure {
  row(row: Float32Array): Int8Array;
  near(label: string, bank: Bank, z: Int8Array): number;
  /** 1 where nothing is known of the class or the representation is not at hand. */
  far(observation: Observation): number;
  readonly dimensions: number;
}

function measures(profile: NeighbourProfile): Measure {
  const rows = sketch(profile.row);
  const away = sketch(profile.far);
  const references = new Map(
    profile.references.map((each) => {
      const count = each.bank.added;
      return [each.label, { ...each, bank: new Bank(away.dimensions, count, each.bank) }];
    }),
  );
  return {
    dimensions: rows.dimensions,
    row: (row) => quantise(rows.of(row), profile.rowFactor),
    near: (label, bank, z) => {
      const bucket = bucketOf(bank.count);
      const own = profile.nearest[`${label}:${bucket}`];
      const all = profile.nearest[`*:${bucket}`];
      const figures = own !== undefined && own.length >= figuresMin ? own : all;
      return figures === undefined ? 1 : lowerTail(figures, bank.nearest(z) / lengthOf(z));
    },
    far: ({ row, label, features }) => {
      const reference = references.get(label);
      const seen = profile.represented ? features : row;
      if (reference === undefined || seen === undefined) return 1;
      const z = quantise(away.of(seen), profile.farFactor);
      const distance = Math.log(1 + reference.bank.nearest(z, farNeighbour));
      return upperTail(profile.outlying, (distance - reference.mean) / reference.deviation);
    },
  };
}

function open(
  saved: SavedClient,
  { dimensions }: Measure,
  limits: { readonly drift: number; readonly threshold: number },
): Client {
  const banks = saved.banks.map(
    ([label, state]) => [label, new Bank(dimensions, rowsPerClassMax, state)] as const,
  );
  return {
    ...saved,
    banks: recent(classesMax, banks),
    near: cusum(limits, saved.near),
    far: cusum(limits, saved.far),
  };
}

function close({ banks, near, far, queries, sinceMs, alarmed }: Client): SavedClient {
  const kept = banks.entries().map(([label, bank]) => [label, bank.state] as const);
  return { banks: kept, near: near.sum, far: far.sum, queries, sinceMs, alarmed };
}

function signalOf(
  { banks, near, far, sinceMs, queries }: Client,
  key: string,
  threshold: number,
  alarm: { readonly near: boolean; readonly far: boolean },
): Signal {
  return {
    detector: 'sequence-neighbour',
    key,
    statistic: Math.max(near.sum, far.sum),
    threshold,
    sinceMs,
    detail: {
      ...{ queries, classes: banks.size },
      ...{ tooNear: alarm.near, tooFar: alarm.far, near: near.sum, far: far.sum },
    },
  };
}
