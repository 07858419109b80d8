/**
 * Keys of objects: an age identity for each version (and one for what has just come in), a signing
 * key for each workspace; all wrapped under the key of their workspace, which is wrapped under the
 * home key, and each bound to its row.
 */
import {
  base64,
  type Clock,
  fromBase64,
  fromUtf8,
  isoTime,
  utf8,
  uuidv7,
  wipe,
} from '@merlon/core';
import {
  generateIdentity,
  generateSigningKey,
  headerFor,
  newRootKey,
  type OpenFault,
  openFaultOf,
  openRandomAccess,
  type PayloadOptions,
  type RootKeyProvider,
  seal,
  unwrapKey,
  wrapKey,
} from '@merlon/vault';
import type { BlobStore, OpenSource } from '../blob/blob.ts';
import { PlatformError } from '../errors.ts';
import type { VersionFile, WrappedKey } from '../model.ts';
import type { Store } from '../store/store.ts';

/** Makes, finds and uses keys. */
export interface Keyring {
  /** The workspace's key of a purpose, made at its first use. */
  shared(workspaceId: string, purpose: 'quarantine' | 'signing'): Promise<WrappedKey>;
  /** A fresh key for one version. */
  forVersion(workspaceId: string): Promise<WrappedKey>;
  /** The secret half; throws `not-found`, or `conflict` when the key was destroyed. */
  secret(key: WrappedKey): Promise<string>;
  /** Seals a stream to a key. */
  seal(key: WrappedKey, chunks: AsyncIterable<Uint8Array>): AsyncIterable<Uint8Array>;
  /**
   * Random access to the clear bytes of a stored file, decrypted chunk by chunk in memory. What
   * does not open is one error (`cannot-open`) to the caller; `onRefused` learns which half failed.
   */
  open(file: VersionFile): Promise<OpenSource>;
  /** The header (base64) by which a key opens the object that the file is sealed in. */
  headerFor(file: VersionFile, key: WrappedKey): Promise<string>;
}

/** What a keyring works with. */
export interface KeyringParts {
  readonly rootKey: RootKeyProvider;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
  /** Is told of every object that did not open, and why. */
  readonly onRefused?: (file: VersionFile, fault: OpenFault) => Promise<void>;
}

/** A keyring over a root key, a store and the sealed objects. */
export function openKeyring(parts: KeyringParts): Keyring {
  const { store, blobs } = parts;
  const wrapping = openWrapping(parts);
  const secret = async (key: WrappedKey): Promise<string> => {
    if (key.destroyedAt !== null) {
      throw new PlatformError('conflict', `key "${key.id}" was destroyed on ${key.destroyedAt}`, {
        hint: 'what was sealed to it is gone for ever',
      });
    }
    const bytes = await wrapping.unwrap(key);
    const text = fromUtf8(bytes);
    wipe(bytes);
    return text;
  };
  const identityFor = async (file: VersionFile): Promise<PayloadOptions> => {
    const key = await store.wrappedKey(file.keyId);
    if (key === null) throw new PlatformError('not-found', `key "${file.keyId}" is not known`);
    const identities = [await secret(key)];
    return file.header === null ? { identities } : { identities, header: fromBase64(file.header) };
  };
  const told = async <T>(file: VersionFile, work: () => Promise<T>): Promise<T> => {
    try {
      return await work();
    } catch (error) {
      const fault = openFaultOf(error);
      if (fault !== null) await parts.onRefused?.(file, fault);
      throw error;
    }
  };
  return {
    shared: async (workspaceId, purpose) =>
      (await wrapping.find(workspaceId, purpose)) ?? wrapping.add(workspaceId, purpose),
    forVersion: (workspaceId) => wrapping.add(workspaceId, 'version'),
    secret,
    seal: (key, chunks) => seal(chunks, { recipients: [key.publicKey] }),
    open: async (file) => {
      const by = await identityFor(file);
      const sealed = await blobs.open(file.blob);
      try {
        const clear = await told(file, () => openRandomAccess(sealed, by));
        const read: OpenSource['read'] = (offset, length) =>
          told(file, () => clear.read(offset, length));
        return { size: clear.size, read, close: () => sealed.close() };
      } catch (error) {
        await sealed.close();
        throw error;
      }
    },
    headerFor: async (file, { publicKey }) => {
      const by = await identityFor(file);
      const sealed = await blobs.open(file.blob);
      try {
        return base64(await headerFor(sealed, { ...by, recipients: [publicKey] }));
      } finally {
        await sealed.close();
      }
    },
  };
}

