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

/** Reads a body; throws `too-large` or `bad-request`. */
export async function readInferBody(request: Request): Promise<InferBody> {
  const bytes = await readBody(request);
  const told = request.headers.get(lengthHeader);
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
  const bytes = await readBody(request);
  return bytes.length === 0 ? {} : jsonIn(bytes);
}

function jsonIn(bytes: Uint8Array): unknown {
  try {
    return parsed(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw badTensor('the body expected a JSON inference request', cause);
  }
}

/** Whole numbers beyond 2^53 are kept exactly; in long texts they are refused where they stand. */
function parsed(text: string): unknown {
  if (text.length > exactLengthMax || !longInteger.test(text)) return JSON.parse(text);
  return JSON.parse(text, (_key, value: unknown, context?: { readonly source?: string }) => {
    const source = context?.source ?? '';
    const isLong = typeof value === 'number' && !Number.isSafeInteger(value);
    return isLong && /^-?\d+$/.test(source) ? BigInt(source) : value;
  });
}

async function readBody(request: Request): Promise<Uint8Array> {
  const encoding = request.headers.get('content-encoding');
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > bodyBytesMax) throw tooLarge();
    parts.push(part);
  }
  return unpacked(Buffer.concat(parts, length), encoding);
}

async function unpacked(bytes: Uint8Array, encoding: string | null): Promise<Uint8Array> {
  if (encoding === null || encoding === 'identity' || encoding === '') return bytes;
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

function tooLarge(): PlatformError {
  return new PlatformError('too-large', `the body expected at most ${bodyBytesMax} bytes`);
}
