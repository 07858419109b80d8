/**
 * Evasion by queries: Blacklight (Li et al., USENIX Security 2022). A query whose fingerprint
 * shares many hashes with an earlier one continues its chain; honest rows start chains of their
 * own. Chains run across keys, so that an attack split over accounts is one chain. The published
 * figures flag a single match; on pictures with plain borders they flag honest ones too, hence
 * `tuneFingerprint`: hashes that many benign rows have are left out, and the number of shared
 * hashes is set by benign rows. Exact repeats are not counted.
 *
 * Memory: about 1 kB a query kept; cost: one fingerprint and the lists of its hashes.
 */
import type { JsonObject } from '@merlon/core';
import type { Detector, Observation, Signal } from './detector.ts';
import {
  type FingerprintSettings,
  type FingerprintSpace,
  fingerprint,
} from './fingerprint-hash.ts';
import { FingerprintIndex } from './fingerprint-index.ts';
import type { BenignRows } from './prada.ts';
import { packState, unpackState } from './saved.ts';
import { rowDigest } from './sketch.ts';

/** Figures of the paper for CIFAR-10, with one match as the alarm. */
export const blacklightPublished = {
  window: 20,
  step: 1,
  quantum: 50,
  hashes: 50,
  threshold: 25,
  matchesMin: 1,
} as const;

/** How to watch. */
export interface FingerprintOptions extends Partial<FingerprintSettings>, FingerprintSpace {
  /** Shared hashes that join a query to a chain (default 25, as published). */
  readonly threshold?: number;
  /** Hashes that say nothing, from `tuneFingerprint`. */
  readonly common?: Uint32Array;
  /** Matches in a chain before there is an alarm (default 4; published: 1). */
  readonly matchesMin?: number;
  /** False keeps every key's chains apart (default true: chains run across keys). */
  readonly acrossKeys?: boolean;
  /** Queries kept over all keys (default 10,000); older ones leave. */
  readonly queriesMax?: number;
  /** Bytes of an earlier `save` under the same settings. */
  readonly saved?: Uint8Array;
}

/** Queries that each resemble an earlier one of them. */
interface Chain {
  /** Matches of each key; at most `chainKeysMax` keys. */
  readonly matches: Map<string, number>;
  readonly alarmed: Set<string>;
  readonly sinceMs: number;
  total: number;
  /** Queries still in the ring. */
  held: number;
}

interface Entry {
  readonly key: string;
  readonly digest: number;
  readonly chain: number;
}

interface SavedBody {
  readonly prints: readonly Uint32Array[];
  readonly entries: readonly Entry[];
  readonly next: number;
  readonly chains: readonly (readonly [number, SavedChain])[];
}

interface SavedChain extends Omit<Chain, 'matches' | 'alarmed'> {
  readonly matches: readonly (readonly [string, number])[];
  readonly alarmed: readonly string[];
}

const chainKeysMax = 256;
const name = 'query-fingerprint';

/** A fingerprint detector; `bad-state` for saved bytes of other settings. */
export function fingerprintDetector(options: FingerprintOptions): Detector {
  const settings = { ...blacklightPublished, matchesMin: 4, ...defined(options) };
  const { threshold, matchesMin, acrossKeys = true, queriesMax = 10_000, salt } = settings;
  const take = fingerprint(settings, settings, new Set(options.common));
  const { saved: _, common: __, ...named } = settings;
  const head = { detector: name, settings: JSON.stringify(named) };
  const body = options.saved === undefined ? null : unpackState<SavedBody>(options.saved, head);
  const chains = new Chains(queriesMax, body);
  return {
    name,
    observe: (observation) => {
      const { key, row } = observation;
      const digest = rowDigest(row, salt);
      const print = take(row);
      const match = chains.index.best(print, (at) => acrossKeys || chains.entry(at)?.key === key);
      const parent = match === null ? undefined : chains.entry(match.at);
      if (parent?.digest === digest) return null;
      const joined = match !== null && match.shared >= threshold ? parent?.chain : undefined;
      const id = chains.add(print, { key, digest }, joined, observation.atMs);
      const chain = chains.of(id);
      if (joined === undefined || chain === undefined) return null;
      return alarm(chain, observation, { shared: match?.shared ?? 0, threshold, matchesMin });
    },
    status: () => ({ queries: chains.held, chains: chains.count, threshold, matchesMin }),
    save: () => packState(head, chains.state()),
  };
}

