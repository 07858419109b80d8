/**
 * Keys of objects: an age identity for each version (and one for what has just come in), a signing
 * key for each workspace; all wrapped under the root key and bound to their row.
 */
import { type Clock, fromUtf8, isoTime, utf8, uuidv7, wipe } from '@merlon/core';
import {
  generateIdentity,
  generateSigningKey,
  openRandomAccess,
  type RootKeyProvider,
  seal,
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
  /** Random access to the clear bytes of a stored file, decrypted chunk by chunk in memory. */
  open(file: VersionFile): Promise<OpenSource>;
}

/** A keyring over a root key, a store and the sealed objects. */
export function openKeyring(parts: {
  readonly rootKey: RootKeyProvider;
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly clock: Clock;
}): Keyring {
  const { rootKey, store, blobs, clock } = parts;
  const add = async (workspaceId: string, purpose: WrappedKey['purpose']): Promise<WrappedKey> => {
    const id = uuidv7(clock);
    const { secret, publicKey } = await newPair(purpose);
    const bytes = utf8(secret);
    const wrapped = await rootKey.wrap(bytes, contextOf(id, purpose));
    wipe(bytes);
    const createdAt = isoTime(clock.nowMs());
    const key = { id, workspaceId, purpose, publicKey, wrapped, createdAt, destroyedAt: null };
    await store.addWrappedKey(key);
    return key;
  };
  const secret = async (key: WrappedKey): Promise<string> => {
    if (key.destroyedAt !== null) {
      throw new PlatformError('conflict', `key "${key.id}" was destroyed on ${key.destroyedAt}`, {
        hint: 'what was sealed to it is gone for ever',
      });
    }
    const bytes = await rootKey.unwrap(key.wrapped, contextOf(key.id, key.purpose));
    const text = fromUtf8(bytes);
    wipe(bytes);
    return text;
  };
  return {
    shared: async (workspaceId, purpose) => {
      const keys = await store.wrappedKeys(workspaceId);
      const found = keys.find((key) => key.purpose === purpose && key.destroyedAt === null);
      return found ?? add(workspaceId, purpose);
    },
    forVersion: (workspaceId) => add(workspaceId, 'version'),
    secret,
    seal: (key, chunks) => seal(chunks, { recipients: [key.publicKey] }),
    open: async (file) => {
      const key = await store.wrappedKey(file.keyId);
      if (key === null) throw new PlatformError('not-found', `key "${file.keyId}" is not known`);
      const sealed = await blobs.open(file.blob);
      try {
        const clear = await openRandomAccess(sealed, { identities: [await secret(key)] });
        return { size: clear.size, read: clear.read, close: () => sealed.close() };
      } catch (error) {
        await sealed.close();
        throw error;
      }
    },
  };
}

async function newPair(
  purpose: WrappedKey['purpose'],
): Promise<{ secret: string; publicKey: string }> {
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
