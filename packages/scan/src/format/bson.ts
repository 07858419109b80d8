/**
 * Audits BSON (bsonspec.org, 1.1) as BSON.jl writes models of Julia: a `tag` tells what a document
 * stands for, and functions without a name are stored as their code, which loading evaluates.
 */
import { giveUp, type Place, tell } from '../audit.ts';
import { startsWith } from '../bytes.ts';
import { attackIn } from '../text/command.ts';
import { pattern } from '../text/pattern.ts';

const depthMax = 64;
const valuesMax = 2_000_000;
const bytesMax = 1 << 26;
const decoder = new TextDecoder();

class Malformed extends Error {}

/** True when the bytes are one document: a length that fits, an element, an end. */
export function looksLikeBson(head: Uint8Array, size: number): boolean {
  if (size < 12 || head.length < 12) return false;
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const [type = 0] = head.subarray(4, 5);
  const name = head.subarray(5, 37);
  const end = name.indexOf(0);
  const isName = end > 0 && name.subarray(0, end).every((byte) => byte >= 32 && byte < 127);
  const isType = (type >= 1 && type <= 0x13) || type === 0xff || type === 0x7f;
  return view.getInt32(0, true) === size && isType && isName && !startsWith(head, '504b');
}

/** Audits the document and all inside it. */
export async function scanBson(place: Place): Promise<void> {
  const { source } = place;
  if (source.size > bytesMax) {
    giveUp(place, `a document of more than ${bytesMax} bytes`);
    return;
  }
  try {
    new Reader(place, await source.read(0, source.size)).document(0, 0, '');
  } catch (thrown) {
    if (!(thrown instanceof Malformed || thrown instanceof RangeError)) throw thrown;
    tell(place, 'MRL-MSG-001', { evidence: thrown.message });
    giveUp(place, `the document breaks: ${thrown.message}`);
  }
}

class Reader {
  readonly #place: Place;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  #values = 0;

  constructor(place: Place, bytes: Uint8Array) {
    this.#place = place;
    this.#bytes = bytes;
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  }

  /** Reads a document and returns where it ends. */
  document(at: number, depth: number, path: string): number {
    if (depth > depthMax) throw new Malformed('nested too deeply');
    const end = at + this.#length(at, 5);
    let next = at + 4;
    for (;;) {
      const type = this.#view.getUint8(next++);
      if (type === 0) break;
      if (++this.#values > valuesMax) throw new Malformed('too many values');
      const stop = this.#bytes.indexOf(0, next);
      if (stop < 0 || stop >= end) throw new Malformed('a name without an end');
      const name = decoder.decode(this.#bytes.subarray(next, stop));
      next = this.#value(type, stop + 1, name, depth, `${path}/${name}`);
      if (next > end) throw new Malformed('a value outside of its document');
    }
    return end;
  }

  #value(type: number, at: number, name: string, depth: number, path: string): number {
    switch (type) {
      case 0x03:
      case 0x04:
        return this.document(at, depth + 1, path);
      case 0x02:
      case 0x0d:
      case 0x0e:
        return this.#text(at, type, name, path);
      case 0x05:
        return at + 5 + this.#length(at, 0);
      case 0x0b:
        return this.#line(this.#line(at));
      case 0x0f:
        tell(this.#place, 'MRL-BSN-001', {
          evidence: 'code with a scope',
          offset: at,
          pointer: path,
        });
        return at + this.#length(at, 4);
      default: {
        const bytes = widths[type];
        if (bytes === undefined) throw new Malformed(`type ${type}`);
        return at + bytes;
      }
    }
  }

  #text(at: number, type: number, name: string, path: string): number {
    const length = this.#length(at, 1);
    const text = decoder.decode(this.#bytes.subarray(at + 4, at + 3 + length));
    const runs = pattern('bson.runs').exec(text)?.[0] ?? attackIn(text)?.evidence;
    const isCode = type === 0x0d || (name === 'tag' && text === 'anonymous');
    if (isCode || runs !== undefined) {
      const evidence = runs ?? (type === 0x0d ? text : 'a function stored as its code');
      tell(this.#place, 'MRL-BSN-001', { evidence, offset: at, pointer: path });
    }
    return at + 4 + length;
  }

  #line(at: number): number {
    const stop = this.#bytes.indexOf(0, at);
    if (stop < 0) throw new Malformed('a text without an end');
    return stop + 1;
  }

  #length(at: number, least: number): number {
    const length = this.#view.getInt32(at, true);
    if (length < least || at + length > this.#bytes.length) throw new Malformed('a length outside');
    return length;
  }
}

/** Bytes of values of one size: numbers, dates, identifiers, nothing. */
const widths: Readonly<Record<number, number>> = {
  1: 8,
  6: 0,
  7: 12,
  8: 1,
  9: 8,
  10: 0,
  16: 4,
  17: 8,
  18: 8,
  19: 16,
  127: 0,
  255: 0,
};
