/** The three hashes of OpenSSF Model Signing, as running digests. */
import { createHash } from 'node:crypto';
import { blake3 } from '@noble/hashes/blake3.js';
import type { Hashing } from './manifest.ts';

/** A running digest whose end is spelt as in `SignedFile`. */
export interface FileDigest {
  update(chunk: Uint8Array): void;
  /** `sha256:` (or `blake2b:`, `blake3:`) and hexadecimal; call it once. */
  finish(): string;
}

/** Starts a digest; BLAKE3 runs in JavaScript and is much slower than the others. */
export function startFileDigest(algorithm: Hashing['algorithm']): FileDigest {
  if (algorithm === 'blake3') {
    const hash = blake3.create();
    return {
      update: (chunk) => void hash.update(chunk),
      finish: () => `blake3:${Buffer.from(hash.digest()).toString('hex')}`,
    };
  }
  const hash = createHash(algorithm === 'sha256' ? 'sha256' : 'blake2b512');
  return {
    update: (chunk) => void hash.update(chunk),
    finish: () => `${algorithm}:${hash.digest('hex')}`,
  };
}
