/** FlatBuffers ("FlatBuffers Internals"), read at random with every offset checked. */
import type { ByteSource } from '@merlon/core';

/** The buffer is not as its format says. */
export class MalformedBuffer extends Error {}

const pageBytes = 1 << 16;
const pagesMax = 64;
const readsMax = 5_000_000;
const textBytesMax = 1 << 22;

/** A buffer whose pages are read when they are needed. */
export class FlatBuffer {
  readonly #source: ByteSource;
  readonly #pages = new Map<number, DataView>();
  #reads = 0;

  constructor(source: ByteSource) {
    this.#source = source;
  }

  /** The root table behind an offset at a place. */
  async root(at = 0): Promise<Table> {
    return this.table(at + (await this.number(at, 4)));
  }

  /** The table at a place. */
  async table(at: number): Promise<Table> {
    const back = await this.number(at, 4);
    const vtable = at - (back >= 2 ** 31 ? back - 2 ** 32 : back);
    const bytes = await this.number(vtable, 2);
    if (bytes < 4 || bytes % 2 !== 0) throw new MalformedBuffer('a table of odd shape');
    return new Table(this, at, vtable, bytes);
  }

  /** A little-endian number of one to eight bytes. */
  async number(at: number, bytes: number): Promise<number> {
    if (at < 0 || at + bytes > this.#source.size) throw new MalformedBuffer('points outside');
    if (++this.#reads > readsMax) throw new MalformedBuffer('too many parts');
    let value = 0;
    for (let i = bytes - 1; i >= 0; i--) {
      const place = at + i;
      const page = await this.#page(Math.floor(place / pageBytes));
      value = value * 256 + page.getUint8(place % pageBytes);
    }
    return value;
  }

  /** The text at a place. */
  async text(at: number): Promise<string> {
    const length = await this.number(at, 4);
    if (length > textBytesMax || at + 4 + length > this.#source.size) {
      throw new MalformedBuffer('a text is too long');
    }
    return new TextDecoder().decode(await this.#source.read(at + 4, length));
  }

  async #page(index: number): Promise<DataView> {
    const known = this.#pages.get(index);
    if (known !== undefined) return known;
    const bytes = await this.#source.read(index * pageBytes, pageBytes);
    const [oldest] = this.#pages.keys();
    if (this.#pages.size >= pagesMax && oldest !== undefined) this.#pages.delete(oldest);
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
    this.#pages.set(index, view);
    return view;
  }
}

/** A table: fields by their number, which may be missing. */
export class Table {
  readonly #buffer: FlatBuffer;
  readonly #at: number;
  readonly #vtable: number;
  readonly #bytes: number;

  constructor(buffer: FlatBuffer, at: number, vtable: number, bytes: number) {
    this.#buffer = buffer;
    this.#at = at;
    this.#vtable = vtable;
    this.#bytes = bytes;
  }

  /** The number in a field, or zero. */
  async number(field: number, bytes: number): Promise<number> {
    const at = await this.#field(field);
    return at === null ? 0 : this.#buffer.number(at, bytes);
  }

  /** The text of a field, or null. */
  async text(field: number): Promise<string | null> {
    const at = await this.#target(field);
    return at === null ? null : this.#buffer.text(at);
  }

  /** The tables of a list. */
  async *tables(field: number): AsyncGenerator<Table, void, void> {
    const at = await this.#target(field);
    if (at === null) return;
    const count = await this.#buffer.number(at, 4);
    for (let i = 0; i < count; i++) {
      const entry = at + 4 + i * 4;
      yield this.#buffer.table(entry + (await this.#buffer.number(entry, 4)));
    }
  }

  /** How many entries a list has. */
  async count(field: number): Promise<number> {
    const at = await this.#target(field);
    return at === null ? 0 : this.#buffer.number(at, 4);
  }

  /** Where the bytes of a list stand, or null. */
  async bytes(field: number): Promise<{ readonly at: number; readonly length: number } | null> {
    const at = await this.#target(field);
    return at === null ? null : { at: at + 4, length: await this.#buffer.number(at, 4) };
  }

  async #target(field: number): Promise<number | null> {
    const at = await this.#field(field);
    return at === null ? null : at + (await this.#buffer.number(at, 4));
  }

  async #field(field: number): Promise<number | null> {
    const slot = 4 + field * 2;
    if (slot + 2 > this.#bytes) return null;
    const offset = await this.#buffer.number(this.#vtable + slot, 2);
    return offset === 0 ? null : this.#at + offset;
  }
}
