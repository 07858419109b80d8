/**
 * A strict JSON reader (RFC 8259) that tells what `JSON.parse` hides: keys that stand twice, of
 * which two programs would take two different ones. Depth is bounded.
 */
import type { Json } from '@merlon/core';

/** A text as JSON. */
export interface ParsedJson {
  readonly value: Json;
  /** JSON pointers of keys that stand twice in their object, at most 20. */
  readonly duplicates: readonly string[];
}

const depthMax = 200;
const duplicatesMax = 20;
const numberPattern = /-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?/y;
// biome-ignore lint/suspicious/noControlCharactersInRegex: the grammar forbids exactly these
const stringPattern = /"((?:[^"\\\u0000-\u001f]|\\["\\/bfnrt]|\\u[0-9a-fA-F]{4})*)"/y;
const spacePattern = /[ \t\n\r]*/y;

class Malformed extends Error {}

/** The value of a text, or null when it is no JSON. */
export function parseJson(text: string): ParsedJson | null {
  try {
    return new Reader(text).document();
  } catch (thrown) {
    if (thrown instanceof Malformed) return null;
    throw thrown;
  }
}

class Reader {
  readonly #text: string;
  readonly #duplicates: string[] = [];
  /** Keys and indexes on the way to the value that is read. */
  readonly #path: (string | number)[] = [];
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): ParsedJson {
    if (this.#text.charCodeAt(0) === 0xfeff) this.#at = 1;
    const value = this.#value();
    this.#space();
    if (this.#at !== this.#text.length) throw new Malformed();
    return { value, duplicates: this.#duplicates };
  }

  #value(): Json {
    if (this.#path.length > depthMax) throw new Malformed();
    this.#space();
    switch (this.#text[this.#at]) {
      case '{':
        return this.#object();
      case '[':
        return this.#array();
      case '"':
        return this.#string();
      case 't':
        return this.#word('true', true);
      case 'f':
        return this.#word('false', false);
      case 'n':
        return this.#word('null', null);
      // Python writes these, and its readers take them.
      case 'N':
        return this.#word('NaN', null);
      case 'I':
        return this.#word('Infinity', null);
      default:
        return this.#number();
    }
  }

  #object(): Json {
    const out: Record<string, Json> = {};
    const seen = new Set<string>();
    this.#at++;
    this.#space();
    if (this.#take('}')) return out;
    for (;;) {
      this.#space();
      const key = this.#string();
      this.#space();
      if (!this.#take(':')) throw new Malformed();
      this.#path.push(key);
      if (seen.has(key) && this.#duplicates.length < duplicatesMax) {
        this.#duplicates.push(pointerOf(this.#path));
      }
      seen.add(key);
      const value = this.#value();
      this.#path.pop();
      // A key such as __proto__ must become a member like any other.
      if (key === '__proto__') Object.defineProperty(out, key, { ...plainMember, value });
      else out[key] = value;
      this.#space();
      if (this.#take('}')) return out;
      if (!this.#take(',')) throw new Malformed();
    }
  }

  #array(): Json {
    const out: Json[] = [];
    this.#at++;
    this.#space();
    if (this.#take(']')) return out;
    for (;;) {
      this.#path.push(out.length);
      out.push(this.#value());
      this.#path.pop();
      this.#space();
      if (this.#take(']')) return out;
      if (!this.#take(',')) throw new Malformed();
    }
  }

  #string(): string {
    stringPattern.lastIndex = this.#at;
    const match = stringPattern.exec(this.#text);
    if (match === null) throw new Malformed();
    this.#at = stringPattern.lastIndex;
    const [whole, inner = ''] = match;
    return inner.includes('\\') ? (JSON.parse(whole) as string) : inner;
  }

  #number(): number | null {
    if (this.#text.startsWith('-Infinity', this.#at)) {
      this.#at += 9;
      return null;
    }
    numberPattern.lastIndex = this.#at;
    const match = numberPattern.exec(this.#text);
    if (match === null) throw new Malformed();
    this.#at = numberPattern.lastIndex;
    return Number(match[0]);
  }

  #word<T>(word: string, value: T): T {
    if (!this.#text.startsWith(word, this.#at)) throw new Malformed();
    this.#at += word.length;
    return value;
  }

  #take(character: string): boolean {
    if (this.#text[this.#at] !== character) return false;
    this.#at++;
    return true;
  }

  #space(): void {
    spacePattern.lastIndex = this.#at;
    spacePattern.exec(this.#text);
    this.#at = spacePattern.lastIndex;
  }
}

const plainMember = { enumerable: true, configurable: true, writable: true };

function pointerOf(path: readonly (string | number)[]): string {
  return path
    .map((step) => `/${String(step).replaceAll('~', '~0').replaceAll('/', '~1')}`)
    .join('');
}
