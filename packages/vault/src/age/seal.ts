/** Sealing: clear bytes → an age v1 file. Header → nonce → chunks; memory is one chunk. */
import { type Bytes, concat, secureBytes, wipe } from '@merlon/core';
import { chunkBytes, sealChunk, tagBytes } from './chunk.ts';
import { nonceBytes, payloadKey, writeHeader } from './header.ts';
import type { SealRecipient } from './identity.ts';
import { Intake } from './intake.ts';

/** Whom to seal to. */
export interface SealOptions {
  /** At least one, all classical or all post-quantum; a passphrase stands alone. */
  readonly recipients: readonly SealRecipient[];
}

/**
 * The sealed file as it grows, in pieces of at most 64 KiB (the header first).
 * Throws `bad-recipient` before anything is emitted; errors of `chunks` pass through.
 */
export async function* seal(
  chunks: AsyncIterable<Uint8Array>,
  options: SealOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const { prefix, key } = await startSealing(options);
  const intake = new Intake(chunks);
  try {
    yield prefix;
    for (let index = 0, last = false; !last; index++) {
      const clear = await intake.take(chunkBytes);
      last = await intake.atEnd();
      yield* sealChunk(key, { index, last }, clear);
    }
  } finally {
    wipe(key);
    await intake.close();
  }
}

/** How a sealed file begins, and the key of its chunks. */
export interface SealedStart {
  /** Header and nonce; the first chunk follows. */
  readonly prefix: Bytes;
  /** For `sealChunk`; wipe it when the last chunk is sealed. */
  readonly key: Bytes;
}

/**
 * The beginning of a sealed file, for callers that seal its chunks themselves, in any order or on
 * several threads. Never use a key for two contents. Throws `bad-recipient`.
 */
export async function startSealing(options: SealOptions): Promise<SealedStart> {
  const header = await writeHeader(options.recipients);
  const nonce = secureBytes(nonceBytes);
  return { prefix: concat([header.bytes, nonce]), key: payloadKey(header.fileKey, nonce) };
}

/** Bytes of the payload of a sealed file (nonce included, header not) for so many clear bytes. */
export function sealedPayloadBytes(clearBytes: number): number {
  const chunks = Math.max(1, Math.ceil(clearBytes / chunkBytes));
  return nonceBytes + clearBytes + chunks * tagBytes;
}
