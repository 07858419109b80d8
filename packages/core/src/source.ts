/** Random access to bytes that may be a file, a sealed object, an archive member or memory. */
import { InputError } from './error.ts';

/** Where readers get their bytes from; nothing reads a whole file at once. */
export interface ByteSource {
  /** Total number of bytes. */
  readonly size: number;
  /** Exactly `length` bytes from `offset`, or fewer only at the end of the source. */
  read(offset: number, length: number): Promise<Uint8Array>;
}

/** A source over bytes in memory. */
export function memorySource(bytes: Uint8Array): ByteSource {
  return {
    size: bytes.length,
    read: async (offset, length) => bytes.subarray(offset, offset + length),
  };
}

/** A window onto another source. */
export function windowOf(source: ByteSource, start: number, size: number): ByteSource {
  if (start < 0 || size < 0 || start + size > source.size) {
    const range = `${start}+${size}`;
    throw new InputError('bad-input', `window ${range} lies outside ${source.size} bytes`);
  }
  return {
    size,
    read: (offset, length) =>
      source.read(start + offset, Math.max(0, Math.min(length, size - offset))),
  };
}

/** All bytes of a source, refused above a limit. */
export async function readAll(source: ByteSource, bytesMax: number): Promise<Uint8Array> {
  if (source.size > bytesMax) {
    throw new InputError('too-large', `expected at most ${bytesMax} bytes, got ${source.size}`);
  }
  return source.read(0, source.size);
}
