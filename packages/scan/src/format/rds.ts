/**
 * Audits objects of R (R Internals, section 1.8, serialization versions 2 and 3, XDR and ASCII):
 * which calls they hold, and promises, which run when somebody looks at the object
 * (CVE-2024-27322).
 */

import { giveUp, type Place, tell } from '../audit.ts';
import { latin1 } from '../bytes.ts';
import { Cursor } from '../cursor.ts';
import { attackIn } from '../text/command.ts';
import { pattern } from '../text/pattern.ts';

const depthMax = 2000;
const itemsMax = 20_000_000;
const textBytesMax = 1 << 16;
const runs = pattern('rds.runs');
const grave = pattern('rds.grave');

class Malformed extends Error {}

/** True for the beginning of a serialised object or workspace. */
export function looksLikeRds(head: Uint8Array): boolean {
  const text = latin1(head.subarray(0, 20)).replace(/^RD[XABxab][23]\n/, '');
  const version = text.charCodeAt(text.startsWith('X') ? 5 : 2);
  const isBinary = /^(X\n\0\0\0.\0|B\n.\0\0\0)/s.test(text) && (version === 2 || version === 3);
  return isBinary || /^A\n[23]\n\d/.test(text);
}

/** Audits every item. */
export async function scanRds(place: Place): Promise<void> {
  const cursor = new Cursor(place.source);
  const reader = new Reader(place, cursor);
  try {
    await reader.run();
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    giveUp(place, `the object breaks: ${thrown.message}`);
  }
  reader.tell();
}

class Reader {
  readonly #place: Place;
  readonly #cursor: Cursor;
  readonly #references: string[] = [];
  readonly #calls = new Set<string>();
  #promises = 0;
  #promised: string | null = null;
  #inCall = 0;
  #items = 0;
  #form: 'xdr' | 'ascii' | 'native' = 'xdr';

  constructor(place: Place, cursor: Cursor) {
    this.#place = place;
    this.#cursor = cursor;
  }

  async run(): Promise<void> {
    let line = await this.#line();
    if (/^RD/.test(line)) line = await this.#line();
    this.#form = line === 'A' ? 'ascii' : line === 'B' ? 'native' : 'xdr';
    const version = await this.#integer();
    await this.#integer();
    await this.#integer();
    if (version === 3) await this.#bytes(await this.#integer());
    while (this.#cursor.left > 4 && this.#items === 0) await this.#item(0);
  }

  tell(): void {
    const place = this.#place;
    if (this.#promises > 0) {
      const of = this.#promised === null ? '' : `, of ${this.#promised}`;
      const evidence = `${this.#promises} unevaluated promises${of}`;
      const severity = this.#promised === null || !runs.test(this.#promised) ? 'high' : 'critical';
      tell(place, 'MRL-RDS-001', { evidence, severity, cve: ['CVE-2024-27322'] });
    }
    const calls = [...this.#calls];
    const worst = calls.filter((name) => grave.test(name));
    if (worst.length > 0) tell(place, 'MRL-RDS-002', { evidence: worst.slice(0, 5).join(', ') });
  }

  async #item(depth: number): Promise<string> {
    if (depth > depthMax) throw new Malformed('nested too deeply');
    if (++this.#items > itemsMax) throw new Malformed('too many items');
    const flags = await this.#integer();
    const type = flags & 255;
    const hasAttributes = (flags & 0x200) !== 0;
    const hasTag = (flags & 0x400) !== 0;
    switch (type) {
      case 1:
        return this.#symbol(depth);
      case 2:
      case 3:
      case 5:
      case 6:
      case 17:
        return this.#pair(type, hasAttributes, hasTag, depth);
      case 4:
        return this.#environment(depth);
      case 239:
      case 240:
        return this.#pair(type === 239 ? 6 : 2, true, hasTag, depth);
      case 255:
        return this.#references[(flags >>> 8 || (await this.#integer())) - 1] ?? '';
      default:
        await this.#vector(type, flags, hasAttributes, depth);
        return '';
    }
  }

  async #symbol(depth: number): Promise<string> {
    await this.#integer();
    const name = await this.#text(await this.#integer());
    this.#references.push(name);
    if (depth > depthMax) throw new Malformed('nested too deeply');
    return name;
  }

  /**
   * Lists, closures, promises and calls are chains of pairs; the chain is walked, not descended.
   */
  async #pair(type: number, attributes: boolean, tag: boolean, depth: number): Promise<string> {
    if (attributes) await this.#item(depth + 1);
    if (tag) await this.#item(depth + 1);
    const isPromise = type === 5;
    const isCall = type === 6;
    if (isCall) this.#inCall++;
    const head = await this.#item(depth + 1);
    if (isCall) {
      this.#inCall--;
      if (runs.test(head)) this.#calls.add(head);
    }
    const tail = await this.#item(depth + 1);
    if (isPromise) {
      this.#promises++;
      const expression = tail === '' ? head : tail;
      if (expression !== '') this.#promised = expression;
    }
    return head;
  }

