/** Where sealed objects lie. Only sealed bytes ever reach it, so it needs no trust. */
import type { ByteSource } from '@merlon/core';
import { PlatformError } from '../errors.ts';

/** A source that holds a handle open. */
export interface OpenSource extends ByteSource {
  close(): Promise<void>;
}

/** A flat store of immutable objects. */
export interface BlobStore {
  /** Writes an object whole or not at all; returns its size. A name in use is a `conflict`. */
  put(name: string, chunks: AsyncIterable<Uint8Array>): Promise<number>;
  /** Random access to an object; throws `not-found`. */
  open(name: string): Promise<OpenSource>;
  /** Removes an object; nothing happens when it is not there. */
  remove(name: string): Promise<void>;
  /** Names of all objects. */
  list(): Promise<string[]>;
}

/** A copy of the objects that another hand makes; it is read and never written. */
export type Replica = Pick<BlobStore, 'open'>;

/** The name itself; throws `internal` for one that could lead elsewhere. */
export function checkBlobName(name: string): string {
  if (/^[0-9a-z-]{8,64}$/.test(name)) return name;
  throw new PlatformError('internal', `object name "${name}" is not allowed`);
}

/** All bytes of a source, in pieces of at most `pieceBytes`. */
export async function* piecesOf(
  source: ByteSource,
  pieceBytes = 1 << 20,
): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < source.size; at += pieceBytes) {
    yield await source.read(at, Math.min(pieceBytes, source.size - at));
  }
}
