/**
 * The header of a 7z archive (7-Zip, "7zFormat.txt"): streams, folders with their coders, members.
 */
import { BadStream } from './feed.ts';

/** A packing method with its settings. */
export interface Coder {
  /** Hexadecimal id, such as `21` for LZMA2. */
  readonly id: string;
  readonly properties: Uint8Array;
}

/** Coders behind one another, and the sizes that come out of each. */
export interface Folder {
  readonly coders: readonly Coder[];
  readonly packedStreams: number;
  sizes: number[];
}

/** A member. */
export interface Member {
  readonly name: string;
  readonly empty: boolean;
  readonly attributes: number;
}

/** What a header tells. */
export interface Listing {
  /** True when the only folder holds the real header. */
  readonly packedHeader: boolean;
  readonly streams: readonly { readonly offset: number; readonly bytes: number }[];
  readonly folders: readonly Folder[];
  /** Index of each folder's first stream. */
  readonly firstStreams: readonly number[];
  /** Sizes of the members of each folder. */
  readonly memberSizes: readonly (readonly number[])[];
  readonly members: readonly Member[];
}

const countMax = 1_000_000;

interface Streams {
  streams: { offset: number; bytes: number }[];
  folders: Folder[];
  memberSizes: number[][];
}

/** Reads a header; throws `BadStream` for one that is malformed. */
export function readListing(header: Uint8Array): Listing {
  const reader = new HeaderReader(header);
  const kind = reader.byte();
  if (kind !== 1 && kind !== 0x17) throw new BadStream('no header');
  const found: Streams = { streams: [], folders: [], memberSizes: [] };
  let members: Member[] = [];
  if (kind === 0x17) reader.streams(found);
  else {
    for (let id = reader.byte(); id !== 0; id = reader.byte()) {
      if (id === 2) reader.properties();
      else if (id === 3 || id === 4)
        reader.streams(id === 4 ? found : { streams: [], folders: [], memberSizes: [] });
      else if (id === 5) members = reader.members();
      else throw new BadStream(`header part ${id}`);
    }
  }
  let next = 0;
  const firstStreams = found.folders.map((folder) => {
    const first = next;
    next += folder.packedStreams;
    return first;
  });
  return { packedHeader: kind === 0x17, ...found, firstStreams, members };
}

