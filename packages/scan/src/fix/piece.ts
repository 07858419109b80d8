/** A new file as parts of the old one and bytes between them: who repairs need not write it. */
import type { ByteSource } from '@merlon/core';
import { brokenFile } from './error.ts';

/** Bytes, or a stretch of the old file. */
export type Piece = Uint8Array | { readonly offset: number; readonly length: number };

/** A repaired file. */
export interface Repair {
  /** What is different, a sentence each. */
  readonly changes: readonly string[];
  /** The new file from front to back. */
  readonly pieces: AsyncIterable<Piece>;
}

/** Numbers that lie in memory, or in a stretch of the file that begins at `base`. */
export interface Stretch {
  readonly source: ByteSource;
  readonly base: number | null;
}

const chunkBytes = 1 << 20;

/** The bytes of a new file, read from the old one where they stand there. */
export async function* bytesOfPieces(
  source: ByteSource,
  pieces: AsyncIterable<Piece> | Iterable<Piece>,
): AsyncGenerator<Uint8Array> {
  for await (const piece of pieces) {
    if (piece instanceof Uint8Array) {
      yield piece;
      continue;
    }
    const end = piece.offset + piece.length;
    for (let at = piece.offset; at < end; at += chunkBytes) {
      const length = Math.min(chunkBytes, end - at);
      const bytes = await source.read(at, length);
      if (bytes.length < length) throw brokenFile('it ends inside its numbers');
      yield bytes;
    }
  }
}
