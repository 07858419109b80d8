/**
 * The ledger: every decision is a leaf of a transparency log (RFC 6962 tree, C2SP tlog-tiles and
 * checkpoints), written in the same transaction as what it decides.
 */
import {
  type Bytes,
  base64,
  type Clock,
  canonicalJson,
  equalBytes,
  fromBase64,
  fromUtf8,
  isoTime,
  type JsonObject,
  messageOf,
  utf8,
} from '@merlon/core';
import {
  entryBundle,
  formatProof,
  generateNoteKey,
  type HashReader,
  openCheckpoint,
  parseTilePath,
  proveRecord,
  proveTree,
  type RootKeyProvider,
  readCosignatures,
  recordHash,
  signCheckpoint,
  storedHashCount,
  storedHashes,
  tileData,
  tileWidth,
  treeHash,
  verifierKeyOf,
} from '@merlon/vault';
import { PlatformError } from '../errors.ts';
import type { Actor } from '../model.ts';
import type { LedgerStore, Store } from '../store/store.ts';

/** A decision to be written down. */
export interface Decision {
  /** What was decided, such as `version.approve`. */
  readonly action: string;
  /** What it is about. */
  readonly resource: string;
  readonly detail?: JsonObject;
}

/** What a verification found. */
export interface LedgerReport {
  readonly size: number;
  /** Root hash in base64. */
  readonly root: string;
  readonly valid: boolean;
  /** What is wrong; empty when valid. */
  readonly faults: readonly string[];
}

/** A decision and the proof that it is in the log. */
export interface LedgerProof {
  readonly index: number;
  readonly leaf: string;
  /** Text of the proof, with the checkpoint. */
  readonly proof: string;
}

/** That a log only grew. */
export interface GrowthProof {
  readonly olderSize: number;
  readonly size: number;
  /** Hashes in base64 (RFC 6962 section 2.1.2). */
  readonly hashes: readonly string[];
  readonly checkpoint: string;
}

/** Writes and proves. */
export interface Ledger {
  /** Appends a decision and a signed checkpoint, inside the given transaction. */
  append(tx: Store, actor: Actor, decision: Decision): Promise<void>;
  /** The same for many decisions at once, under one checkpoint. */
  appendAll(tx: Store, actor: Actor, decisions: readonly Decision[]): Promise<void>;
  /**
   * Writes down a decision that stands alone; it is there when the promise resolves. Those that
   * come while others are being written share one transaction and one checkpoint.
   */
  record(actor: Actor, decision: Decision): Promise<void>;
  /** Recomputes the whole tree from its leaves and compares it with the signed checkpoint. */
  verify(): Promise<LedgerReport>;
  /** A tile by its path below `tile/` (C2SP tlog-tiles); throws `bad-tile` for a wrong path. */
  tile(path: string): Promise<Bytes>;
  /** The proof that a decision is in the log (C2SP tlog-proof); throws `not-found`. */
  prove(index: number): Promise<LedgerProof>;
  /** The proof that the log of an older size is a beginning of the one of today. */
  proveGrowth(olderSize: number): Promise<GrowthProof>;
  /** Adds what trusted witnesses signed below the checkpoint; returns their names. */
  cosign(checkpoint: string): Promise<string[]>;
  /** Verifier key (`name+hash+key`) for outsiders. */
  readonly verifierKey: string;
}

/** The log's origin; every home has a key of its own behind it. */
export const ledgerOrigin = 'merlon.local/ledger';

const keyContext = 'key/ledger';
const metaKey = 'ledgerKey';
const pageEntries = 1000;

/** Opens the ledger of a store; makes its key at the first use. */
export async function openLedger(parts: {
  readonly store: Store;
  readonly rootKey: RootKeyProvider;
  readonly clock: Clock;
  /** Verifier keys of the witnesses that are trusted. */
  readonly witnessKeys?: readonly string[];
}): Promise<Ledger> {
  const { store, rootKey, clock, witnessKeys = [] } = parts;
  const signerKey = await ledgerKey(store, rootKey);
  const verifierKey = verifierKeyOf(signerKey);
  const appendLeaves = async (tx: Store, made: readonly string[]): Promise<void> => {
    if (made.length === 0) return;
    const size = await tx.ledgerSize();
    const { root, hashes } = await grown(tx, size, made);
    await tx.addLedgerEntries(made.map((leaf, i) => ({ index: size + i, leaf })));
    await tx.putLedgerHashes(storedHashCount(size), hashes);
    const checkpoint = { origin: ledgerOrigin, size: size + made.length, root };
    await tx.putCheckpoint(checkpoint.size, signCheckpoint(checkpoint, [signerKey]));
  };
  const appendAll: Ledger['appendAll'] = (tx, actor, decisions) =>
    appendLeaves(
      tx,
      decisions.map((decision) => leafOf(clock, actor, decision)),
    );
  const together = grouped((leaves) => store.transaction((tx) => appendLeaves(tx, leaves)));
  return {
    verifierKey,
    append: (tx, actor, decision) => appendAll(tx, actor, [decision]),
    appendAll,
    record: (actor, decision) => together(leafOf(clock, actor, decision)),
    verify: () => store.transaction((tx) => verifyLedger(tx, verifierKey)),
    tile: (path) => readTile(store, path),
    prove: (index) => store.transaction((tx) => proveEntry(tx, index)),
    proveGrowth: (olderSize) => store.transaction((tx) => proveOlder(tx, olderSize)),
    cosign: (text) => store.transaction((tx) => addCosignatures(tx, text, witnessKeys)),
  };
}