class HeaderReader {
  readonly #bytes: Uint8Array;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = bytes;
  }

  byte(): number {
    const value = this.#bytes[this.#at++];
    if (value === undefined) throw new BadStream('the header ends early');
    return value;
  }

  /** A number whose first byte tells how many more follow. */
  number(): number {
    const first = this.byte();
    let mask = 0x80;
    let value = 0;
    for (let i = 0; i < 8; i++) {
      if ((first & mask) === 0) return value + (first & (mask - 1)) * 2 ** (8 * i);
      value += this.byte() * 2 ** (8 * i);
      mask >>= 1;
    }
    return value;
  }

  count(): number {
    const value = this.number();
    if (value > countMax) throw new BadStream('too many entries');
    return value;
  }

  take(length: number): Uint8Array {
    if (length < 0 || this.#at + length > this.#bytes.length)
      throw new BadStream('the header ends early');
    const part = this.#bytes.subarray(this.#at, this.#at + length);
    this.#at += length;
    return part;
  }

  properties(): void {
    for (let id = this.byte(); id !== 0; id = this.byte()) this.take(this.number());
  }

  streams(into: Streams): void {
    for (let id = this.byte(); id !== 0; id = this.byte()) {
      if (id === 6) this.#packInfo(into);
      else if (id === 7) this.#unpackInfo(into);
      else if (id === 8) this.#memberSizes(into);
      else throw new BadStream(`stream part ${id}`);
    }
    if (into.memberSizes.length === 0)
      into.memberSizes = into.folders.map((folder) => [lastSize(folder)]);
  }

  members(): Member[] {
    const count = this.count();
    let names: string[] = [];
    let empty: boolean[] = [];
    let attributes: number[] = [];
    for (let id = this.number(); id !== 0; id = this.number()) {
      const size = this.number();
      const end = this.#at + size;
      if (id === 0x11) names = this.#names(size);
      else if (id === 0x0e) empty = this.#bits(count);
      else if (id === 0x15) attributes = this.#attributes(count);
      if (end < this.#at) throw new BadStream('a property is too long');
      this.take(end - this.#at);
    }
    return Array.from({ length: count }, (_, i) => ({
      name: names[i] ?? `member ${i}`,
      empty: empty[i] ?? false,
      attributes: attributes[i] ?? 0,
    }));
  }

  #packInfo(into: Streams): void {
    let offset = this.number();
    const count = this.count();
    for (let id = this.byte(); id !== 0; id = this.byte()) {
      if (id === 9) {
        for (let i = 0; i < count; i++) {
          const bytes = this.number();
          into.streams.push({ offset, bytes });
          offset += bytes;
        }
      } else if (id === 10) this.#digests(count);
      else throw new BadStream(`pack part ${id}`);
    }
  }

  #unpackInfo(into: Streams): void {
    if (this.byte() !== 11) throw new BadStream('no folders');
    const count = this.count();
    if (this.byte() !== 0) throw new BadStream('folders elsewhere');
    for (let i = 0; i < count; i++) into.folders.push(this.#folder());
    if (this.byte() !== 12) throw new BadStream('no sizes');
    for (const folder of into.folders) folder.sizes = folder.coders.map(() => this.number());
    for (let id = this.byte(); id !== 0; id = this.byte()) {
      if (id === 10) this.#digests(count);
      else throw new BadStream(`folder part ${id}`);
    }
  }

  #folder(): Folder {
    const count = this.count();
    if (count === 0 || count > 32) throw new BadStream('no coders');
    const coders: Coder[] = [];
    let inputs = 0;
    let outputs = 0;
    for (let i = 0; i < count; i++) {
      const flags = this.byte();
      const id = Buffer.from(this.take(flags & 15)).toString('hex');
      const isComplex = (flags & 0x10) !== 0;
      inputs += isComplex ? this.count() : 1;
      outputs += isComplex ? this.count() : 1;
      const properties = flags & 0x20 ? this.take(this.count()) : new Uint8Array(0);
      coders.push({ id, properties: new Uint8Array(properties) });
    }
    for (let i = 0; i < outputs - 1; i++) {
      this.number();
      this.number();
    }
    const packedStreams = inputs - (outputs - 1);
    if (packedStreams > 1) for (let i = 0; i < packedStreams; i++) this.number();
    return { coders, packedStreams, sizes: [] };
  }

  #memberSizes(into: Streams): void {
    let counts = into.folders.map(() => 1);
    let id = this.byte();
    if (id === 13) {
      counts = into.folders.map(() => this.count());
      id = this.byte();
    }
    into.memberSizes = into.folders.map((folder, i) => {
      const sizes: number[] = [];
      let left = lastSize(folder);
      for (let j = 1; j < (counts[i] ?? 0) && id === 9; j++) {
        const size = this.number();
        sizes.push(size);
        left -= size;
      }
      return counts[i] === 0 ? [] : [...sizes, Math.max(0, left)];
    });
    if (id === 9) id = this.byte();
    if (id === 10) {
      this.#digests(counts.reduce((sum, each) => sum + each, 0));
      id = this.byte();
    }
    if (id !== 0) throw new BadStream(`substream part ${id}`);
  }

  #digests(count: number): void {
    const defined =
      this.byte() === 0 ? this.#bits(count) : Array.from({ length: count }, () => true);
    this.take(4 * defined.filter(Boolean).length);
  }

  #bits(count: number): boolean[] {
    const bytes = this.take(Math.ceil(count / 8));
    return Array.from(
      { length: count },
      (_, i) => ((bytes[i >> 3] ?? 0) & (0x80 >> (i & 7))) !== 0,
    );
  }

  #names(size: number): string[] {
    if (this.byte() !== 0) throw new BadStream('names elsewhere');
    const text = Buffer.from(this.take(size - 1)).toString('utf16le');
    return text.split('\0').slice(0, -1);
  }

  #attributes(count: number): number[] {
    const defined =
      this.byte() === 0 ? this.#bits(count) : Array.from({ length: count }, () => true);
    if (this.byte() !== 0) throw new BadStream('attributes elsewhere');
    return defined.map((has) => (has ? this.#little() : 0));
  }

  #little(): number {
    const [a = 0, b = 0, c = 0, d = 0] = this.take(4);
    return a + b * 256 + c * 65536 + d * 2 ** 24;
  }
}

function lastSize(folder: Folder): number {
  return Math.max(0, ...folder.sizes.slice(0, 1), folder.sizes.at(-1) ?? 0);
}
