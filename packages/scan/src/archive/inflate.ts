/**
 * Compressed bytes as a source. A first pass counts what comes out, within the audit's budget;
 * small results are kept, large ones are unpacked again from the front as they are read.
 */
import { Readable, type Transform } from 'node:stream';
import {
  crc32,
  createGunzip,
  createInflate,
  createInflateRaw,
  createZstdDecompress,
  gunzipSync,
  inflateRawSync,
  inflateSync,
  zstdDecompressSync,
} from 'node:zlib';
import { type ByteSource, concat, memorySource, messageOf, windowOf } from '@merlon/core';
import { type Audit, giveUp, isLate, type Place, tell } from '../audit.ts';
import { bzip2Stream } from './bzip2.ts';
import { lz4Stream } from './lz4.ts';
import { lzmaAlone } from './lzma.ts';
import { xzStream } from './xz.ts';

/** Unpacks a source from its front. */
export type Unpacker = (packed: ByteSource) => AsyncGenerator<Uint8Array, void, void>;

/** Formats that can be unpacked. */
export type Compression =
  | 'deflate'
  | 'zlib'
  | 'gzip'
  | 'zstd'
  | 'xz'
  | 'lzma'
  | 'bzip2'
  | 'lz4'
  | 'zfile'
  | 'copy';

/** What came out. */
export interface Inflated {
  readonly source: ByteSource;
  /** CRC-32 of all that came out, when it ended well. */
  readonly crc: number;
  /** Why it ended early, or null. */
  readonly broken: string | null;
}

const keptBytesMax = 1 << 24;
const pieceBytes = 1 << 16;
/** Packed bytes up to which a stream is unpacked at once. */
const smallBytesMax = 1 << 18;
const windowBytes = 1 << 20;
/** What zlib gives at a time; small results are many, so not much more than its default. */
const chunkSize = 1 << 16;
const bombBytesMin = 1 << 27;
const bombRatio = 300;

/** Unpacks within the budget; tells bombs and what ends early. */
export async function inflate(
  place: Place,
  packed: ByteSource,
  compression: Compression | Unpacker,
): Promise<Inflated> {
  const { audit } = place;
  const kept: Uint8Array[] = [];
  let size = 0;
  let crc = 0;
  let broken: string | null = null;
  try {
    for await (const chunk of (await atOnce(compression, packed)) ??
      unpackerOf(compression)(packed)) {
      size += chunk.length;
      audit.inflatedBytes += chunk.length;
      crc = crc32(chunk, crc);
      if (size <= keptBytesMax) kept.push(chunk);
      if (isLate(audit)) {
        broken = 'the audit took too long';
        break;
      }
      if (isSpent(audit) || isBomb(size, packed.size)) {
        broken = 'unpacks to more than the limit';
        break;
      }
    }
  } catch (thrown) {
    broken = messageOf(thrown);
  }
  const bomb = isBomb(size, packed.size);
  if (bomb || isSpent(audit)) {
    const severity = bomb ? 'high' : 'medium';
    const evidence = `${packed.size} bytes unpack to ${size} or more`;
    tell(place, 'MRL-ARC-005', { evidence, severity });
    giveUp(place, 'unpacks to more than the limit');
  }
  // Of a bomb only the beginning is looked at: unpacking it twice is what it is made for.
  const isWhole = size <= keptBytesMax || bomb;
  const source = isWhole ? memorySource(concat(kept)) : restarting(packed, compression, size);
  return { source, crc, broken };
}

/**
 * What a small stream unpacks to, without the cost of a stream; null where it is none of zlib's, is
 * large, or is faulty, so that what comes before the fault is told by unpacking it bit by bit.
 */
async function atOnce(
  compression: Compression | Unpacker,
  packed: ByteSource,
): Promise<readonly Uint8Array[] | null> {
  const unpack = typeof compression === 'string' ? synchronous[compression] : undefined;
  if (unpack === undefined || packed.size > smallBytesMax) return null;
  const bytes = await packed.read(0, packed.size);
  try {
    return [unpack(bytes, { maxOutputLength: keptBytesMax })];
  } catch {
    return null;
  }
}

