/** The .xz container (tukaani.org, "The .xz file format" 1.2.0): streams of blocks of LZMA2. */
import type { ByteSource } from '@merlon/core';
import { BadStream, Feed } from './feed.ts';
import { lzma2Stream } from './lzma.ts';

const headerBytes = 12;
const lzma2 = 0x21;
const checkBytes = [0, 4, 4, 4, 8, 8, 8, 16, 16, 16, 32, 32, 32, 64, 64, 64];

/** Unpacks all streams of a file. */
export async function* xzStream(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  let offset = 0;
  while (offset < source.size || offset === 0) {
    const feed = new Feed(source, offset);
    const header = await feed.take(Math.min(headerBytes, source.size - offset));
    if (header.length < headerBytes || header[0] !== 0xfd || header[1] !== 0x37) {
      if (header.every((byte) => byte === 0) && offset > 0) {
        offset += 4;
        continue;
      }
      throw new BadStream('no stream header');
    }
    const check = checkBytes[(header[7] ?? 0) & 15] ?? 0;
    offset = yield* readBlocks(feed, check);
  }
}

/** Blocks up to the index; returns the offset behind the stream. */
async function* readBlocks(feed: Feed, check: number): AsyncGenerator<Uint8Array, number, void> {
  for (;;) {
    const start = feed.offset;
    const size = await feed.number(1);
    if (size === 0) return endOfIndex(feed, start);
    const header = new Uint8Array(await feed.take(size * 4 + 3));
    const dictionaryBytes = dictionaryOf(header);
    const from = feed.offset;
    yield* lzma2Stream(feed, dictionaryBytes);
    const padding = (4 - ((feed.offset - from) % 4)) % 4;
    await feed.take(padding + check);
  }
}

/** The dictionary of the LZMA2 filter; other filters only shift bytes of programs. */
function dictionaryOf(header: Uint8Array): number {
  const flags = header[0] ?? 0;
  let at = 1;
  const variable = (): number => {
    let value = 0;
    for (let shift = 0; shift < 9; shift++) {
      const byte = header[at++] ?? 0;
      value += (byte & 127) * 2 ** (7 * shift);
      if (byte < 128) break;
    }
    return value;
  };
  if (flags & 0x40) variable();
  if (flags & 0x80) variable();
  for (let i = 0; i <= (flags & 3); i++) {
    const id = variable();
    const bytes = variable();
    const [first = 0] = header.subarray(at, at + bytes);
    at += bytes;
    if (id === lzma2) return dictionaryBytesOf(first);
  }
  throw new BadStream('a filter that is not LZMA2');
}

/** The size that the property byte of LZMA2 stands for. */
export function dictionaryBytesOf(property: number): number {
  const bits = property & 63;
  if (bits > 40) throw new BadStream('dictionary out of range');
  return bits === 40 ? 0xffffffff : (2 | (bits & 1)) * 2 ** (Math.floor(bits / 2) + 11);
}

async function endOfIndex(feed: Feed, start: number): Promise<number> {
  const variable = async (): Promise<number> => {
    let value = 0;
    for (let shift = 0; shift < 9; shift++) {
      const byte = await feed.number(1);
      value += (byte & 127) * 2 ** (7 * shift);
      if (byte < 128) break;
    }
    return value;
  };
  const records = await variable();
  for (let i = 0; i < records * 2; i++) await variable();
  const length = feed.offset - start;
  await feed.take((4 - (length % 4)) % 4);
  await feed.take(4 + headerBytes);
  return feed.offset;
}
