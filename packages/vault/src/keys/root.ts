/**
 * Keys under a root key: wrapping (an AEAD bound to its context) and derivation (HKDF, RFC 5869).
 * A wrapped key is `version ‖ salt ‖ ciphertext ‖ tag`; each wrapping has a key and nonce of its
 * own, derived from a 32-byte random salt, so that no number of wrappings wears the root key out.
 */
import { createCipheriv, createDecipheriv, hkdfSync } from 'node:crypto';
import { type Bytes, concat, secureBytes, utf8, wipe } from '@merlon/core';
import { cannotOpen, VaultError } from '../error.ts';

/** Bytes of a root key. */
export const rootKeyBytes = 32;

const version = 1;
const saltBytes = 32;
const tagBytes = 16;

/** Wraps keys under one that it keeps, in memory or in a device or service of its own. */
export interface KeyWrapper {
  /** Which kind of provider, for reports: `passphrase`, `key-file`, `pkcs11`, … */
  readonly name: string;
  /** Wraps a key; the context must be given again to unwrap. */
  wrap(key: Uint8Array, context: string): Promise<Bytes>;
  /** The key; throws `cannot-open` for a wrong root key, another context or changed bytes. */
  unwrap(wrapped: Uint8Array, context: string): Promise<Bytes>;
  /** Overwrites what is held in memory; the provider is of no use afterwards. */
  close(): void;
}

/** Keeps a root key in memory; other keys are stored wrapped by it or follow from it. */
export interface RootKeyProvider extends KeyWrapper {
  /** A key for one purpose; the same each time. */
  derive(purpose: string): Promise<Bytes>;
  /** A copy of the root key, to be wrapped by another provider; wipe it. */
  rootKey(): Bytes;
}

/** A provider over a root key in memory; takes the key over and wipes it on `close`. */
export function localProvider(name: string, rootKey: Uint8Array): RootKeyProvider {
  checkRootKey(rootKey);
  let closed = false;
  const open = (): Uint8Array => {
    if (closed) throw new VaultError('bad-key', `root key provider "${name}" was closed`);
    return rootKey;
  };
  return {
    name,
    wrap: async (key, context) => wrapKey(open(), key, context),
    unwrap: async (wrapped, context) => unwrapKey(open(), wrapped, context),
    derive: async (purpose) => deriveKey(open(), purpose),
    rootKey: () => new Uint8Array(open()),
    close: () => {
      closed = true;
      wipe(rootKey);
    },
  };
}

/** A new random root key. */
export function newRootKey(): Bytes {
  return secureBytes(rootKeyBytes);
}

/** Wraps a key under the root key, bound to a context such as `version/0197…/file-key`. */
export function wrapKey(rootKey: Uint8Array, key: Uint8Array, context: string): Bytes {
  checkRootKey(rootKey);
  const salt = secureBytes(saltBytes);
  const once = onceKey(rootKey, salt);
  const cipher = createCipheriv('chacha20-poly1305', once.key, once.nonce, {
    authTagLength: tagBytes,
  });
  cipher.setAAD(aad(context), { plaintextLength: key.length });
  const sealed = concat([cipher.update(key), cipher.final()]);
  wipe(once.key);
  return concat([Uint8Array.of(version), salt, sealed, cipher.getAuthTag()]);
}

/** The wrapped key; throws `cannot-open` for a wrong root key, another context, changed bytes. */
export function unwrapKey(rootKey: Uint8Array, wrapped: Uint8Array, context: string): Bytes {
  checkRootKey(rootKey);
  const start = 1 + saltBytes;
  const end = wrapped.length - tagBytes;
  if (end < start || wrapped[0] !== version) throw cannotOpen();
  const once = onceKey(rootKey, wrapped.subarray(1, start));
  const cipher = createDecipheriv('chacha20-poly1305', once.key, once.nonce, {
    authTagLength: tagBytes,
  });
  cipher.setAAD(aad(context), { plaintextLength: end - start });
  cipher.setAuthTag(wrapped.subarray(end));
  const key = cipher.update(wrapped.subarray(start, end));
  try {
    cipher.final();
    return new Uint8Array(key);
  } catch (thrown) {
    throw cannotOpen(thrown);
  } finally {
    wipe(once.key, key);
  }
}

/** A 32-byte key for one purpose; different purposes tell nothing of each other. */
export function deriveKey(rootKey: Uint8Array, purpose: string): Bytes {
  checkRootKey(rootKey);
  if (purpose === '') throw new VaultError('bad-key', '"purpose" expected a name, got none');
  const info = utf8(`merlon/v1/derive/${purpose}`);
  return new Uint8Array(hkdfSync('sha256', rootKey, new Uint8Array(0), info, 32));
}

function onceKey(rootKey: Uint8Array, salt: Uint8Array): { key: Bytes; nonce: Bytes } {
  const both = new Uint8Array(hkdfSync('sha256', rootKey, salt, utf8('merlon/v1/wrap'), 44));
  return { key: both.slice(0, 32), nonce: both.slice(32) };
}

function aad(context: string): Bytes {
  return concat([Uint8Array.of(version), utf8(context)]);
}

function checkRootKey(rootKey: Uint8Array): void {
  if (rootKey.length !== rootKeyBytes) {
    const got = `got ${rootKey.length}`;
    throw new VaultError('bad-key', `root key expected ${rootKeyBytes} bytes, ${got}`);
  }
}
