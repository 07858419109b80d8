/** Audits MessagePack, in which Flax keeps its weights (flax/serialization.py): a bounded walk. */
import { windowOf } from '@merlon/core';
import { giveUp, memberName, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { looksLikePickle } from '../pickle/collect.ts';
import { scanDescription } from '../text/configuration.ts';

const depthMax = 128;
const valuesMax = 50_000_000;
const textBytesMax = 1 << 20;
const probeValuesMax = 2000;
/** Array, complex number, scalar of NumPy; -1 is MessagePack's own time. */
const knownExtensions = new Set([1, 2, 3, 0xff]);

class Malformed extends Error {}

/** True when the bytes are a map with words for keys, which ends where they end. */
export async function probeMsgpack(cursor: Cursor): Promise<boolean> {
  await cursor.need(2);
  const first = cursor.peek();
  const isMap = (first > 0x80 && first < 0x90) || first === 0xde || first === 0xdf;
  if (!isMap) return false;
  const walk = new Walk(cursor, probeValuesMax);
  try {
    await walk.value(0, '');
    return cursor.left === 0 && walk.keys > 0;
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    return walk.keys > 0 && thrown.message === 'too many values';
  }
}

/** Audits texts, bytes and extensions. */
export async function scanMsgpack(place: Place): Promise<void> {
  const cursor = new Cursor(place.source);
  const walk = new Walk(cursor, valuesMax, place);
  try {
    await walk.value(0, '');
    if (cursor.left > 0) {
      tell(place, 'MRL-FIL-005', { evidence: `${cursor.left} bytes`, offset: cursor.at });
    }
    for (const { at, bytes } of walk.pickles) {
      if (place.depth >= place.audit.limits.depthMax) break;
      const source = windowOf(place.source, at, bytes);
      const member = memberName(place, `bytes@${at}`);
      await place.descend({
        ...place,
        source,
        member,
        origin: 0,
        depth: place.depth + 1,
        raw: true,
      });
    }
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    tell(place, 'MRL-MSG-001', { evidence: thrown.message, offset: cursor.at });
    giveUp(place, `the data breaks: ${thrown.message}`);
  }
}

class Walk {
  /** Keys that are words. */
  keys = 0;
  readonly pickles: { at: number; bytes: number }[] = [];
  readonly #cursor: Cursor;
  readonly #max: number;
  readonly #place: Place | undefined;
  #values = 0;

  constructor(cursor: Cursor, max: number, place?: Place) {
    this.#cursor = cursor;
    this.#max = max;
    this.#place = place;
  }

  async value(depth: number, key: string): Promise<void> {
    if (++this.#values > this.#max) throw new Malformed('too many values');
    if (depth > depthMax) throw new Malformed('nested too deeply');
    const code = await this.#number(1);
    if (code < 0x80 || code >= 0xe0) return;
    if (code < 0x90) return this.#map(code - 0x80, depth);
    if (code < 0xa0) return this.#list(code - 0x90, depth, key);
    if (code < 0xc0) return this.#text(code - 0xa0, key);
    switch (code) {
      case 0xc0:
      case 0xc2:
      case 0xc3:
        return;
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#bytes(await this.#number(2 ** (code - 0xc4)));
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(await this.#number(2 ** (code - 0xc7)), key);
      case 0xca:
        return this.#skip(4);
      case 0xcb:
        return this.#skip(8);
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(await this.#number(2 ** (code - 0xd9)), key);
      case 0xdc:
      case 0xdd:
        return this.#list(await this.#number(code === 0xdc ? 2 : 4), depth, key);
      case 0xde:
      case 0xdf:
        return this.#map(await this.#number(code === 0xde ? 2 : 4), depth);
      default:
        return this.#small(code, key);
    }
  }

  async #small(code: number, key: string): Promise<void> {
    if (code >= 0xd4 && code <= 0xd8) return this.#extension(2 ** (code - 0xd4), key);
    if (code >= 0xcc && code <= 0xd3) return this.#skip(2 ** ((code - 0xcc) % 4));
    throw new Malformed(`code ${code}`);
  }

  async #map(count: number, depth: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      const key = await this.#key(depth);
      await this.value(depth + 1, key);
    }
  }

  async #key(depth: number): Promise<string> {
    await this.#need(1);
    const code = this.#cursor.peek();
    const short = code >= 0xa0 && code < 0xc0;
    if (!short && code !== 0xd9) {
      await this.value(depth + 1, '');
      return '';
    }
    this.#cursor.skip(1);
    const length = short ? code - 0xa0 : await this.#number(1);
    await this.#need(length);
    const text = this.#cursor.text(length);
    if (/^[\w./: -]+$/.test(text)) this.keys++;
    return text;
  }

  async #list(count: number, depth: number, key: string): Promise<void> {
    for (let i = 0; i < count; i++) await this.value(depth + 1, key);
  }

  async #text(length: number, key: string): Promise<void> {
    const kept = Math.min(length, textBytesMax);
    await this.#need(kept);
    const text = this.#cursor.text(kept);
    this.#skip(length - kept);
    if (this.#place !== undefined && text.length >= 8) scanDescription(this.#place, key, text, key);
  }

  async #bytes(length: number): Promise<void> {
    const at = this.#cursor.at;
    const head = Math.min(length, 64);
    await this.#need(head);
    if (looksLikePickle(this.#cursor.bytes(head))) this.pickles.push({ at, bytes: length });
    this.#skip(length - head);
  }

  async #extension(length: number, key: string): Promise<void> {
    const type = await this.#number(1);
    if (!knownExtensions.has(type) && this.#place !== undefined) {
      const evidence = `extension ${type} at ${key === '' ? 'the root' : key}`;
      tell(this.#place, 'MRL-CUS-001', { evidence, offset: this.#cursor.at });
    }
    return this.#bytes(length);
  }

  async #number(bytes: number): Promise<number> {
    await this.#need(bytes);
    return this.#cursor.bytes(bytes).reduce((sum, byte) => sum * 256 + byte, 0);
  }

  #skip(bytes: number): void {
    if (bytes > this.#cursor.left) throw new Malformed('ends early');
    this.#cursor.skip(bytes);
  }

  async #need(bytes: number): Promise<void> {
    if ((await this.#cursor.need(bytes)) < bytes) throw new Malformed('ends early');
  }
}
