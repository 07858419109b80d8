/**
 * Canonical JSON (RFC 8785): one value has one text, so that it can be hashed and signed.
 * Numbers and strings follow ECMAScript, which is what the RFC prescribes.
 */
import { InputError } from './error.ts';

/** Anything that JSON can say. */
export type Json = null | boolean | number | string | readonly Json[] | JsonObject;

/** A JSON object. */
export interface JsonObject {
  readonly [key: string]: Json | undefined;
}

/**
 * The canonical text of a value; throws `bad-input` on NaN, infinities and lone surrogates, as
 * section 3.2.2 demands.
 */
export function canonicalJson(value: Json): string {
  if (value === null || typeof value === 'boolean') return JSON.stringify(value);
  if (typeof value === 'string') return quoted(value);
  if (typeof value === 'number') {
    if (!Number.isFinite(value)) {
      throw new InputError('bad-input', `JSON expected a finite number, got ${value}`);
    }
    return JSON.stringify(value);
  }
  if (isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members: string[] = [];
  // Array.prototype.sort compares UTF-16 code units, as section 3.2.3 demands.
  for (const key of Object.keys(value).sort()) {
    const member = value[key];
    if (member !== undefined) members.push(`${quoted(key)}:${canonicalJson(member)}`);
  }
  return `{${members.join(',')}}`;
}

/** True for JSON objects (not null, not arrays). */
export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function quoted(text: string): string {
  if (text.isWellFormed()) return JSON.stringify(text);
  throw new InputError('bad-input', 'JSON expected well-formed text, got a lone surrogate');
}

function isArray(value: Json): value is readonly Json[] {
  return Array.isArray(value);
}
