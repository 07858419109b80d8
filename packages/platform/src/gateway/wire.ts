/**
 * Bodies of the Open Inference Protocol over REST: JSON, or JSON followed by the bytes of tensors
 * (the binary tensor data extension), each plain, gzip or deflate.
 */
import { promisify } from 'node:util';
import { gunzip, inflate } from 'node:zlib';
import { isJsonObject, messageOf } from '@merlon/core';
import { PlatformError } from '../errors.ts';

/** A request's body. */
export interface InferBody {
  readonly json: unknown;
  /** What follows the JSON; empty without the extension. */
  readonly tail: Uint8Array;
}

/** An output as a model gives it. */
export interface OutputTensor {
  readonly name: string;
  readonly datatype: 'INT64' | 'FP32';
  readonly shape: readonly number[];
  readonly data: Int32Array | Float32Array;
}

/** What an answer begins with. */
export interface AnswerHead {
  readonly model_name: string;
  readonly model_version: string;
  readonly id?: string;
}

/** Bytes of a body at most, also when unpacked. */
const bodyBytesMax = 64 << 20;
const lengthHeader = 'inference-header-content-length';
const significantDigits = 7;

/** Reads a body; throws `too-large` or `bad-request`. */
export async function readInferBody(request: Request): Promise<InferBody> {
  const bytes = await unpacked(await gathered(request), request.headers.get('content-encoding'));
  const told = request.headers.get(lengthHeader);
  const length = told === null ? bytes.length : Number(told);
  if (!Number.isInteger(length) || length < 0 || length > bytes.length) {
    const got = `got ${String(told).slice(0, 20)}`;
    throw bad(`"${lengthHeader}" expected at most the ${bytes.length} bytes of the body, ${got}`);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes.subarray(0, length));
    return { json: JSON.parse(text), tail: bytes.subarray(length) };
  } catch (cause) {
    throw bad('the body expected a JSON inference request', cause);
  }
}

async function gathered(request: Request): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of request.body ?? []) {
    length += part.length;
    if (length > bodyBytesMax) throw tooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

async function unpacked(bytes: Uint8Array, encoding: string | null): Promise<Uint8Array> {
  if (encoding === null || encoding === 'identity' || encoding === '') return bytes;
  const unpack = { gzip: promisify(gunzip), deflate: promisify(inflate) }[encoding];
  if (unpack === undefined) {
    throw bad(`"content-encoding" expected gzip or deflate, got "${encoding.slice(0, 20)}"`);
  }
  try {
    return await unpack(bytes, { maxOutputLength: bodyBytesMax });
  } catch (cause) {
    if ((cause as { code?: string }).code === 'ERR_BUFFER_TOO_LARGE') throw tooLarge();
    throw bad(`the body cannot be unpacked: ${messageOf(cause)}`, cause);
  }
}

/**
 * The outputs that a request asks for (all, when it names none), in JSON or as bytes as it wishes;
 * throws `bad-request` for one that the model does not have.
 */
export function inferAnswer(
  head: AnswerHead,
  outputs: readonly OutputTensor[],
  request: unknown,
): Response {
  const wished = wishes(outputs, request);
  const tails: Uint8Array[] = [];
  const told = wished.map(({ output, binary }) => {
    const { name, datatype, shape } = output;
    if (!binary) return { name, datatype, shape, data: numbers(output) };
    const bytes = bytesOf(output);
    tails.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const json = Buffer.from(JSON.stringify({ ...head, outputs: told }));
  if (tails.length === 0) {
    return new Response(json, { headers: { 'content-type': 'application/json' } });
  }
  return new Response(Buffer.concat([json, ...tails]), {
    headers: { 'content-type': 'application/octet-stream', [lengthHeader]: String(json.length) },
  });
}

function wishes(outputs: readonly OutputTensor[], request: unknown) {
  const asked = isJsonObject(request) ? request : {};
  const flag = (of: unknown, name: string): boolean | undefined => {
    const value = isJsonObject(of) ? of[name] : undefined;
    return typeof value === 'boolean' ? value : undefined;
  };
  const usual = flag(asked.parameters, 'binary_data_output') ?? false;
  const list = Array.isArray(asked.outputs) ? asked.outputs : [];
  if (list.length === 0) return outputs.map((output) => ({ output, binary: usual }));
  return list.map((each) => {
    const name = isJsonObject(each) ? each.name : undefined;
    const output = outputs.find((own) => own.name === name);
    if (output === undefined) {
      const known = outputs.map((own) => `"${own.name}"`).join(', ');
      throw bad(`"outputs" expected ${known}, got "${String(name).slice(0, 40)}"`);
    }
    const parameters = isJsonObject(each) ? each.parameters : undefined;
    return { output, binary: flag(parameters, 'binary_data') ?? usual };
  });
}

function numbers({ datatype, data }: OutputTensor): number[] {
  if (datatype === 'INT64') return Array.from(data);
  return Array.from(data, (value) => Number(value.toPrecision(significantDigits)));
}

function bytesOf({ datatype, data }: OutputTensor): Uint8Array {
  const array = datatype === 'INT64' ? BigInt64Array.from(data, BigInt) : Float32Array.from(data);
  return new Uint8Array(array.buffer);
}

function tooLarge(): PlatformError {
  return new PlatformError('too-large', `the body expected at most ${bodyBytesMax} bytes`);
}

function bad(message: string, cause?: unknown): PlatformError {
  return new PlatformError('bad-request', message, {
    hint: 'GET /v2/models/{name} tells the names, types and shapes',
    ...(cause === undefined ? {} : { cause }),
  });
}
