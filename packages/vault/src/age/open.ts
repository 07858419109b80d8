/**
 * Opening: an age v1 file → clear bytes. Header → recipient → key → MAC → chunks; no byte leaves
 * before its tag was checked, and a file that ends early never ends cleanly.
 */
import { wipe } from '@merlon/core';
import { cannotOpen } from '../error.ts';
import { dearmor, looksArmored } from './armor.ts';
import { type ChunkPlace, openChunk, sealedChunkBytes } from './chunk.ts';
import { nonceBytes, payloadKey, readHeader } from './header.ts';
import type { OpenIdentity } from './identity.ts';
import { Intake } from './intake.ts';

/** Who opens. */
export interface OpenOptions {
  /** Tried in order. */
  readonly identities: readonly OpenIdentity[];
}

/** Who opens, and by which header. */
export interface PayloadOptions extends OpenOptions {
  /** Kept apart from the file, for a reader whom its own header does not name (`headerFor`). */
  readonly header?: Uint8Array;
}

/**
 * The clear bytes of a sealed file, armored or not, in pieces of at most 64 KiB. Throws
 * `cannot-open` at the first chunk that is not as it was sealed, and after the last good chunk of a
 * file that was cut: use nothing of what came before unless the generator ended. Throws
 * `bad-identity`; errors of `chunks` pass through.
 */
export async function* open(
  chunks: AsyncIterable<Uint8Array>,
  options: OpenOptions,
): AsyncGenerator<Uint8Array, void, void> {
  const raw = new Intake(chunks);
  const intake = looksArmored(await raw.peek(1)) ? new Intake(dearmor(raw)) : raw;
  let key: Uint8Array | undefined;
  try {
    const header = await readHeader(intake, options.identities);
    const nonce = await intake.take(nonceBytes);
    if (nonce.length !== nonceBytes) throw cannotOpen();
    key = payloadKey(header.fileKey, nonce);
    for (let index = 0, last = false; !last; index++) {
      const sealed = await intake.take(sealedChunkBytes);
      last = await intake.atEnd();
      const { clear, misplaced } = openPlaced(key, { index, last }, sealed);
      if (clear.length > 0) yield clear;
      if (misplaced) throw cannotOpen();
    }
  } finally {
    if (key !== undefined) wipe(key);
    await intake.close();
    if (intake !== raw) await raw.close();
  }
}

/**
 * A whole chunk that says of itself that it is last, and is not, is authentic: `age` gives it out
 * and then refuses the file, and so it is here.
 */
function openPlaced(
  key: Uint8Array,
  place: ChunkPlace,
  sealed: Uint8Array,
): { clear: Uint8Array; misplaced: boolean } {
  try {
    return { clear: openChunk(key, place, sealed), misplaced: false };
  } catch (error) {
    if (sealed.length !== sealedChunkBytes) throw error;
    const clear = openChunk(key, { index: place.index, last: !place.last }, sealed);
    return { clear, misplaced: true };
  }
}
