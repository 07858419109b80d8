/**
 * Random access to an HDF5 file ("HDF5 File Format Specification Version 3.0"): numbers and
 * blocks.
 */
import type { ByteSource } from '@merlon/core';
import { latin1 } from '../bytes.ts';

/** The file is not as its format says. */
export class MalformedFile extends Error {}

const blockBytesMax = 1 << 26;
const readsMax = 2_000_000;

/** A block of bytes that is read from front to back. */
export class Block {
  at = 0;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offsetBytes: number;
  readonly #lengthBytes: number;

  constructor(bytes: Uint8Array, sizes: { readonly offset: number; readonly length: number }) {
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#offsetBytes = sizes.offset;
    this.#lengthBytes = sizes.length;
  }

  /** Bytes behind the reader. */
  get left(): number {
    return this.#bytes.length - this.at;
  }

  /** A little-endian number of up to eight bytes; all ones are -1, which stands for "nowhere". */
  number(bytes: number): number {
    if (bytes > this.left) throw new MalformedFile('ends early');
    let value = 0;
    let ones = true;
    for (let i = bytes - 1; i >= 0; i--) {
      const byte = this.#view.getUint8(this.at + i);
      value = value * 256 + byte;
      ones &&= byte === 255;
    }
    this.at += bytes;
    return ones && bytes > 1 ? -1 : value;
  }

  /** The address of something in the file, or -1. */
  address(): number {
    return this.number(this.#offsetBytes);
  }

  /** A length of something in the file. */
  length(): number {
    return this.number(this.#lengthBytes);
  }

  /** Four letters that begin most blocks. */
  signature(): string {
    return latin1(this.take(4));
  }

  /** The next bytes. */
  take(bytes: number): Uint8Array {
    if (bytes < 0 || bytes > this.left) throw new MalformedFile('ends early');
    const part = this.#bytes.subarray(this.at, this.at + bytes);
    this.at += bytes;
    return part;
  }

  /** Passes over bytes. */
  skip(bytes: number): void {
    this.take(bytes);
  }

  /** A text up to its zero byte. */
  text(): string {
    const end = this.#bytes.indexOf(0, this.at);
    if (end < 0) throw new MalformedFile('a text has no end');
    const text = new TextDecoder().decode(this.#bytes.subarray(this.at, end));
    this.at = end + 1;
    return text;
  }

  /** The next bytes as a block of their own. */
  part(bytes: number): Block {
    return new Block(this.take(bytes), { offset: this.#offsetBytes, length: this.#lengthBytes });
  }
}

/** The file, with the widths of its addresses. */
export class Hdf5File {
  readonly source: ByteSource;
  readonly sizes: { readonly offset: number; readonly length: number };
  readonly base: number;
  #reads = 0;

  constructor(
    source: ByteSource,
    sizes: { readonly offset: number; readonly length: number },
    base: number,
  ) {
    this.source = source;
    this.sizes = sizes;
    this.base = base;
  }

  /** Bytes at an address; throws when they lie outside. */
  async block(address: number, bytes: number): Promise<Block> {
    if (++this.#reads > readsMax) throw new MalformedFile('too many blocks');
    const at = this.base + address;
    if (address < 0 || bytes < 0 || bytes > blockBytesMax || at + bytes > this.source.size) {
      throw new MalformedFile(`a block lies outside (${address})`);
    }
    return new Block(await this.source.read(at, bytes), this.sizes);
  }

  /** As many bytes at an address as there are, up to a limit. */
  async upTo(address: number, bytes: number): Promise<Block> {
    const room = this.source.size - this.base - address;
    return this.block(address, Math.min(bytes, Math.max(0, room)));
  }
}
