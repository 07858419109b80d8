/**
 * A forward reader with a bounded window: parsing is synchronous inside the window and waits only
 * when it must be moved. Large parts are passed over by their length and never read.
 */
import type { ByteSource } from '@merlon/core';

const windowBytesMin = 1 << 12;
const windowBytesMax = 1 << 16;

/** Reads a source from front to back. */
export class Cursor {
  readonly size: number;
  /** What is read. */
  readonly source: ByteSource;
  #window: Buffer = Buffer.alloc(0);
  #view = new DataView(this.#window.buffer);
  #windowBytes = windowBytesMin;
  /** Offset of the window in the source. */
  #start = 0;
  /** Offset of the next byte in the source. */
  #at: number;

  constructor(source: ByteSource, at = 0) {
    this.source = source;
    this.size = source.size;
    this.#at = at;
    this.#start = at;
  }

  /** Offset of the next byte. */
  get at(): number {
    return this.#at;
  }

  /** Bytes between here and the end. */
  get left(): number {
    return this.size - this.#at;
  }

  /** Makes the next bytes available, fewer only at the end; returns how many are. */
  async need(length: number): Promise<number> {
    const have = this.#start + this.#window.length - this.#at;
    if (this.#at >= this.#start && have >= length) return have;
    // A look at the beginning reads little; whoever goes on is given more at a time.
    const want = Math.min(this.size - this.#at, Math.max(length, this.#windowBytes));
    this.#windowBytes = Math.min(windowBytesMax, this.#windowBytes * 4);
    const bytes = want <= 0 ? new Uint8Array(0) : await this.source.read(this.#at, want);
    this.#window = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#start = this.#at;
    return bytes.length;
  }

  /** How many bytes can be read without waiting. */
  get ready(): number {
    const have = this.#start + this.#window.length - this.#at;
    return this.#at < this.#start || have < 0 ? 0 : have;
  }

  /** Passes over bytes, to the end at most. */
  skip(length: number): void {
    this.#at = Math.min(this.size, this.#at + length);
  }

  /** Goes to an offset. */
  seek(offset: number): void {
    this.#at = Math.max(0, Math.min(this.size, offset));
  }

  /** A byte ahead of the next one, -1 if it is not ready. */
  peek(ahead = 0): number {
    return this.ready > ahead ? (this.#window[this.#at - this.#start + ahead] ?? -1) : -1;
  }

  /** The next byte; it must be ready. */
  u8(): number {
    const value = this.#view.getUint8(this.#at - this.#start);
    this.#at += 1;
    return value;
  }

  /** Two bytes, little-endian; they must be ready. */
  u16(): number {
    const value = this.#view.getUint16(this.#at - this.#start, true);
    this.#at += 2;
    return value;
  }

  /** Four bytes, little-endian; they must be ready. */
  u32(): number {
    const value = this.#view.getUint32(this.#at - this.#start, true);
    this.#at += 4;
    return value;
  }

  /** Four bytes, little-endian, signed; they must be ready. */
  i32(): number {
    const value = this.#view.getInt32(this.#at - this.#start, true);
    this.#at += 4;
    return value;
  }

  /** Eight bytes, little-endian, as a number that is only exact up to 2^53; they must be ready. */
  u64(): number {
    const low = this.u32();
    return this.u32() * 2 ** 32 + low;
  }

  /** A copy of the next bytes; they must be ready. */
  bytes(length: number): Uint8Array {
    const from = this.#at - this.#start;
    this.#at += length;
    return new Uint8Array(this.#window.subarray(from, from + length));
  }

  /** The next bytes as UTF-8, faults replaced; they must be ready. */
  text(length: number): string {
    const from = this.#at - this.#start;
    this.#at += length;
    return this.#window.toString('utf8', from, from + length);
  }

  /** Bytes until the next line feed within what is ready and the limit, -1 if there is none. */
  lineLength(max: number): number {
    const from = this.#at - this.#start;
    const end = this.#window.subarray(from, from + max).indexOf(10);
    return end;
  }
}
