/** Random access into an age v1 file: only the chunks that a read touches are opened. */
import { type ByteSource, type Bytes, InputError, memorySource } from '@merlon/core';
import { cannotOpen } from '../error.ts';
import { chunkBytes, openChunk, sealedChunkBytes, tagBytes } from './chunk.ts';
import { headerLength, nonceBytes, payloadKey, readHeader } from './header.ts';
import { Intake } from './intake.ts';
import type { PayloadOptions } from './open.ts';

/** Opened chunks that are kept: 1 MiB of clear bytes at most. */
export const cachedChunksMax = 16;

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
  const cache = new Map<number, Uint8Array>();
  const chunkAt = async (index: number): Promise<Uint8Array> => {
    const cached = cache.get(index);
    const clear = cached ?? (await readChunk(payload, index));
    cache.delete(index);
    cache.set(index, clear);
    for (const oldest of cache.keys()) {
      if (cache.size <= cachedChunksMax) break;
      cache.delete(oldest);
    }
    return clear;
  };
  await chunkAt(payload.chunkCount - 1);
  return {
    size: payload.clearBytes,
    read: (offset, length) => readClear(payload.clearBytes, chunkAt, offset, length),
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

async function readChunk(payload: Payload, index: number): Promise<Uint8Array> {
  const last = index === payload.chunkCount - 1;
  const at = payload.start + index * sealedChunkBytes;
  const sealed = await payload.source.read(at, sealedChunkBytes);
  const expected = last ? payload.source.size - at : sealedChunkBytes;
  if (sealed.length !== expected) throw cannotOpen();
  return openChunk(payload.key, { index, last }, sealed);
}

async function readClear(
  size: number,
  chunkAt: (index: number) => Promise<Uint8Array>,
  offset: number,
  length: number,
): Promise<Uint8Array> {
  if (!Number.isSafeInteger(offset) || offset < 0 || length < 0) {
    throw new InputError('bad-input', `expected a range in the file, got ${offset}+${length}`);
  }
  const end = Math.min(size, offset + length);
  const out = new Uint8Array(Math.max(0, end - offset));
  for (let at = offset; at < end; ) {
    const index = Math.floor(at / chunkBytes);
    const within = at - index * chunkBytes;
    const part = (await chunkAt(index)).subarray(within, within + end - at);
    out.set(part, at - offset);
    at += part.length;
  }
  return out;
}
