/** Audits Universal Binary JSON (draft 12), in which XGBoost keeps its models: a bounded walk. */
import { giveUp, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { scanDescription } from '../text/configuration.ts';

const depthMax = 128;
const valuesMax = 50_000_000;
const keyBytesMax = 4096;
const textBytesMax = 1 << 20;
const widths: Readonly<Record<string, number>> = {
  Z: 0,
  N: 0,
  T: 0,
  F: 0,
  i: 1,
  U: 1,
  C: 1,
  I: 2,
  u: 2,
  l: 4,
  m: 4,
  d: 4,
  L: 8,
  M: 8,
  D: 8,
};
const swapped: ReadonlySet<string> = new Set(['I', 'u', 'l', 'm', 'L', 'M']);

class Malformed extends Error {}

/** True when the head is an object whose first key is a word. */
export function looksLikeUbjson(head: Uint8Array): boolean {
  if (head[0] !== 0x7b) return false;
  const marker = String.fromCharCode(head[1] ?? 0);
  const width = widths[marker];
  if (width === undefined || !'iUIulmL'.includes(marker)) return false;
  const length = head.subarray(2, 2 + width).reduce((sum, byte) => sum * 256 + byte, 0);
  const key = head.subarray(2 + width, 2 + width + length);
  return (
    length > 0 &&
    length < 256 &&
    key.length === length &&
    key.every((byte) => byte > 31 && byte < 127)
  );
}

/** Audits all texts; nothing may follow the value. */
export async function scanUbjson(place: Place): Promise<void> {
  const cursor = new Cursor(place.source);
  const walk = new Walk(place, cursor);
  try {
    await walk.value(await walk.marker(), 0, '');
    if (cursor.left > 0) {
      tell(place, 'MRL-FIL-005', { evidence: `${cursor.left} bytes`, offset: cursor.at });
    }
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    tell(place, 'MRL-MSG-001', { evidence: thrown.message, offset: cursor.at });
    giveUp(place, `the data breaks: ${thrown.message}`);
  }
}

class Walk {
  readonly #place: Place;
  readonly #cursor: Cursor;
  #values = 0;

  constructor(place: Place, cursor: Cursor) {
    this.#place = place;
    this.#cursor = cursor;
  }

  async marker(): Promise<string> {
    for (;;) {
      await this.#need(1);
      const marker = String.fromCharCode(this.#cursor.u8());
      if (marker !== 'N') return marker;
    }
  }

  async value(marker: string, depth: number, key: string): Promise<void> {
    if (++this.#values > valuesMax || depth > depthMax) throw new Malformed('nested too deeply');
    if (marker === '{') return this.#container(depth, true, key);
    if (marker === '[') return this.#container(depth, false, key);
    if (marker === 'S' || marker === 'H') {
      const text = await this.#text(textBytesMax);
      if (text.length >= 8) scanDescription(this.#place, key, text, key);
      return;
    }
    const width = widths[marker];
    if (width === undefined) throw new Malformed(`marker ${JSON.stringify(marker)}`);
    this.#skip(width);
  }

  async #container(depth: number, keyed: boolean, key: string): Promise<void> {
    let marker = await this.marker();
    let type: string | null = null;
    if (marker === '$') {
      type = await this.marker();
      marker = await this.marker();
      if (marker !== '#') throw new Malformed('a type without a count');
    }
    const count = marker === '#' ? await this.#length() : null;
    const width = type === null ? undefined : widths[type];
    if (count !== null && !keyed && width !== undefined) {
      this.#skip(width * count);
      return;
    }
    const close = keyed ? '}' : ']';
    for (let i = 0; count === null || i < count; i++) {
      const next =
        count === null && i === 0 ? marker : keyed || type === null ? await this.marker() : type;
      if (count === null && next === close) return;
      if (!keyed) await this.value(next, depth + 1, key);
      else {
        const name = await this.#text(keyBytesMax, next);
        await this.value(type ?? (await this.marker()), depth + 1, name);
      }
    }
  }

  async #text(max: number, marker?: string): Promise<string> {
    const length = await this.#length(marker);
    if (length > this.#cursor.left) throw new Malformed('a text lies outside');
    const kept = Math.min(length, max);
    await this.#need(kept);
    const text = this.#cursor.text(kept);
    this.#cursor.skip(length - kept);
    return text;
  }

  async #length(given?: string): Promise<number> {
    const marker = given ?? (await this.marker());
    const width = widths[marker] ?? 0;
    if (width === 0 || 'dDC'.includes(marker)) throw new Malformed('a length that is no number');
    await this.#need(width);
    const bytes = this.#cursor.bytes(width);
    const value = bytes.reduce((sum, byte) => sum * 256 + byte, 0);
    const negative = swapped.has(marker) && (bytes[0] ?? 0) > 127;
    if (negative || !Number.isSafeInteger(value)) throw new Malformed('a length out of range');
    return value;
  }

  #skip(bytes: number): void {
    if (bytes > this.#cursor.left) throw new Malformed('ends early');
    this.#cursor.skip(bytes);
  }

  async #need(bytes: number): Promise<void> {
    if ((await this.#cursor.need(bytes)) < bytes) throw new Malformed('ends early');
  }
}