/** Leaves of one transaction at most. */
const groupMax = 500;

/**
 * Hands what comes while a group is being written to the next one (group commit: DeWitt et al.
 * 1984, section 5.2). Everybody of a group that fails is told so.
 */
function grouped(
  write: (leaves: readonly string[]) => Promise<void>,
): (leaf: string) => Promise<void> {
  let waiting: { leaf: string; resolve: () => void; reject: (error: unknown) => void }[] = [];
  let busy = false;
  const run = async (): Promise<void> => {
    busy = true;
    while (waiting.length > 0) {
      const group = waiting.slice(0, groupMax);
      waiting = waiting.slice(groupMax);
      try {
        await write(group.map(({ leaf }) => leaf));
        for (const { resolve } of group) resolve();
      } catch (error) {
        for (const { reject } of group) reject(error);
      }
    }
    busy = false;
  };
  return (leaf) =>
    new Promise((resolve, reject) => {
      waiting.push({ leaf, resolve, reject });
      // Whoever asks in the same turn of the loop belongs to the first group.
      if (!busy) queueMicrotask(() => busy || void run());
    });
}

function leafOf(clock: Clock, actor: Actor, decision: Decision): string {
  return canonicalJson({
    at: isoTime(clock.nowMs()),
    actor: { kind: actor.kind, id: actor.id, name: actor.name },
    workspace: actor.workspaceId,
    action: decision.action,
    resource: decision.resource,
    detail: decision.detail ?? {},
  });
}

/**
 * The new hashes and root. Only the hashes to the left of the new records are read, once for all of
 * them; what follows from the records themselves is at hand.
 */
async function grown(
  tx: LedgerStore,
  size: number,
  leaves: readonly string[],
): Promise<{ root: Uint8Array; hashes: Uint8Array[] }> {
  const start = storedHashCount(size);
  const hashes: Uint8Array[] = [];
  const known = new Map<number, Uint8Array>();
  const reader: HashReader = {
    read: async (indexes) => {
      const missing = indexes.filter((index) => index < start && !known.has(index));
      const found = await tx.ledgerHashes(missing);
      for (const [i, index] of missing.entries()) known.set(index, found[i] ?? new Uint8Array(0));
      return indexes.map((index) => {
        const hash = index < start ? known.get(index) : hashes[index - start];
        return hash ?? new Uint8Array(0);
      });
    },
  };
  for (const [i, leaf] of leaves.entries()) {
    hashes.push(...(await storedHashes(size + i, recordHash(utf8(leaf)), reader)));
  }
  return { root: await treeHash(size + leaves.length, reader), hashes };
}

async function latestOf(store: LedgerStore): Promise<{ size: number; text: string }> {
  const latest = await store.latestCheckpoint();
  if (latest !== null) return latest;
  throw new PlatformError('not-found', 'the ledger is empty', {
    hint: 'nothing was decided yet, so there is nothing to prove',
  });
}

async function proveEntry(store: LedgerStore, index: number): Promise<LedgerProof> {
  const { size, text: checkpoint } = await latestOf(store);
  const [entry] = index < size ? await store.ledgerEntries(index, 1) : [];
  if (entry === undefined || entry.index !== index) {
    throw new PlatformError('not-found', `there is no decision ${index}`, {
      hint: `decisions are counted from 0 to ${size - 1}`,
    });
  }
  const hashes = await proveRecord(size, index, readerOf(store));
  return { index, leaf: entry.leaf, proof: formatProof({ index, hashes, checkpoint }) };
}

async function proveOlder(store: LedgerStore, olderSize: number): Promise<GrowthProof> {
  const { size, text: checkpoint } = await latestOf(store);
  if (olderSize < 1 || olderSize > size) {
    throw new PlatformError('not-found', `the ledger never had ${olderSize} decisions`, {
      hint: `give a size from 1 to ${size}`,
    });
  }
  const hashes = await proveTree(size, olderSize, readerOf(store));
  return { olderSize, size, hashes: hashes.map(base64), checkpoint };
}

