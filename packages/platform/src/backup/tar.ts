/**
 * Archives of plain files (POSIX.1-1988 ustar): what `tar` lists and unpacks. The reader takes what
 * the writer writes and nothing else, so that no archive can name a path outside.
 */
import { fromUtf8, utf8 } from '@merlon/core';
import { PlatformError } from '../errors.ts';

const blockBytes = 512;
const sizeOctalMax = 8 ** 11;

/** One file of an archive. */
export interface TarEntry {
  /** Relative path of plain names, at most 100 bytes. */
  readonly name: string;
  readonly bytes: number;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** An archive of the entries as they come. */
export async function* writeTar(
  entries: AsyncIterable<TarEntry> | Iterable<TarEntry>,
): AsyncGenerator<Uint8Array, void, void> {
  for await (const { name, bytes, chunks } of entries) {
    yield header(name, bytes);
    let written = 0;
    for await (const chunk of chunks) {
      written += chunk.length;
      yield chunk;
    }
    if (written !== bytes) throw damaged(`"${name}" changed while it was read`);
    yield new Uint8Array(padding(bytes));
  }
  yield new Uint8Array(2 * blockBytes);
}

/**
 * The entries of an archive, one after the other: each must be read to its end before the next.
 * Throws `bad-request` for anything that `writeTar` would not write, and for an archive that ends
 * early.
 */
export async function* readTar(
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<TarEntry, void, void> {
  const input = new Input(chunks);
  for (;;) {
    const block = await input.exactly(blockBytes);
    if (block.every((byte) => byte === 0)) break;
    const { name, bytes } = readHeader(block);
    let left = bytes;
    async function* content(): AsyncGenerator<Uint8Array> {
      while (left > 0) {
        const part = await input.some(left);
        left -= part.length;
        yield part;
      }
    }
    yield { name, bytes, chunks: content() };
    if (left > 0) throw damaged(`"${name}" was not read to its end`);
    await input.exactly(padding(bytes));
  }
  await input.exactly(blockBytes);
  await input.end();
}

class Input {
  readonly #iterator: AsyncIterator<Uint8Array>;
  #rest: Uint8Array = new Uint8Array(0);

  constructor(chunks: AsyncIterable<Uint8Array>) {
    this.#iterator = chunks[Symbol.asyncIterator]();
  }

  async some(bytesMax: number): Promise<Uint8Array> {
    while (this.#rest.length === 0) {
      const next = await this.#iterator.next();
      if (next.done === true) throw damaged('the archive ends early');
      this.#rest = next.value;
    }
    const part = this.#rest.subarray(0, bytesMax);
    this.#rest = this.#rest.subarray(part.length);
    return part;
  }

  async exactly(bytes: number): Promise<Uint8Array> {
    const out = new Uint8Array(bytes);
    for (let at = 0; at < bytes; ) {
      const part = await this.some(bytes - at);
      out.set(part, at);
      at += part.length;
    }
    return out;
  }

  /** Reads on: only the end of the stream says that all of it was authentic. */
  async end(): Promise<void> {
    if (this.#rest.length > 0) throw damaged('the archive goes on behind its end');
    const next = await this.#iterator.next();
    if (next.done !== true) throw damaged('the archive goes on behind its end');
  }
}

function header(name: string, bytes: number): Uint8Array {
  const block = new Uint8Array(blockBytes);
  const put = (at: number, text: string): void => block.set(utf8(text), at);
  if (!isPlainName(name)) throw damaged(`"${name}" is no name for an archive`);
  put(0, name);
  put(100, '0000600\0');
  put(108, '0000000\0');
  put(116, '0000000\0');
  if (bytes < sizeOctalMax) put(124, `${bytes.toString(8).padStart(11, '0')}\0`);
  else {
    // GNU's base-256 numbers, for files of 8 GiB and more.
    block[124] = 0x80;
    new DataView(block.buffer).setBigUint64(128, BigInt(bytes));
  }
  put(136, '00000000000\0');
  put(156, '0');
  put(257, 'ustar\x0000');
  put(148, `${checksum(block).toString(8).padStart(6, '0')}\0 `);
  return block;
}

function readHeader(block: Uint8Array): { name: string; bytes: number } {
  const text = (at: number, length: number): string => {
    const field = block.subarray(at, at + length);
    const end = field.indexOf(0);
    return fromUtf8(end < 0 ? field : field.subarray(0, end));
  };
  const name = text(0, 100);
  const large = block[124] === 0x80;
  const bytes = large
    ? Number(new DataView(block.buffer, block.byteOffset).getBigUint64(128))
    : Number.parseInt(text(124, 11), 8);
  const sound =
    Number.parseInt(text(148, 6), 8) === checksum(block) &&
    text(257, 5) === 'ustar' &&
    block[156] === 0x30 &&
    Number.isSafeInteger(bytes) &&
    isPlainName(name);
  if (!sound) throw damaged('an entry is not as Merlon writes it');
  return { name, bytes };
}

/** The sum of all bytes, with spaces in place of itself. */
function checksum(block: Uint8Array): number {
  return block.reduce((sum, byte, at) => sum + (at >= 148 && at < 156 ? 32 : byte), 0);
}

function isPlainName(name: string): boolean {
  return /^[a-zA-Z0-9][\w.-]*(\/[a-zA-Z0-9][\w.-]*)?$/.test(name) && name.length <= 100;
}

function padding(bytes: number): number {
  return (blockBytes - (bytes % blockBytes)) % blockBytes;
}

function damaged(message: string): PlatformError {
  return new PlatformError('bad-request', message, {
    hint: 'make the backup again, or restore an older one',
  });
}
