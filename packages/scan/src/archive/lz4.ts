/**
 * LZ4 frames ("LZ4 Frame Format" 1.6.4) and the older form of `lz4 -l`: blocks of literals and
 * copies.
 */
import type { ByteSource } from '@merlon/core';
import { BadStream, Feed } from './feed.ts';

const frameMagic = 0x184d2204;
const oldMagic = 0x184c2102;
const oldBlockBytes = 8 << 20;
const historyBytes = 1 << 16;

/** Unpacks all frames of a file. */
export async function* lz4Stream(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  const feed = new Feed(source);
  for (let frame = 0; ; frame++) {
    await feed.want(4);
    if (feed.ready === 0 && frame > 0) return;
    const magic = await feed.number(4);
    if (magic === frameMagic) yield* readFrame(feed);
    else if (magic === oldMagic) yield* readOld(feed);
    else if (magic >= 0x184d2a50 && magic <= 0x184d2a5f) await feed.take(await feed.number(4));
    else if (frame > 0) return;
    else throw new BadStream('no frame header');
  }
}

async function* readFrame(feed: Feed): AsyncGenerator<Uint8Array, void, void> {
  const flags = await feed.number(1);
  const size = ((await feed.number(1)) >> 4) & 7;
  if (size < 4) throw new BadStream('block size out of range');
  const blockBytes = 1 << (8 + 2 * size);
  if (flags & 8) await feed.take(8);
  if (flags & 1) await feed.take(4);
  await feed.take(1);
  let history: Uint8Array = new Uint8Array(0);
  for (;;) {
    const head = await feed.number(4);
    if (head === 0) break;
    const packed = head % 2 ** 31;
    if (packed > blockBytes + 64) throw new BadStream('block too long');
    const block = new Uint8Array(await feed.take(packed));
    const clear = head >= 2 ** 31 ? block : unpackBlock(block, blockBytes, history);
    if (flags & 16) await feed.take(4);
    const isLinked = (flags & 32) === 0;
    if (isLinked) history = joined(history, clear);
    yield clear;
  }
  if (flags & 4) await feed.take(4);
}

async function* readOld(feed: Feed): AsyncGenerator<Uint8Array, void, void> {
  for (;;) {
    await feed.want(4);
    if (feed.ready < 4) return;
    const packed = await feed.number(4);
    if (packed > oldBlockBytes * 2) return;
    yield unpackBlock(new Uint8Array(await feed.take(packed)), oldBlockBytes, new Uint8Array(0));
  }
}

function joined(history: Uint8Array, clear: Uint8Array): Uint8Array {
  const both = new Uint8Array(history.length + clear.length);
  both.set(history);
  both.set(clear, history.length);
  return both.slice(-historyBytes);
}

/** A block behind the history that it may refer to. */
export function unpackBlock(packed: Uint8Array, bytesMax: number, history: Uint8Array): Uint8Array {
  const out = new Uint8Array(history.length + bytesMax);
  out.set(history);
  let to = history.length;
  let at = 0;
  const more = (length: number): number => {
    let sum = length;
    if (length === 15) {
      let byte = 255;
      while (byte === 255) {
        byte = packed[at++] ?? 0;
        sum += byte;
      }
    }
    return sum;
  };
  while (at < packed.length) {
    const token = packed[at++] ?? 0;
    const literals = more(token >> 4);
    if (to + literals > out.length) throw new BadStream('longer than it says');
    if (at + literals > packed.length) throw new BadStream('ends early');
    out.set(packed.subarray(at, at + literals), to);
    at += literals;
    to += literals;
    if (at >= packed.length) break;
    const distance = (packed[at] ?? 0) + (packed[at + 1] ?? 0) * 256;
    at += 2;
    const length = more(token & 15) + 4;
    if (distance === 0 || distance > to) throw new BadStream('refers to nothing');
    if (to + length > out.length) throw new BadStream('longer than it says');
    for (let i = 0; i < length; i++) out[to + i] = out[to + i - distance] ?? 0;
    to += length;
  }
  return out.slice(history.length, to);
}