interface Wrapping {
  find(workspaceId: string, purpose: WrappedKey['purpose']): Promise<WrappedKey | undefined>;
  add(workspaceId: string, purpose: PairPurpose): Promise<WrappedKey>;
  unwrap(key: WrappedKey): Promise<Uint8Array>;
}

/** Keys as rows: each under the key of its workspace, that one under the home key. */
function openWrapping({ rootKey, store, clock }: KeyringParts): Wrapping {
  const keep = async (key: Omit<WrappedKey, 'createdAt' | 'destroyedAt'>): Promise<WrappedKey> => {
    const kept = { ...key, createdAt: isoTime(clock.nowMs()), destroyedAt: null };
    await store.addWrappedKey(kept);
    return kept;
  };
  const find: Wrapping['find'] = async (workspaceId, purpose) => {
    const keys = await store.wrappedKeys(workspaceId);
    return keys.find((key) => key.purpose === purpose && key.destroyedAt === null);
  };
  const addWorkspaceKey = async (workspaceId: string): Promise<WrappedKey> => {
    const id = uuidv7(clock);
    const purpose = 'workspace';
    const bytes = newRootKey();
    const wrapped = await rootKey.wrap(bytes, contextOf(id, purpose));
    wipe(bytes);
    return keep({ id, workspaceId, purpose, publicKey: '', wrapped, wrappedBy: null });
  };
  const unwrap: Wrapping['unwrap'] = async (key) => {
    const context = contextOf(key.id, key.purpose);
    // Keys made before workspaces had keys of their own stand under the home key itself.
    if (key.wrappedBy === null) return rootKey.unwrap(key.wrapped, context);
    const outer = await store.wrappedKey(key.wrappedBy);
    if (outer === null) throw new PlatformError('not-found', `key "${key.wrappedBy}" is not known`);
    const workspaceKey = await unwrap(outer);
    try {
      return unwrapKey(workspaceKey, key.wrapped, context);
    } finally {
      wipe(workspaceKey);
    }
  };
  const add: Wrapping['add'] = async (workspaceId, purpose) => {
    const outer = (await find(workspaceId, 'workspace')) ?? (await addWorkspaceKey(workspaceId));
    const id = uuidv7(clock);
    const { secret, publicKey } = await newPair(purpose);
    const bytes = utf8(secret);
    const workspaceKey = await unwrap(outer);
    const wrapped = wrapKey(workspaceKey, bytes, contextOf(id, purpose));
    wipe(bytes, workspaceKey);
    return keep({ id, workspaceId, purpose, publicKey, wrapped, wrappedBy: outer.id });
  };
  return { find, add, unwrap };
}

type PairPurpose = Exclude<WrappedKey['purpose'], 'workspace'>;

async function newPair(purpose: PairPurpose): Promise<{ secret: string; publicKey: string }> {
  if (purpose === 'signing') {
    const pair = generateSigningKey();
    return { secret: pair.privateKeyPem, publicKey: pair.publicKeyPem };
  }
  const pair = await generateIdentity({ postQuantum: true });
  return { secret: pair.identity, publicKey: pair.recipient };
}

function contextOf(id: string, purpose: string): string {
  return `key/${purpose}/${id}`;
}
