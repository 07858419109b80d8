/**
 * A share of a large file, sealed or opened by one thread: every n-th block of chunks, read and
 * written at its place. Where a chunk lies follows from its number, so threads need not talk.
 */
import { readSync, writeSync, writevSync } from 'node:fs';
import { concat } from '@merlon/core';
import { chunkBytes, openChunk, sealChunk, sealedChunkBytes } from '@merlon/vault/chunk';

/** The share of one thread. */
export interface Share {
  readonly kind: 'seal' | 'open';
  /** Descriptors of the process. */
  readonly input: number;
  readonly output: number;
  readonly key: Uint8Array;
  /** Where the first sealed chunk lies in the sealed file. */
  readonly start: number;
  readonly chunkCount: number;
  /** Bytes of the input from its first chunk on. */
  readonly inputBytes: number;
  /** This share takes the blocks `first`, `first + step`, … */
  readonly first: number;
  readonly step: number;
}

/** Chunks that are read and written at once: 256 KiB. */
export const chunksPerBlock = 4;

const pageBytes = 4096;

/** Does a share; tells after each block how many bytes of the input are done. */
export function* doShare(share: Share): Generator<number, void, void> {
  const inChunk = share.kind === 'seal' ? chunkBytes : sealedChunkBytes;
  const inStart = share.kind === 'seal' ? 0 : share.start;
  const buffer = Buffer.allocUnsafeSlow(chunksPerBlock * inChunk);
  try {
    for (let block = share.first; ; block += share.step) {
      const at = block * chunksPerBlock * inChunk;
      const from = block * chunksPerBlock;
      if (from >= share.chunkCount) return;
      const bytes = Math.min(buffer.length, share.inputBytes - at);
      readFully(share.input, buffer.subarray(0, bytes), inStart + at);
      doBlock(share, from, buffer.subarray(0, bytes));
      yield bytes;
    }
  } finally {
    buffer.fill(0);
  }
}

function doBlock(share: Share, from: number, bytes: Uint8Array): void {
  const sealing = share.kind === 'seal';
  const [inChunk, outChunk] = sealing
    ? [chunkBytes, sealedChunkBytes]
    : [sealedChunkBytes, chunkBytes];
  const parts: Uint8Array[] = [];
  for (let i = 0; i < chunksPerBlock && from + i < share.chunkCount; i++) {
    const index = from + i;
    const place = { index, last: index === share.chunkCount - 1 };
    const chunk = bytes.subarray(i * inChunk, (i + 1) * inChunk);
    if (sealing) parts.push(...sealChunk(share.key, place, chunk));
    else parts.push(openChunk(share.key, place, chunk));
  }
  writeFully(share.output, parts, (sealing ? share.start : 0) + from * outChunk);
}

function readFully(file: number, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length; ) {
    const got = readSync(file, into, done, into.length - done, position + done);
    if (got === 0) throw new RangeError('the input became shorter while it was read');
    done += got;
  }
}

/** A full disk shows as a short write first; only the next one tells why. */
function writeFully(file: number, parts: readonly Uint8Array[], position: number): void {
  const total = parts.reduce((sum, part) => sum + part.length, 0);
  if (total === 0) return;
  // A large write at a round place asks the kernel for large pieces of memory, which a virtual
  // machine must first fetch from its host: up to nine times the time. Behind a page of its own
  // the same write is content with small ones.
  const [first = new Uint8Array(0), ...others] = parts;
  const page = first.subarray(0, pageBytes);
  let done = writeSync(file, page, 0, page.length, position);
  const behind = [first.subarray(pageBytes), ...others].filter((part) => part.length > 0);
  if (done === page.length && behind.length > 0) done += writevSync(file, behind, position + done);
  if (done === total) return;
  const rest = concat(parts);
  while (done < total) done += writeSync(file, rest, done, total - done, position + done);
  rest.fill(0);
}
