/**
 * LZMA and LZMA2 (Igor Pavlov, "LZMA specification", 2015): the range decoder, the state machine,
 * and the chunks around them. Written for reading only, with a window of bounded size.
 */
import type { ByteSource } from '@merlon/core';
import { BadStream, Feed } from './feed.ts';

/** Bytes of history that are kept; a stream that reaches further back is not read on. */
export const windowBytesMax = 1 << 26;

const pieceBytes = 1 << 16;
/** No symbol takes more bytes than this. */
const symbolBytesMax = 32;
const half = 1024;
const statesMax = 12;
const lengthSlots = 2 + 16 * 8 * 2 + 256;

/** Settings of a stream. */
export interface LzmaSettings {
  readonly lc: number;
  readonly lp: number;
  readonly pb: number;
  readonly dictionaryBytes: number;
}

/** The settings of a properties byte; throws `BadStream` when it has none. */
export function settingsOf(byte: number, dictionaryBytes: number): LzmaSettings {
  if (byte >= 225) throw new BadStream('properties out of range');
  const lc = byte % 9;
  const rest = Math.floor(byte / 9);
  return { lc, lp: rest % 5, pb: Math.floor(rest / 5), dictionaryBytes };
}

/** The decoder of one stream; its history outlives the chunks of LZMA2. */
export class Lzma {
  /** True once the stream's own end mark was read. */
  ended = false;
  readonly #window: Uint8Array;
  #settings: LzmaSettings;
  #at = 0;
  /** Where the history begins, from which positions count. */
  #origin = 0;
  /** Where the bytes begin that were not given out yet. */
  #given = 0;
  #filled = 0;
  #range = 0;
  #code = 0;
  #state = 0;
  #distances = [0, 0, 0, 0];
  #feed: Feed;
  #literals = new Uint16Array(0);
  readonly #match = new Uint16Array(statesMax * 16);
  readonly #rep = new Uint16Array(statesMax);
  readonly #rep0 = new Uint16Array(statesMax);
  readonly #rep1 = new Uint16Array(statesMax);
  readonly #rep2 = new Uint16Array(statesMax);
  readonly #rep0Long = new Uint16Array(statesMax * 16);
  readonly #slots = new Uint16Array(4 * 64);
  readonly #special = new Uint16Array(128);
  readonly #align = new Uint16Array(16);
  readonly #length = new Uint16Array(lengthSlots);
  readonly #repLength = new Uint16Array(lengthSlots);

  constructor(feed: Feed, settings: LzmaSettings) {
    this.#feed = feed;
    this.#settings = settings;
    const wanted = Math.max(4096, settings.dictionaryBytes) + 2 * pieceBytes;
    this.#window = new Uint8Array(Math.min(wanted, windowBytesMax));
    this.reset(settings);
  }

  /** Another feed for the next chunk. */
  use(feed: Feed): void {
    this.#feed = feed;
  }