function alarm(
  chain: Chain,
  { key }: Observation,
  found: { readonly shared: number; readonly threshold: number; readonly matchesMin: number },
): Signal | null {
  if (chain.total < found.matchesMin || chain.alarmed.has(key)) return null;
  // One query near another's attack may be chance; two are not.
  const own = chain.matches.get(key) ?? 0;
  if (own < Math.min(2, found.matchesMin)) return null;
  chain.alarmed.add(key);
  const detail: JsonObject = { sharedHashes: found.shared, keys: chain.matches.size, own };
  return {
    detector: name,
    key,
    statistic: chain.total,
    threshold: found.matchesMin,
    sinceMs: chain.sinceMs,
    detail: { ...detail, sharedHashesNeeded: found.threshold },
  };
}

class Chains {
  readonly index: FingerprintIndex;
  private readonly entries: (Entry | undefined)[] = [];
  private readonly chains: Map<number, Chain>;
  private next: number;

  constructor(queriesMax: number, saved: SavedBody | null) {
    this.index = new FingerprintIndex(queriesMax);
    saved?.prints.forEach((print, i) => {
      this.entries[this.index.add(print)] = saved.entries[i];
    });
    this.chains = new Map(saved?.chains.map(([id, chain]) => [id, openChain(chain)]));
    this.next = saved?.next ?? 0;
  }

  get count(): number {
    return this.chains.size;
  }

  get held(): number {
    return this.entries.length;
  }

  entry(at: number): Entry | undefined {
    return this.entries[at];
  }

  of(id: number): Chain | undefined {
    return this.chains.get(id);
  }

  /** Adds a query to a chain, or to a new one; comes back with the chain's number. */
  add(
    print: Uint32Array,
    { key, digest }: Omit<Entry, 'chain'>,
    joined: number | undefined,
    atMs: number,
  ): number {
    const id = joined ?? this.next++;
    const fresh = { matches: new Map(), alarmed: new Set<string>(), total: 0, held: 0 };
    const chain: Chain = this.chains.get(id) ?? { ...fresh, sinceMs: atMs };
    this.chains.set(id, chain);
    if (joined !== undefined) {
      chain.total++;
      const own = chain.matches.get(key);
      if (own !== undefined || chain.matches.size < chainKeysMax) {
        chain.matches.set(key, (own ?? 0) + 1);
      }
    }
    chain.held++;
    const at = this.index.add(print);
    const old = this.entries[at];
    this.entries[at] = { key, digest, chain: id };
    const left = old === undefined ? undefined : this.chains.get(old.chain);
    if (old !== undefined && left !== undefined && --left.held === 0) this.chains.delete(old.chain);
    return id;
  }

  state(): SavedBody {
    const prints = this.index.all;
    const oldest = this.index.oldest;
    const entries = prints.map((_, i) => this.entries[(oldest + i) % prints.length]);
    const chains = [...this.chains].map(([id, chain]) => {
      const { matches, alarmed, ...rest } = chain;
      return [id, { ...rest, matches: [...matches], alarmed: [...alarmed] }] as const;
    });
    return { prints, entries: entries.flatMap((e) => (e ? [e] : [])), next: this.next, chains };
  }
}

function openChain({ matches, alarmed, ...rest }: SavedChain): Chain {
  return { ...rest, matches: new Map(matches), alarmed: new Set(alarmed) };
}

function defined(options: FingerprintOptions): FingerprintOptions {
  const given = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(given) as unknown as FingerprintOptions;
}

/** Share of benign rows that may have a hash before it counts as common. */
const commonShare = 0.01;

/**
 * Common hashes and the number of shared hashes for a model: no more than `falseShare` (default
 * 1 in 1,000) of the benign rows share as many with an earlier one. Cost: two passes.
 */
export function tuneFingerprint(
  { x, features, labels }: BenignRows,
  options: FingerprintSpace & Partial<FingerprintSettings> & { readonly falseShare?: number },
): { readonly common: Uint32Array; readonly threshold: number } {
  const settings = { ...blacklightPublished, ...options };
  const { falseShare = 1e-3, hashes } = settings;
  const rows = Array.from({ length: labels.length }, (_, i) =>
    x.subarray(i * features, (i + 1) * features),
  );
  const counts = new Map<number, number>();
  const all = fingerprint({ ...settings, hashes: features }, settings);
  for (const row of rows)
    for (const hash of all(row)) counts.set(hash, (counts.get(hash) ?? 0) + 1);
  const often = Math.max(2, commonShare * rows.length);
  const common = Uint32Array.from([...counts].flatMap(([hash, n]) => (n > often ? [hash] : [])));
  const index = new FingerprintIndex(rows.length);
  const take = fingerprint(settings, settings, new Set(common));
  const shared = rows.map((row) => {
    const print = take(row);
    const best = index.best(print, () => true)?.shared ?? 0;
    index.add(print);
    return best;
  });
  const sorted = shared.sort((a, b) => b - a);
  const benign = sorted[Math.floor(falseShare * sorted.length)] ?? 0;
  return { common, threshold: Math.min(hashes, Math.max(5, benign + 2)) };
}
