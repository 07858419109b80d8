/** Content digests: every file of a model version or data set is named by its SHA-256. */
import { createHash } from 'node:crypto';
import { InputError } from './error.ts';

declare const digestBrand: unique symbol;
/** `sha256:` and 64 lower-case hexadecimal digits. */
export type Digest = string & { readonly [digestBrand]: true };

/** SHA-256 of the bytes (FIPS 180-4), 32 bytes. */
export function sha256(bytes: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array(createHash('sha256').update(bytes).digest());
}

/** The digest of the bytes as a name. */
export function digestOf(bytes: Uint8Array): Digest {
  return toDigest(createHash('sha256').update(bytes).digest('hex'));
}

/** A digest from 64 hexadecimal digits or from its full form; throws `bad-input` otherwise. */
export function toDigest(text: string): Digest {
  const hexadecimal = text.startsWith('sha256:') ? text.slice(7) : text;
  if (!/^[0-9a-f]{64}$/.test(hexadecimal)) {
    throw new InputError('bad-input', `digest expected 64 hexadecimal digits, got "${text}"`);
  }
  return `sha256:${hexadecimal}` as Digest;
}

/** The 64 hexadecimal digits of a digest. */
export function digestHex(digest: Digest): string {
  return digest.slice(7);
}

/** A running SHA-256 for streams. */
export interface Hasher {
  update(chunk: Uint8Array): void;
  /** The digest of all that was given; call it once. */
  finish(): Digest;
}

/** Starts a running digest. */
export function startDigest(): Hasher {
  const hash = createHash('sha256');
  return {
    update: (chunk) => void hash.update(chunk),
    finish: () => toDigest(hash.digest('hex')),
  };
}
