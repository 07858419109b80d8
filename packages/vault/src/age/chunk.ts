/**
 * One chunk of an age v1 payload: STREAM (Hoang, Reyhanitabar, Rogaway, Vizár 2015) over
 * ChaCha20-Poly1305. The nonce is an 11-byte big-endian counter and a byte that marks the last
 * chunk, so chunks can be neither swapped, dropped nor added.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { cannotOpen } from '../error.ts';

/** Clear bytes in a full chunk. */
export const chunkBytes = 65536;
/** Bytes of the authenticator behind every chunk. */
export const tagBytes = 16;
/** Sealed bytes of a full chunk. */
export const sealedChunkBytes = chunkBytes + tagBytes;

/** Where a chunk stands. */
export interface ChunkPlace {
  /** From 0. */
  readonly index: number;
  readonly last: boolean;
}

/**
 * Seals at most `chunkBytes` clear bytes: the sealed bytes and the tag that stands behind them,
 * apart, since a copy into one piece would take a fifth of the time.
 */
export function sealChunk(
  key: Uint8Array,
  place: ChunkPlace,
  clear: Uint8Array,
): readonly [Uint8Array, Uint8Array] {
  const cipher = createCipheriv('chacha20-poly1305', key, nonceOf(place), {
    authTagLength: tagBytes,
  });
  const sealed = cipher.update(clear);
  cipher.final();
  return [plain(sealed), plain(cipher.getAuthTag())];
}

function plain({ buffer, byteOffset, length }: Buffer): Uint8Array {
  return new Uint8Array(buffer, byteOffset, length);
}

/** The clear bytes of a sealed chunk, only after its tag was checked. Throws `cannot-open`. */
export function openChunk(key: Uint8Array, place: ChunkPlace, sealed: Uint8Array): Uint8Array {
  const clearBytes = sealed.length - tagBytes;
  // Only the single chunk of an empty file may be empty (age v1, "payload").
  if (clearBytes < 0 || (clearBytes === 0 && place.index > 0)) throw cannotOpen();
  const cipher = createDecipheriv('chacha20-poly1305', key, nonceOf(place), {
    authTagLength: tagBytes,
  });
  cipher.setAuthTag(sealed.subarray(clearBytes));
  const clear = cipher.update(sealed.subarray(0, clearBytes));
  try {
    cipher.final();
  } catch (thrown) {
    clear.fill(0);
    throw cannotOpen(thrown);
  }
  return clear;
}

function nonceOf(place: ChunkPlace): Uint8Array {
  const nonce = new Uint8Array(12);
  const view = new DataView(nonce.buffer);
  view.setUint32(3, Math.floor(place.index / 2 ** 32));
  view.setUint32(7, place.index % 2 ** 32);
  nonce[11] = place.last ? 1 : 0;
  return nonce;
}