type Whole = (packed: Uint8Array, options: { readonly maxOutputLength: number }) => Uint8Array;

const synchronous: Partial<Record<Compression, Whole>> = {
  deflate: inflateRawSync,
  zlib: inflateSync,
  gzip: gunzipSync,
  zstd: zstdDecompressSync,
};

function isBomb(size: number, packedBytes: number): boolean {
  return size > bombBytesMin && size / Math.max(1, packedBytes) > bombRatio;
}

function isSpent(audit: Audit): boolean {
  return audit.inflatedBytes > audit.limits.inflatedBytesMax;
}

/** A source that unpacks from the front again whenever it must go back. */
function restarting(
  packed: ByteSource,
  compression: Compression | Unpacker,
  size: number,
): ByteSource {
  let chunks = unpackerOf(compression)(packed);
  // Chunks as they came, the oldest dropped: joining them would copy the window for each new one.
  let window: Uint8Array[] = [];
  let start = 0;
  let end = 0;
  const advance = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done) return false;
    window.push(next.value);
    end += next.value.length;
    for (let [oldest] = window; oldest !== undefined; [oldest] = window) {
      if (end - start - oldest.length < windowBytes) break;
      window.shift();
      start += oldest.length;
    }
    return true;
  };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    if (offset < start) {
      await chunks.return(undefined);
      chunks = unpackerOf(compression)(packed);
      window = [];
      start = 0;
      end = 0;
    }
    const stop = Math.min(size, offset + length);
    const parts: Uint8Array[] = [];
    for (let at = offset; at < stop; ) {
      if (at >= end) {
        if (!(await advance())) break;
        continue;
      }
      let begin = start;
      for (const chunk of window) {
        if (at >= stop) break;
        const part = chunk.subarray(Math.max(0, at - begin), stop - begin);
        begin += chunk.length;
        if (begin <= at || part.length === 0) continue;
        parts.push(part);
        at += part.length;
      }
    }
    const [only] = parts;
    if (only === undefined || parts.length > 1) return concat(parts);
    return new Uint8Array(only.buffer, only.byteOffset, only.length);
  };
  // Reads share one position, so they stand in line.
  let turn: Promise<unknown> = Promise.resolve();
  return {
    size,
    read: (offset, length) => {
      const result = turn.then(() => read(offset, length));
      turn = result.catch(() => undefined);
      return result;
    },
  };
}

/** The unpacker of a format. */
export function unpackerOf(compression: Compression | Unpacker): Unpacker {
  if (typeof compression === 'function') return compression;
  switch (compression) {
    case 'deflate':
      return (packed) => through(packed, createInflateRaw({ chunkSize }));
    case 'zlib':
      return (packed) => through(packed, createInflate({ chunkSize }));
    case 'gzip':
      return (packed) => through(packed, createGunzip({ chunkSize }));
    case 'zstd':
      return (packed) => through(packed, createZstdDecompress({ chunkSize }));
    case 'xz':
      return xzStream;
    case 'lzma':
      return lzmaAlone;
    case 'bzip2':
      return bzip2Stream;
    case 'lz4':
      return lz4Stream;
    case 'zfile':
      return zfileStream;
    default:
      return pieces;
  }
}

async function* through(
  packed: ByteSource,
  decoder: Transform,
): AsyncGenerator<Uint8Array, void, void> {
  const input = Readable.from(pieces(packed));
  input.on('error', (error) => decoder.destroy(error));
  input.pipe(decoder);
  try {
    for await (const chunk of decoder) yield chunk as Uint8Array;
  } finally {
    input.destroy();
    decoder.destroy();
  }
}

/** joblib before 0.10: the length in hexadecimal, then zlib (joblib/numpy_pickle_compat.py). */
async function* zfileStream(packed: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  const head = Buffer.from(await packed.read(0, 40)).toString('latin1');
  const [header = ''] = /^ZF0x[0-9a-f]+L? */.exec(head) ?? [];
  const inner = windowOf(packed, header.length, packed.size - header.length);
  yield* through(inner, createInflate({ chunkSize }));
}

async function* pieces(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < source.size; at += pieceBytes) yield await source.read(at, pieceBytes);
}
