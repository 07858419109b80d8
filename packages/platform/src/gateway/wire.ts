/**
 * Bodies of the Open Inference Protocol over REST: JSON, or JSON followed by the bytes of tensors
 * (the binary tensor data extension), each plain, gzip or deflate.
 */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { messageOf } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import { badTensor } from './elements.ts';

/** A request's body. */
export interface InferBody {
  readonly json: unknown;
  /** What follows the JSON; empty without the extension. */
  readonly tail: Uint8Array;
}

/** Bytes of a body at most, also when unpacked. */
export const bodyBytesMax = 64 << 20;
/** The header that tells where the JSON ends. */
export const lengthHeader = 'inference-header-content-length';

/** Digits that a number may have lost when it was read, and text in which they are sought. */
const longInteger = /(?<![\d.eE+-])-?\d{16,}(?![\d.eE])/;
const exactLengthMax = 4 << 20;
const decoder = new TextDecoder('utf-8', { fatal: true });

/** Headers of a request, by names in small letters. */
export type HeaderOf = (name: string) => string | null;

/** Takes a body apart; throws `too-large` or `bad-request`. */
export async function inferBody(body: Uint8Array, header: HeaderOf): Promise<InferBody> {
  const packed = header('content-encoding');
  const bytes = isPlain(packed) ? body : await unpacked(body, packed ?? '');
  const told = header(lengthHeader);
  const length = told === null ? bytes.length : Number(told);
  if (!Number.isInteger(length) || length < 0 || length > bytes.length) {
    const got = `got ${String(told).slice(0, 20)}`;
    const wanted = `expected at most the ${bytes.length} bytes of the body`;
    throw badTensor(`"${lengthHeader}" ${wanted}, ${got}`);
  }
  return { json: jsonIn(bytes.subarray(0, length)), tail: bytes.subarray(length) };
}

/** A body that may be empty, for requests that need not say anything. */
export async function readOptionalBody(request: Request): Promise<unknown> {
  const body = await bytesOf(request);
  const packed = request.headers.get('content-encoding');
  const bytes = isPlain(packed) ? body : await unpacked(body, packed ?? '');
  return bytes.length === 0 ? {} : jsonIn(bytes);
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return parsed(decoder.decode(bytes));
  } catch (cause) {
    throw badTensor('the body expected a JSON inference request', cause);
  }
}

/**
 * Whole numbers beyond 2^53 are kept exactly, where a type has such; in long texts they are refused
 * where they stand.
 */
function parsed(text: string): unknown {
  const mayBeLong = text.length <= exactLengthMax && text.includes('INT64');
  if (!mayBeLong || !longInteger.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source ?? '';
    const isLong = typeof value === 'number' && !Number.isSafeInteger(value);
    return isLong && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

/** The bytes of a body as they came; throws `too-large`. */
export async function bytesOf(request: Request): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > bodyBytesMax) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

function isPlain(encoding: string | null): boolean {
  return encoding === null || encoding === 'identity' || encoding === '';
}

async function unpacked(bytes: Uint8Array, encoding: string): Promise<Uint8Array> {
  const unpack = { gzip: promisify(gunzip), deflate: promisify(inflate) }[encoding];
  if (unpack === undefined) {
    const got = encoding.slice(0, 20);
    throw badTensor(`"content-encoding" expected gzip or deflate, got "${got}"`);
  }
  try {
    return await unpack(bytes, { maxOutputLength: bodyBytesMax });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw badTensor(`the body cannot be unpacked: ${messageOf(cause)}`, cause);
  }
}

/** The body is larger than any is read. */
export function tooLarge(): PlatformError {
  return new PlatformError('too-large', `the body expected at most ${bodyBytesMax} bytes`);
}
