/**
 * Opening: an age v1 file → clear bytes. Header → recipient → key → MAC → chunks; no byte leaves
 * before its tag was checked, and a file that ends early never ends cleanly.
 */
import { wipe } from '@merlon/core';
import { cannotOpen } from '../error.ts';
import { openChunk, sealedChunkBytes } from './chunk.ts';
import { nonceBytes, payloadKey, readHeader } from './header.ts';
import type { OpenIdentity } from './identity.ts';
import { Intake } from './intake.ts';

/** Who opens. */
export interface OpenOptions {
  /** Tried in order. */
  readonly identities: readonly OpenIdentity[];
}

/**
 * The clear bytes, in pieces of at most 64 KiB. Throws `cannot-open` at the first chunk that is not
 * as it was sealed, and after the last good chunk of a file that was cut: use nothing of what came
 * before unless the generator ended. Throws `bad-identity`; errors of `chunks` pass through.
 */
export async function* open(
  chunks: AsyncIterable<Uint8Array>,
  options: OpenOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const intake = new Intake(chunks);
  let key: Uint8Array | undefined;
  try {
    const header = await readHeader(intake, options.identities);
    const nonce = await intake.take(nonceBytes);
    if (nonce.length !== nonceBytes) throw cannotOpen();
    key = payloadKey(header.fileKey, nonce);
    for (let index = 0, last = false; !last; index++) {
      const sealed = await intake.take(sealedChunkBytes);
      last = await intake.atEnd();
      const clear = openChunk(key, { index, last }, sealed);
      if (clear.length > 0) yield clear;
    }
  } finally {
    if (key !== undefined) wipe(key);
    await intake.close();
  }
}