  /** Forgets all that was learned, but not the history. */
  reset(settings: LzmaSettings): void {
    this.#settings = settings;
    this.#literals = new Uint16Array(0x300 << (settings.lc + settings.lp)).fill(half);
    const tables = [this.#match, this.#rep, this.#rep0, this.#rep1, this.#rep2, this.#rep0Long];
    const more = [this.#slots, this.#special, this.#align, this.#length, this.#repLength];
    for (const table of [...tables, ...more]) table.fill(half);
    this.#state = 0;
    this.#distances = [0, 0, 0, 0];
  }

  /** Forgets the history. */
  forget(): void {
    this.#origin = this.#at;
    this.#filled = 0;
  }

  /** Reads the first five bytes of a range-coded part; they must be ready. */
  start(): void {
    if (this.#feed.byte() !== 0) throw new BadStream('range coder begins wrongly');
    this.#range = 0xffffffff;
    this.#code = 0;
    for (let i = 0; i < 4; i++) this.#code = ((this.#code << 8) | this.#feed.byte()) >>> 0;
  }

  /** Takes a byte that is not packed. */
  literal(byte: number): void {
    this.#put(byte);
  }

  /** Bytes that can be given out. */
  get pending(): number {
    return this.#at - this.#given;
  }

  /** A copy of what was not given out yet. */
  drain(): Uint8Array {
    const size = this.#window.length;
    const out = new Uint8Array(this.pending);
    for (let i = 0; i < out.length; i++) out[i] = this.#window[(this.#given + i) % size] ?? 0;
    this.#given = this.#at;
    return out;
  }

  /** Decodes up to a number of bytes, as far as the feed reaches; returns how many came. */
  run(bytesMax: number): number {
    const from = this.#at;
    const until = from + bytesMax;
    const { pb } = this.#settings;
    while (this.#at < until && !this.ended) {
      if (this.#feed.ready < symbolBytesMax && !this.#feed.exhausted) break;
      if (this.pending >= pieceBytes) break;
      const position = (this.#at - this.#origin) & ((1 << pb) - 1);
      const slot = (this.#state << 4) + position;
      if (this.#bit(this.#match, slot) === 0) this.#literal();
      else if (this.#bit(this.#rep, this.#state) === 0) this.#simpleMatch(position, until);
      else this.#repeated(position, slot, until);
    }
    return this.#at - from;
  }

  #literal(): void {
    const { lc, lp } = this.#settings;
    const before = this.#filled === 0 ? 0 : this.#back(1);
    const place = this.#at - this.#origin;
    const context = ((place & ((1 << lp) - 1)) << lc) + (before >> (8 - lc));
    const base = 0x300 * context;
    let symbol = 1;
    if (this.#state >= 7) {
      let match = this.#back((this.#distances[0] ?? 0) + 1);
      while (symbol < 0x100) {
        const wanted = (match >> 7) & 1;
        match <<= 1;
        const bit = this.#bit(this.#literals, base + ((1 + wanted) << 8) + symbol);
        symbol = (symbol << 1) | bit;
        if (bit !== wanted) break;
      }
    }
    while (symbol < 0x100) symbol = (symbol << 1) | this.#bit(this.#literals, base + symbol);
    this.#put(symbol & 255);
    this.#state = this.#state < 4 ? 0 : this.#state < 10 ? this.#state - 3 : this.#state - 6;
  }

  #simpleMatch(position: number, until: number): void {
    const [a = 0, b = 0, c = 0] = this.#distances;
    const length = this.#lengthOf(this.#length, position);
    this.#state = this.#state < 7 ? 7 : 10;
    const distance = this.#distance(length);
    if (distance === 0xffffffff) {
      this.ended = true;
      return;
    }
    this.#distances = [distance, a, b, c];
    this.#copy(length, until);
  }

  #repeated(position: number, slot: number, until: number): void {
    if (this.#filled === 0) throw new BadStream('refers to nothing');
    const [a = 0, b = 0, c = 0, d = 0] = this.#distances;
    if (this.#bit(this.#rep0, this.#state) === 0) {
      if (this.#bit(this.#rep0Long, slot) === 0) {
        this.#state = this.#state < 7 ? 9 : 11;
        this.#put(this.#back(a + 1));
        return;
      }
    } else if (this.#bit(this.#rep1, this.#state) === 0) this.#distances = [b, a, c, d];
    else if (this.#bit(this.#rep2, this.#state) === 0) this.#distances = [c, a, b, d];
    else this.#distances = [d, a, b, c];
    const length = this.#lengthOf(this.#repLength, position);
    this.#state = this.#state < 7 ? 8 : 11;
    this.#copy(length, until);
  }

  #copy(length: number, until: number): void {
    const distance = (this.#distances[0] ?? 0) + 1;
    if (distance > this.#filled) throw new BadStream('refers further back than is kept');
    if (this.#at + length > until) throw new BadStream('longer than it says');
    for (let i = 0; i < length; i++) this.#put(this.#back(distance));
  }

  #lengthOf(table: Uint16Array, position: number): number {
    if (this.#bit(table, 0) === 0) return 2 + this.#tree(table, 2 + position * 8, 3);
    if (this.#bit(table, 1) === 0) return 10 + this.#tree(table, 130 + position * 8, 3);
    return 18 + this.#tree(table, 258, 8);
  }

  #distance(length: number): number {
    const lengthState = Math.min(length - 2, 3);
    const slot = this.#tree(this.#slots, lengthState * 64, 6);
    if (slot < 4) return slot;
    const bits = (slot >> 1) - 1;
    let distance = ((2 | (slot & 1)) << bits) >>> 0;
    if (slot < 14) distance += this.#reverse(this.#special, distance - slot, bits);
    else {
      distance += this.#direct(bits - 4) * 16;
      distance += this.#reverse(this.#align, 0, 4);
    }
    return distance;
  }

  #bit(table: Uint16Array, index: number): number {
    const probability = table[index] ?? half;
    const bound = (this.#range >>> 11) * probability;
    let bit = 0;
    if (this.#code < bound) {
      this.#range = bound;
      table[index] = probability + ((2048 - probability) >> 5);
    } else {
      this.#range = (this.#range - bound) >>> 0;
      this.#code = (this.#code - bound) >>> 0;
      table[index] = probability - (probability >> 5);
      bit = 1;
    }
    if (this.#range < 0x1000000) this.#normalize();
    return bit;
  }

  #normalize(): void {
    this.#range = (this.#range << 8) >>> 0;
    this.#code = ((this.#code << 8) | this.#feed.byte()) >>> 0;
  }

  #tree(table: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    for (let i = 0; i < bits; i++) symbol = (symbol << 1) | this.#bit(table, base + symbol);
    return symbol - (1 << bits);
  }

  #reverse(table: Uint16Array, base: number, bits: number): number {
    let symbol = 1;
    let value = 0;
    for (let i = 0; i < bits; i++) {
      const bit = this.#bit(table, base + symbol);
      symbol = (symbol << 1) | bit;
      value |= bit << i;
    }
    return value;
  }

  #direct(bits: number): number {
    let value = 0;
    for (let i = 0; i < bits; i++) {
      this.#range = this.#range >>> 1;
      const bit = this.#code >= this.#range ? 1 : 0;
      if (bit === 1) this.#code = (this.#code - this.#range) >>> 0;
      if (this.#range < 0x1000000) this.#normalize();
      value = value * 2 + bit;
    }
    return value;
  }

  #put(byte: number): void {
    this.#window[this.#at % this.#window.length] = byte;
    this.#at++;
    if (this.#filled < this.#window.length - pieceBytes) this.#filled++;
  }

  #back(distance: number): number {
    if (distance > this.#filled) throw new BadStream('refers further back than is kept');
    return this.#window[(this.#at - distance) % this.#window.length] ?? 0;
  }
}

/** A raw LZMA stream; `bytes` is the size that it unpacks to, or null when it has an end mark. */
export async function* lzmaStream(
  feed: Feed,
  settings: LzmaSettings,
  bytes: number | null,
): AsyncGenerator<Uint8Array, void, void> {
  const decoder = new Lzma(feed, settings);
  await feed.want(pieceBytes);
  decoder.start();
  let left = bytes ?? Number.POSITIVE_INFINITY;
  while (left > 0 && !decoder.ended) {
    await feed.want(pieceBytes);
    const came = decoder.run(Math.min(left, pieceBytes * 2));
    left -= came;
    if (decoder.pending > 0) yield decoder.drain();
    else if (came === 0 && !decoder.ended) throw new BadStream('makes no progress');
  }
}

/** A stream of LZMA2 chunks up to its end mark. */
export async function* lzma2Stream(
  feed: Feed,
  dictionaryBytes: number,
): AsyncGenerator<Uint8Array, void, void> {
  let settings = settingsOf(0x5d, dictionaryBytes);
  const decoder = new Lzma(feed, settings);
  for (;;) {
    const control = await feed.number(1);
    if (control === 0) return;
    if (control < 0x80) {
      if (control > 2) throw new BadStream('unknown chunk');
      if (control === 1) decoder.forget();
      const size = bigEndian(await feed.take(2)) + 1;
      for (const byte of await feed.take(size)) decoder.literal(byte);
      yield decoder.drain();
      continue;
    }
    const clear = ((control & 31) << 16) + bigEndian(await feed.take(2)) + 1;
    const packed = bigEndian(await feed.take(2)) + 1;
    if (control >= 0xc0) settings = settingsOf(await feed.number(1), dictionaryBytes);
    if (control >= 0xe0) decoder.forget();
    if (control >= 0xa0) decoder.reset(settings);
    const chunk = new Uint8Array(await feed.take(packed));
    const inner = new Feed({ size: chunk.length, read: async () => chunk });
    await inner.want(chunk.length);
    decoder.use(inner);
    decoder.start();
    for (let left = clear; left > 0; ) {
      const came = decoder.run(left);
      if (came === 0) throw new BadStream('ends early');
      left -= came;
      yield decoder.drain();
    }
  }
}

/** A file of the old `.lzma` form: properties, dictionary, size, stream. */
export async function* lzmaAlone(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  const feed = new Feed(source);
  const properties = await feed.number(1);
  const dictionaryBytes = await feed.number(4);
  const size = new Uint8Array(await feed.take(8));
  const isOpen = size.every((byte) => byte === 255);
  const bytes = size.reduceRight((sum, byte) => sum * 256 + byte, 0);
  yield* lzmaStream(feed, settingsOf(properties, dictionaryBytes), isOpen ? null : bytes);
}

/**
 * A member of a zip archive by method 14 (APPNOTE 5.8.8): the version of the packer, the length of
 * the properties, the properties, the stream to its end mark or to the end of the source.
 */
export async function* lzmaOfZip(source: ByteSource): AsyncGenerator<Uint8Array, void, void> {
  const feed = new Feed(source);
  await feed.take(2);
  const length = await feed.number(2);
  if (length !== 5) throw new BadStream('has odd properties');
  const properties = await feed.number(1);
  const dictionaryBytes = await feed.number(4);
  yield* lzmaStream(feed, settingsOf(properties, dictionaryBytes), null);
}

function bigEndian(bytes: Uint8Array): number {
  return (bytes[0] ?? 0) * 256 + (bytes[1] ?? 0);
}
