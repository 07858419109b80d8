/** Random access into an age v1 file: only the chunks that a read touches are opened. */
import { type ByteSource, type Bytes, InputError, memorySource } from '@merlon/core';
import { cannotOpen } from '../error.ts';
import { chunkBytes, openChunk, sealedChunkBytes, tagBytes } from './chunk.ts';
import { headerLength, nonceBytes, payloadKey, readHeader } from './header.ts';
import { Intake } from './intake.ts';
import type { PayloadOptions } from './open.ts';

/** Opened chunks that are kept: 1 MiB of clear bytes at most. */
export const cachedChunksMax = 16;

/** Chunks that are read at once: 1 MiB. */
const runChunksMax = 16;
const headerPieceBytes = 4096;

/** Where the chunks of a sealed file lie, and their key. */
export interface Payload {
  readonly source: ByteSource;
  /** For `openChunk`; wipe it when nothing is left to open. */
  readonly key: Bytes;
  /** Offset of the first chunk. */
  readonly start: number;
  readonly chunkCount: number;
  readonly clearBytes: number;
}

/**
 * A source of the clear bytes. The header and the last chunk are checked at once, so a file that
 * was cut is refused here; every other chunk when it is read. Throws `cannot-open`, `bad-identity`.
 */
export async function openRandomAccess(
  source: ByteSource,
  options: PayloadOptions,
): Promise<ByteSource> {
  const payload = await findPayload(source, options);
  const chunks = openedChunks(payload);
  await chunks.from(payload.chunkCount - 1, payload.chunkCount - 1);
  return {
    size: payload.clearBytes,
    read: (offset, length) => readClear(payload.clearBytes, chunks, offset, length),
  };
}

interface OpenedChunks {
  /** The clear bytes of the first chunk, and of those behind it that come with it, up to `last`. */
  from(first: number, last: number): Promise<readonly Uint8Array[]>;
}

/** Chunks side by side are read at once; the one at which a read ends is kept for the next. */
function openedChunks(payload: Payload): OpenedChunks {
  const cache = new Map<number, Uint8Array>();
  const keep = (index: number, clear: Uint8Array): void => {
    cache.delete(index);
    cache.set(index, clear);
    for (const oldest of cache.keys()) {
      if (cache.size <= cachedChunksMax) break;
      cache.delete(oldest);
    }
  };
  return {
    from: async (first, last) => {
      const cached = cache.get(first);
      if (cached !== undefined) {
        keep(first, cached);
        return [cached];
      }
      let end = first;
      while (end < last && end - first + 1 < runChunksMax && !cache.has(end + 1)) end++;
      const run = await readChunks(payload, first, end);
      const ending = run.at(-1);
      if (ending !== undefined) keep(end, ending);
      return run;
    },
  };
}

/**
 * Reads the header and finds the chunks, for callers that open them themselves, in any order or on
 * several threads; no chunk is checked yet. Throws `cannot-open`, `bad-identity`.
 */
export async function findPayload(source: ByteSource, options: PayloadOptions): Promise<Payload> {
  const intake = new Intake(pieces(source));
  const { fileKey, bytes } = await headerOf(intake, options);
  const nonce = await intake.take(nonceBytes);
  await intake.close();
  if (nonce.length !== nonceBytes) throw cannotOpen();
  const start = bytes + nonceBytes;
  const sealedBytes = source.size - start;
  const chunkCount = Math.ceil(sealedBytes / sealedChunkBytes);
  const clearBytes = sealedBytes - chunkCount * tagBytes;
  const lastBytes = sealedBytes - (chunkCount - 1) * sealedChunkBytes;
  if (chunkCount === 0 || lastBytes < tagBytes) throw cannotOpen();
  const key = payloadKey(fileKey, nonce);
  return { source, key, start, chunkCount, clearBytes };
}

/** The file key, and how many bytes stand in front of the nonce. */
async function headerOf(
  intake: Intake,
  { identities, header }: PayloadOptions,
): Promise<{ readonly fileKey: Bytes; readonly bytes: number }> {
  if (header === undefined) {
    const own = await readHeader(intake, identities);
    return { fileKey: own.fileKey, bytes: own.bytes.length };
  }
  const bytes = await headerLength(intake);
  const apart = new Intake(pieces(memorySource(header)));
  try {
    return { fileKey: (await readHeader(apart, identities)).fileKey, bytes };
  } finally {
    await apart.close();
  }
}

async function* pieces(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < source.size; at += headerPieceBytes) {
    yield await source.read(at, headerPieceBytes);
  }
}

async function readChunks(payload: Payload, first: number, end: number): Promise<Uint8Array[]> {
  const isLast = end === payload.chunkCount - 1;
  const at = payload.start + first * sealedChunkBytes;
  const length = isLast ? payload.source.size - at : (end - first + 1) * sealedChunkBytes;
  const sealed = await payload.source.read(at, length);
  if (sealed.length !== length) throw cannotOpen();
  const run: Uint8Array[] = [];
  for (let index = first; index <= end; index++) {
    const from = (index - first) * sealedChunkBytes;
    const place = { index, last: index === payload.chunkCount - 1 };
    run.push(openChunk(payload.key, place, sealed.subarray(from, from + sealedChunkBytes)));
  }
  return run;
}

async function readClear(
  size: number,
  chunks: OpenedChunks,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0) {
    throw new InputError('bad-input', `expected a range in the file, got ${offset}+${length}`);
  }
  const end = Math.min(size, offset + length);
  const out = new Uint8Array(Math.max(0, end - offset));
  const lastChunk = Math.floor((end - 1) / chunkBytes);
  for (let at = offset; at < end; ) {
    for (const chunk of await chunks.from(Math.floor(at / chunkBytes), lastChunk)) {
      const within = at % chunkBytes;
      const part = chunk.subarray(within, within + end - at);
      out.set(part, at - offset);
      at += part.length;
    }
  }
  return out;
}
