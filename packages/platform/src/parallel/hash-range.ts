/** Digests of parts of files, by the hashes that other signers use. */
import { closeSync, openSync, readSync } from 'node:fs';
import { type Hashing, startFileDigest } from '@merlon/vault';

const pieceBytes = 1 << 20;

/** The digest of a range of a file by any hash of model signatures, spelt as they spell it. */
export function hashRange(
  path: string,
  range: { readonly start: number; readonly end: number },
  algorithm: Hashing['algorithm'],
): string {
  const digest = startFileDigest(algorithm);
  const buffer = Buffer.allocUnsafeSlow(pieceBytes);
  const file = openSync(path, 'r');
  try {
    for (let at = range.start; at < range.end; ) {
      const bytes = readSync(file, buffer, 0, Math.min(pieceBytes, range.end - at), at);
      if (bytes === 0) break;
      digest.update(buffer.subarray(0, bytes));
      at += bytes;
    }
    return digest.finish();
  } finally {
    closeSync(file);
  }
}
