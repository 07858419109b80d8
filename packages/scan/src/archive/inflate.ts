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
const windowBytes = 1 << 20;
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
    for await (const chunk of unpackerOf(compression)(packed)) {
      size += chunk.length;
      audit.inflatedBytes += chunk.length;
      crc = crc32(chunk, crc);
      if (size <= keptBytesMax) kept.push(chunk);
      if (isLate(audit)) {
        broken = 'the audit took too long';
        break;
      }
      if (isSpent(audit)) {
        broken = 'unpacks to more than the limit';
        break;
      }
    }
  } catch (thrown) {
    broken = messageOf(thrown);
  }
  const ratio = size / Math.max(1, packed.size);
  if ((size > bombBytesMin && ratio > bombRatio) || isSpent(audit)) {
    tell(place, 'MRL-ARC-005', { evidence: `${packed.size} bytes unpack to ${size} or more` });
  }
  if (isSpent(audit)) giveUp(place, 'unpacks to more than the limit');
  const source =
    size <= keptBytesMax ? memorySource(concat(kept)) : restarting(packed, compression, size);
  return { source, crc, broken };
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
  let window: Uint8Array = new Uint8Array(0);
  let start = 0;
  const advance = async (): Promise<boolean> => {
    const next = await chunks.next();
    if (next.done) return false;
    const keep = window.subarray(Math.max(0, window.length - windowBytes));
    start += window.length - keep.length;
    window = concat([keep, next.value]);
    return true;
  };
  const read = async (offset: number, length: number): Promise<Uint8Array> => {
    if (offset < start) {
      await chunks.return(undefined);
      chunks = unpackerOf(compression)(packed);
      window = new Uint8Array(0);
      start = 0;
    }
    const end = Math.min(size, offset + length);
    const parts: Uint8Array[] = [];
    for (let at = offset; at < end; ) {
      if (at < start + window.length) {
        const part = window.slice(at - start, end - start);
        parts.push(part);
        at += part.length;
      } else if (!(await advance())) break;
    }
    return concat(parts);
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
      return (packed) => through(packed, createInflateRaw());
    case 'zlib':
      return (packed) => through(packed, createInflate());
    case 'gzip':
      return (packed) => through(packed, createGunzip());
    case 'zstd':
      return (packed) => through(packed, createZstdDecompress());
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
  yield* through(inner, createInflate());
}

async function* pieces(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  for (let at = 0; at < source.size; at += pieceBytes) yield await source.read(at, pieceBytes);
}
