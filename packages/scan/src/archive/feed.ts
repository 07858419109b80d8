/** Compressed bytes as decoders want them: a buffer that is refilled between steps of the work. */
import type { ByteSource } from '@merlon/core';

const refillBytes = 1 << 16;

/** What was packed is not as its format says. */
export class BadStream extends Error {}

/** Reads a source from front to back; `want` must be awaited before bytes are taken. */
export class Feed {
  buffer: Uint8Array = new Uint8Array(0);
  /** Index of the next byte in the buffer. */
  at = 0;
  readonly #source: ByteSource;
  #read = 0;

  constructor(source: ByteSource, offset = 0) {
    this.#source = source;
    this.#read = offset;
  }

  /** Bytes that can be taken without waiting. */
  get ready(): number {
    return this.buffer.length - this.at;
  }

  /** True when nothing more comes than what is ready. */
  get exhausted(): boolean {
    return this.#read >= this.#source.size;
  }

  /** Offset of the next byte in the source. */
  get offset(): number {
    return this.#read - this.ready;
  }

  /** Makes bytes ready, fewer only at the end. */
  async want(bytes: number): Promise<void> {
    if (this.ready >= bytes || this.exhausted) return;
    const length = Math.max(bytes - this.ready, refillBytes);
    const next = await this.#source.read(this.#read, length);
    this.#read += next.length;
    if (next.length === 0) this.#read = this.#source.size;
    const joined = new Uint8Array(this.ready + next.length);
    joined.set(this.buffer.subarray(this.at));
    joined.set(next, this.ready);
    this.buffer = joined;
    this.at = 0;
  }

  /** The next byte; throws at the end. */
  byte(): number {
    const value = this.buffer[this.at];
    if (value === undefined) throw new BadStream('ends early');
    this.at++;
    return value;
  }

  /** The next bytes, awaited; throws when there are fewer. */
  async take(bytes: number): Promise<Uint8Array> {
    await this.want(bytes);
    if (this.ready < bytes) throw new BadStream('ends early');
    const part = this.buffer.subarray(this.at, this.at + bytes);
    this.at += bytes;
    return part;
  }

  /** The next little-endian number of up to six bytes, awaited. */
  async number(bytes: number): Promise<number> {
    const part = await this.take(bytes);
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) value = value * 256 + (part[i] ?? 0);
    return value;
  }
}
