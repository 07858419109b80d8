/** Pulls exact amounts out of a stream of chunks of any size, holding little more than that. */
import { type Bytes, concat } from '@merlon/core';

/** A reader over chunks; `close` lets go of the stream. */
export class Intake {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #ended = false;
  #taken = 0;

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  /** Bytes taken so far. */
  get taken(): number {
    return this.#taken;
  }

  /** True when nothing is left. */
  async atEnd(): Promise<boolean> {
    return (await this.#fill(1)) === 0;
  }

  /** Up to `length` bytes, fewer only at the end, left in place. */
  async peek(length: number): Promise<Bytes> {
    const available = Math.min(length, await this.#fill(length));
    return concat(this.#pending.map((chunk) => chunk.subarray(0, length))).slice(0, available);
  }

  /** Up to `length` bytes, fewer only at the end. May be a view of a chunk that came in. */
  async take(length: number): Promise<Uint8Array> {
    const available = Math.min(length, await this.#fill(length));
    return this.#remove(available);
  }

  /** All through the first line that begins with `prefix`; `null` if there is none in the limit. */
  async takeThroughLine(prefix: string, bytesMax: number): Promise<Bytes | null> {
    const parts: Uint8Array[] = [];
    let total = 0;
    let lineStart = '';
    while (total < bytesMax) {
      if ((await this.#fill(1)) === 0) return null;
      const chunk = this.#pending[0] ?? new Uint8Array(0);
      const newline = chunk.indexOf(10);
      const length = newline < 0 ? chunk.length : newline + 1;
      const part = this.#remove(length);
      parts.push(part);
      total += length;
      const missing = prefix.length - lineStart.length;
      lineStart += String.fromCharCode(...part.subarray(0, Math.max(0, missing)));
      if (newline < 0) continue;
      if (lineStart === prefix) return total > bytesMax ? null : concat(parts);
      lineStart = '';
    }
    return null;
  }

  /** Through the next newline, or what is left; `null` at the end and for longer lines. */
  async takeLine(bytesMax: number): Promise<Bytes | null> {
    const parts: Uint8Array[] = [];
    let total = 0;
    while (total <= bytesMax && (await this.#fill(1)) > 0) {
      const chunk = this.#pending[0] ?? new Uint8Array(0);
      const newline = chunk.indexOf(10);
      const length = newline < 0 ? chunk.length : newline + 1;
      parts.push(this.#remove(length));
      total += length;
      if (newline >= 0) break;
    }
    return total === 0 || total > bytesMax ? null : concat(parts);
  }

  /** Tells the stream that no more is wanted. */
  async close(): Promise<void> {
    if (this.#ended) return;
    this.#ended = true;
    await this.#iterator.return?.();
  }

  async #fill(length: number): Promise<number> {
    while (this.#pendingBytes < length && !this.#ended) {
      const next = await this.#iterator.next();
      if (next.done) {
        this.#ended = true;
      } else if (next.value.length > 0) {
        this.#pending.push(next.value);
        this.#pendingBytes += next.value.length;
      }
    }
    return this.#pendingBytes;
  }

  #remove(length: number): Uint8Array {
    this.#pendingBytes -= length;
    this.#taken += length;
    const [first] = this.#pending;
    if (first !== undefined && first.length >= length) {
      if (first.length === length) this.#pending.shift();
      else this.#pending[0] = first.subarray(length);
      return first.subarray(0, length);
    }
    const out = new Uint8Array(length);
    let at = 0;
    let used = 0;
    while (at < length) {
      const chunk = this.#pending[used] ?? new Uint8Array(0);
      const part = chunk.subarray(0, length - at);
      out.set(part, at);
      at += part.length;
      if (part.length === chunk.length) used++;
      else this.#pending[used] = chunk.subarray(part.length);
    }
    this.#pending = this.#pending.slice(used);
    return out;
  }
}