/** Lines of witnesses under the very checkpoint that is kept; other lines are left out. */
async function addCosignatures(
  store: LedgerStore,
  text: string,
  witnessKeys: readonly string[],
): Promise<string[]> {
  const latest = await latestOf(store);
  const [body] = latest.text.split('\n\n');
  if (text.split('\n\n')[0] !== body) {
    throw new PlatformError('conflict', 'the checkpoint is not the latest one', {
      hint: 'fetch the latest checkpoint, cosign it and send it again',
    });
  }
  const names = readCosignatures(text, witnessKeys).map(({ name }) => name);
  const lines = text.split('\n').filter((line) => {
    return names.some((name) => line.startsWith(`— ${name} `)) && !latest.text.includes(line);
  });
  if (lines.length > 0) {
    await store.putCheckpoint(latest.size, `${latest.text}${lines.join('\n')}\n`);
  }
  return names;
}

async function ledgerKey(store: Store, rootKey: RootKeyProvider): Promise<string> {
  const kept = await store.meta(metaKey);
  if (kept !== null) return fromUtf8(await rootKey.unwrap(fromBase64(kept), keyContext));
  const { signerKey } = generateNoteKey(ledgerOrigin);
  const wrapped = await rootKey.wrap(utf8(signerKey), keyContext);
  await store.setMeta(metaKey, base64(wrapped));
  return signerKey;
}

async function verifyLedger(store: LedgerStore, verifierKey: string): Promise<LedgerReport> {
  const size = await store.ledgerSize();
  const faults: string[] = [];
  const memory: Uint8Array[] = [];
  const reader: HashReader = {
    read: async (indexes) => indexes.map((index) => memory[index] ?? new Uint8Array(32)),
  };
  for (let from = 0; from < size; from += pageEntries) {
    for (const { index, leaf } of await store.ledgerEntries(from, pageEntries)) {
      if (storedHashCount(index) !== memory.length) {
        faults.push(`entry ${index} does not follow its predecessor`);
        return { size, root: '', valid: false, faults };
      }
      memory.push(...(await storedHashes(index, recordHash(utf8(leaf)), reader)));
    }
  }
  faults.push(...(await hashFaults(store, memory)));
  const root = await treeHash(size, reader);
  faults.push(...(await checkpointFaults(store, { verifierKey, size, root })));
  return { size, root: base64(root), valid: faults.length === 0, faults };
}

/** Proofs and tiles come from the stored hashes, so those must be what the entries hash to. */
async function hashFaults(store: LedgerStore, computed: readonly Uint8Array[]): Promise<string[]> {
  for (let from = 0; from < computed.length; from += pageEntries) {
    const indexes = computed.slice(from, from + pageEntries).map((_, i) => from + i);
    const stored = await store.ledgerHashes(indexes).catch((error: unknown) => messageOf(error));
    if (typeof stored === 'string') return [stored];
    const wrong = stored.findIndex((hash, i) => !equalBytes(hash, computed[from + i] ?? hash));
    if (wrong >= 0) return [`stored hash ${from + wrong} is not that of the entries`];
  }
  return [];
}

async function checkpointFaults(
  store: LedgerStore,
  computed: { verifierKey: string; size: number; root: Uint8Array },
): Promise<string[]> {
  const latest = await store.latestCheckpoint();
  if (latest === null) return computed.size === 0 ? [] : ['there is no checkpoint'];
  try {
    const verifierKeys = [computed.verifierKey];
    const checkpoint = openCheckpoint(latest.text, { origin: ledgerOrigin, verifierKeys });
    if (checkpoint.size !== computed.size) {
      return [`the checkpoint signs ${checkpoint.size} entries, ${computed.size} are there`];
    }
    if (!equalBytes(checkpoint.root, computed.root)) {
      return ['the entries do not hash to the signed root: something was changed'];
    }
    return [];
  } catch (error) {
    return [`the checkpoint does not hold: ${messageOf(error)}`];
  }
}

async function readTile(store: LedgerStore, path: string): Promise<Bytes> {
  const tile = parseTilePath(path);
  if (tile.level !== 'entries') return tileData(tile, readerOf(store));
  const entries = await store.ledgerEntries(tile.index * tileWidth, tile.width);
  return entryBundle(entries.map(({ leaf }) => utf8(leaf)));
}

function readerOf(store: LedgerStore): HashReader {
  return { read: (indexes) => store.ledgerHashes(indexes) };
}
