/** The digest of one file; loads nothing else, so that a thread for it starts at once. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Digest, startDigest } from '@merlon/core';

/** Files that one thread hashes. */
export interface HashList {
  readonly kind: 'hash';
  readonly files: readonly { readonly path: string; readonly index: number }[];
}

const pieceBytes = 1 << 20;

/** SHA-256 of one file, read in pieces; tells the size of each. */
export function hashFile(path: string, onBytes: (bytes: number) => void = () => undefined): Digest {
  const hasher = startDigest();
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  const file = openSync(path, 'r');
  try {
    for (;;) {
      const bytes = readSync(file, buffer);
      if (bytes === 0) return hasher.finish();
      hasher.update(buffer.subarray(0, bytes));
      onBytes(bytes);
    }
  } finally {
    closeSync(file);
  }
}
