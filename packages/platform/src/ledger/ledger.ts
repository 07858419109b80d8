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
  generateNoteKey,
  type HashReader,
  openCheckpoint,
  parseTilePath,
  type RootKeyProvider,
  recordHash,
  signCheckpoint,
  storedHashCount,
  storedHashes,
  tileData,
  tileWidth,
  treeHash,
  verifierKeyOf,
} from '@merlon/vault';
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

/** Writes and proves. */
export interface Ledger {
  /** Appends a decision and a signed checkpoint, inside the given transaction. */
  append(tx: Store, actor: Actor, decision: Decision): Promise<void>;
  /** Recomputes the whole tree from its leaves and compares it with the signed checkpoint. */
  verify(): Promise<LedgerReport>;
  /** A tile by its path below `tile/` (C2SP tlog-tiles); throws `bad-tile` for a wrong path. */
  tile(path: string): Promise<Bytes>;
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
}): Promise<Ledger> {
  const { store, rootKey, clock } = parts;
  const signerKey = await ledgerKey(store, rootKey);
  const verifierKey = verifierKeyOf(signerKey);
  return {
    verifierKey,
    append: async (tx, actor, decision) => {
      const index = await tx.ledgerSize();
      const leaf = canonicalJson({
        at: isoTime(clock.nowMs()),
        actor: { kind: actor.kind, id: actor.id, name: actor.name },
        workspace: actor.workspaceId,
        action: decision.action,
        resource: decision.resource,
        detail: decision.detail ?? {},
      });
      const reader = readerOf(tx);
      const hashes = await storedHashes(index, recordHash(utf8(leaf)), reader);
      await tx.addLedgerEntry({ index, leaf });
      await tx.putLedgerHashes(storedHashCount(index), hashes);
      const root = await treeHash(index + 1, reader);
      const checkpoint = { origin: ledgerOrigin, size: index + 1, root };
      await tx.putCheckpoint(index + 1, signCheckpoint(checkpoint, [signerKey]));
    },
    verify: () => store.transaction((tx) => verifyLedger(tx, verifierKey)),
    tile: (path) => readTile(store, path),
  };
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
  const root = await treeHash(size, reader);
  faults.push(...(await checkpointFaults(store, { verifierKey, size, root })));
  return { size, root: base64(root), valid: faults.length === 0, faults };
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
