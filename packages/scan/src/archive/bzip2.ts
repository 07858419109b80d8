/**
 * bzip2 (Julian Seward; "BZIP2: Format Specification", 2016): Huffman, moves to front, sorted
 * blocks.
 */
import type { ByteSource } from '@merlon/core';
import { BadStream, Feed } from './feed.ts';

const blockBytesMax = 900_000;
/** No block takes more bytes than this when packed. */
const packedBytesMax = 1_200_000;
const groupSymbols = 50;
const blockMagic = 0x314159265359;
const endMagic = 0x177245385090;

class Bits {
  readonly #feed: Feed;
  #held = 0;
  #count = 0;

  constructor(feed: Feed) {
    this.#feed = feed;
  }

  read(bits: number): number {
    let value = 0;
    for (let left = bits; left > 0; ) {
      if (this.#count === 0) {
        this.#held = this.#feed.byte();
        this.#count = 8;
      }
      const taken = Math.min(left, this.#count);
      this.#count -= taken;
      value = value * 2 ** taken + ((this.#held >> this.#count) & ((1 << taken) - 1));
      left -= taken;
    }
    return value;
  }

  align(): void {
    this.#count = 0;
  }
}

interface Codes {
  readonly limits: Int32Array;
  readonly bases: Int32Array;
  readonly symbols: Uint16Array;
  readonly shortest: number;
}

/** Unpacks all streams of a file. */
export async function* bzip2Stream(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  const feed = new Feed(source);
  for (let stream = 0; ; stream++) {
    await feed.want(packedBytesMax);
    if (feed.ready === 0 && stream > 0) return;
    const bits = new Bits(feed);
    if (bits.read(24) !== 0x425a68) {
      if (stream > 0) return;
      throw new BadStream('no stream header');
    }
    const level = bits.read(8) - 48;
    if (level < 1 || level > 9) throw new BadStream('block size out of range');
    for (;;) {
      await feed.want(packedBytesMax);
      const magic = bits.read(48);
      bits.read(32);
      if (magic === endMagic) break;
      if (magic !== blockMagic) throw new BadStream('no block header');
      yield* expand(readBlock(bits, level * 100_000));
    }
    bits.align();
  }
}

/** The bytes of a block before its runs are expanded. */
function readBlock(bits: Bits, bytesMax: number): Uint8Array {
  if (bits.read(1) === 1) throw new BadStream('randomized block');
  const origin = bits.read(24);
  const used = readUsed(bits);
  const groups = bits.read(3);
  const selectorCount = bits.read(15);
  if (groups < 2 || groups > 6 || selectorCount === 0) throw new BadStream('no tables');
  const selectors = readSelectors(bits, groups, selectorCount);
  const tables = Array.from({ length: groups }, () => readCodes(bits, used.length + 2));
  const { tail, counts } = readSymbols(bits, { used, selectors, tables }, bytesMax);
  if (origin >= tail.length) throw new BadStream('origin outside of the block');
  return sortedBack(tail, counts, origin);
}

function readUsed(bits: Bits): number[] {
  const rows = bits.read(16);
  const used: number[] = [];
  for (let row = 0; row < 16; row++) {
    if (!(rows & (0x8000 >> row))) continue;
    const columns = bits.read(16);
    for (let column = 0; column < 16; column++) {
      if (columns & (0x8000 >> column)) used.push(row * 16 + column);
    }
  }
  if (used.length === 0) throw new BadStream('empty alphabet');
  return used;
}

function readSelectors(bits: Bits, groups: number, count: number): Uint8Array {
  const order = Array.from({ length: groups }, (_, i) => i);
  return Uint8Array.from({ length: count }, () => {
    let at = 0;
    while (bits.read(1) === 1) if (++at >= groups) throw new BadStream('selector out of range');
    const [value = 0] = order.splice(at, 1);
    order.unshift(value);
    return value;
  });
}

function readCodes(bits: Bits, size: number): Codes {
  const lengths = new Uint8Array(size);
  let length = bits.read(5);
  for (let i = 0; i < size; i++) {
    for (;;) {
      if (length < 1 || length > 20) throw new BadStream('code length out of range');
      if (bits.read(1) === 0) break;
      length += bits.read(1) === 0 ? 1 : -1;
    }
    lengths[i] = length;
  }
  const shortest = lengths.reduce((least, each) => Math.min(least, each), 32);
  const symbols = new Uint16Array(size);
  const limits = new Int32Array(22).fill(-1);
  const bases = new Int32Array(22);
  let next = 0;
  let codeWord = 0;
  for (let bitsLong = shortest; bitsLong <= 20; bitsLong++) {
    bases[bitsLong] = next - codeWord;
    for (let symbol = 0; symbol < size; symbol++) {
      if (lengths[symbol] !== bitsLong) continue;
      symbols[next++] = symbol;
      codeWord++;
    }
    limits[bitsLong] = codeWord - 1;
    codeWord *= 2;
  }
  return { limits, bases, symbols, shortest };
}

function readSymbol(bits: Bits, { limits, bases, symbols, shortest }: Codes): number {
  let code = bits.read(shortest);
  for (let length = shortest; length <= 20; length++) {
    if (code <= (limits[length] ?? -1)) {
      const symbol = symbols[code + (bases[length] ?? 0)];
      if (symbol === undefined) break;
      return symbol;
    }
    code = code * 2 + bits.read(1);
  }
  throw new BadStream('unknown code');
}

function readSymbols(
  bits: Bits,
  given: { used: readonly number[]; selectors: Uint8Array; tables: readonly Codes[] },
  bytesMax: number,
): { tail: Uint32Array; counts: Int32Array } {
  const order = [...given.used];
  const end = given.used.length + 1;
  const bytes = new Uint32Array(bytesMax);
  const counts = new Int32Array(256);
  let count = 0;
  let run = 0;
  let weight = 1;
  const push = (byte: number, times: number): void => {
    if (count + times > bytesMax) throw new BadStream('block too long');
    bytes.fill(byte, count, count + times);
    counts[byte] = (counts[byte] ?? 0) + times;
    count += times;
  };
  for (let group = 0; ; group++) {
    const codes = given.tables[given.selectors[group] ?? -1];
    if (codes === undefined) throw new BadStream('selectors end early');
    for (let i = 0; i < groupSymbols; i++) {
      const symbol = readSymbol(bits, codes);
      if (symbol < 2) {
        run += weight << symbol;
        weight *= 2;
        if (run > blockBytesMax) throw new BadStream('run too long');
        continue;
      }
      if (run > 0) push(order[0] ?? 0, run);
      run = 0;
      weight = 1;
      if (symbol === end) return { tail: bytes.subarray(0, count), counts };
      const [byte = 0] = order.splice(symbol - 1, 1);
      order.unshift(byte);
      push(byte, 1);
    }
  }
}

/** Undoes the Burrows–Wheeler transform. */
function sortedBack(tail: Uint32Array, counts: Int32Array, origin: number): Uint8Array {
  let sum = 0;
  for (let byte = 0; byte < 256; byte++) {
    const count = counts[byte] ?? 0;
    counts[byte] = sum;
    sum += count;
  }
  for (let i = 0; i < tail.length; i++) {
    const byte = (tail[i] ?? 0) & 255;
    const at = counts[byte] ?? 0;
    counts[byte] = at + 1;
    tail[at] = ((tail[at] ?? 0) | (i << 8)) >>> 0;
  }
  const out = new Uint8Array(tail.length);
  let at = (tail[origin] ?? 0) >>> 8;
  for (let i = 0; i < out.length; i++) {
    const value = tail[at] ?? 0;
    out[i] = value & 255;
    at = value >>> 8;
  }
  return out;
}

/** Four equal bytes are followed by a count of more. */
function* expand(block: Uint8Array): Generator<Uint8Array, void, void> {
  let out = new Uint8Array(1 << 16);
  let at = 0;
  let same = 0;
  let last = -1;
  for (const byte of block) {
    const times = same === 4 ? byte : 1;
    const value = same === 4 ? last : byte;
    if (at + times > out.length) {
      yield out.subarray(0, at);
      out = new Uint8Array(1 << 16);
      at = 0;
    }
    out.fill(value, at, at + times);
    at += times;
    if (same === 4) {
      same = 0;
      last = -1;
    } else {
      same = byte === last ? same + 1 : 1;
      last = byte;
    }
  }
  if (at > 0) yield out.subarray(0, at);
}