  async #environment(depth: number): Promise<string> {
    await this.#integer();
    this.#references.push('');
    for (let i = 0; i < 4; i++) await this.#item(depth + 1);
    return '';
  }

  async #vector(type: number, flags: number, attributes: boolean, depth: number): Promise<void> {
    switch (type) {
      case 254:
      case 253:
      case 252:
      case 251:
      case 250:
      case 242:
      case 241:
        return;
      case 9: {
        const length = await this.#integer();
        if (length > 0) this.#look(await this.#text(length));
        return;
      }
      case 7:
      case 8: {
        const name = await this.#text(await this.#integer());
        if (this.#inCall > 0 && runs.test(name)) this.#calls.add(name);
        return;
      }
      case 16:
      case 19:
      case 20: {
        const length = await this.#length();
        for (let i = 0; i < length; i++) await this.#item(depth + 1);
        break;
      }
      case 10:
      case 13:
        await this.#numbers(await this.#length(), 4);
        break;
      case 14:
        await this.#numbers(await this.#length(), 8);
        break;
      case 15:
        await this.#numbers((await this.#length()) * 2, 8);
        break;
      case 24:
        this.#skip(await this.#length());
        break;
      case 21:
        return this.#byteCode(depth);
      case 22:
      case 23:
        this.#references.push('');
        await this.#item(depth + 1);
        await this.#item(depth + 1);
        break;
      case 25:
        break;
      case 238:
        for (let i = 0; i < 3; i++) await this.#item(depth + 1);
        return;
      case 247:
      case 248:
      case 249: {
        await this.#integer();
        const length = await this.#integer();
        for (let i = 0; i < length; i++) await this.#item(depth + 1);
        this.#references.push('');
        return;
      }
      default:
        throw new Malformed(`type ${type} (${flags})`);
    }
    if (attributes) await this.#item(depth + 1);
  }

  /** Compiled functions: their constants are items, their instructions are numbers. */
  async #byteCode(depth: number): Promise<void> {
    await this.#integer();
    await this.#byteCodeBody(depth);
  }

  async #byteCodeBody(depth: number): Promise<void> {
    if (depth > depthMax) throw new Malformed('nested too deeply');
    await this.#item(depth + 1);
    const count = await this.#integer();
    for (let i = 0; i < count; i++) {
      const type = await this.#integer();
      if (type === 21) await this.#byteCodeBody(depth + 1);
      else if ([2, 6, 239, 240, 243, 244].includes(type)) await this.#language(type, depth + 1);
      else await this.#item(depth + 1);
    }
  }

  async #language(type: number, depth: number): Promise<void> {
    if (depth > depthMax) throw new Malformed('nested too deeply');
    if (type === 243) {
      await this.#integer();
      return;
    }
    let kind = type;
    if (type === 244) {
      await this.#integer();
      kind = await this.#integer();
    }
    if (kind === 239 || kind === 240) await this.#item(depth);
    if (![2, 6, 239, 240].includes(kind)) {
      await this.#item(depth);
      return;
    }
    await this.#item(depth);
    await this.#language(await this.#integer(), depth + 1);
    await this.#language(await this.#integer(), depth + 1);
  }

  #look(text: string): void {
    const attack = attackIn(text);
    if (attack !== null)
      tell(this.#place, 'MRL-RDS-002', { evidence: attack.evidence, severity: 'high' });
  }

  async #length(): Promise<number> {
    const length = await this.#integer();
    if (length !== -1) return Math.max(0, length);
    return (await this.#integer()) * 2 ** 32 + ((await this.#integer()) >>> 0);
  }

  async #numbers(count: number, bytes: number): Promise<void> {
    if (this.#form !== 'ascii') return this.#skip(count * bytes);
    for (let i = 0; i < count; i++) await this.#line();
  }

  async #text(length: number): Promise<string> {
    if (length < 0) return '';
    if (this.#form === 'ascii') return (await this.#line()).slice(0, textBytesMax);
    const kept = Math.min(length, textBytesMax);
    const text = latin1(await this.#bytes(kept));
    this.#skip(length - kept);
    return text;
  }

  async #integer(): Promise<number> {
    if (this.#form === 'ascii') {
      const line = await this.#line();
      return line === 'NA' ? -(2 ** 31) : Number.parseInt(line, 10) || 0;
    }
    await this.#need(4);
    const value = this.#cursor.i32();
    return this.#form === 'native' ? value : swap(value);
  }

  async #line(): Promise<string> {
    await this.#cursor.need(textBytesMax);
    const length = this.#cursor.lineLength(textBytesMax);
    if (length < 0) throw new Malformed('a line has no end');
    const text = this.#cursor.text(length);
    this.#cursor.skip(1);
    return text;
  }

  async #bytes(length: number): Promise<Uint8Array> {
    await this.#need(length);
    return this.#cursor.bytes(length);
  }

  #skip(bytes: number): void {
    if (bytes > this.#cursor.left) throw new Malformed('ends early');
    this.#cursor.skip(bytes);
  }

  async #need(bytes: number): Promise<void> {
    if (bytes < 0 || bytes > this.#cursor.left || (await this.#cursor.need(bytes)) < bytes) {
      throw new Malformed('ends early');
    }
  }
}

function swap(value: number): number {
  const a = value >>> 24;
  const b = (value >>> 16) & 255;
  const c = (value >>> 8) & 255;
  return ((value & 255) << 24) | (c << 16) | (b << 8) | a;
}
