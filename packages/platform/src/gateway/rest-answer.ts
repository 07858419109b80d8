/** Answers in JSON, with the bytes of outputs behind it where they are wanted so. */
import { utf8 } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import { type Datatype, numberType, type WireTensor } from './datatypes.ts';
import type { Inferred } from './front.ts';
import type { RestRequest } from './rest-request.ts';
import { lengthHeader } from './wire.ts';

/** What goes out for a request. */
export interface RestReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Buffer<ArrayBuffer>;
}

/** Decimal digits that always and sometimes suffice to tell a value of a type exactly. */
const digits: Partial<Record<Datatype, readonly [few: number, all: number]>> = {
  FP16: [4, 5],
  BF16: [3, 4],
  FP32: [7, 9],
};

/** The answer's body and headers; throws `input-refused` for what JSON cannot tell. */
export function restAnswer(
  inferred: Inferred,
  { binary }: Pick<RestRequest, 'binary'>,
): Pick<RestReply, 'headers' | 'body'> {
  const { name: model_name, version: model_version, request } = inferred;
  const isBinary = ({ name }: WireTensor): boolean =>
    request.wanted?.find((wanted) => wanted.name === name)?.binary ?? binary;
  const id = request.id === undefined ? {} : { id: request.id };
  return withTensors({ model_name, model_version, ...id }, 'outputs', inferred.outputs, isBinary);
}

/** A body that tells tensors in a field, with the bytes of those wanted so behind the JSON. */
export function withTensors(
  head: object,
  field: 'inputs' | 'outputs',
  tensors: readonly WireTensor[],
  isBinary: (tensor: WireTensor) => boolean,
): Pick<RestReply, 'headers' | 'body'> {
  const tails: Uint8Array[] = [];
  const told = tensors.map((tensor) => {
    const { name, datatype, shape } = tensor;
    if (!isBinary(tensor)) return { name, datatype, shape, data: listOf(tensor) };
    const bytes = bytesOf(tensor);
    tails.push(bytes);
    return { name, datatype, shape, parameters: { binary_data_size: bytes.length } };
  });
  const json = Buffer.from(JSON.stringify({ ...head, [field]: told }));
  if (tails.length === 0) {
    return { body: json, headers: { 'content-type': 'application/json' } };
  }
  return {
    body: Buffer.concat([json, ...tails]),
    headers: { 'content-type': 'application/octet-stream', [lengthHeader]: String(json.length) },
  };
}

/** The elements as JSON writes them; throws `input-refused` for those that it cannot tell. */
function listOf({ name, datatype, data }: WireTensor): unknown[] {
  if (datatype === 'BOOL') return Array.from(data as Uint8Array, (value) => value === 1);
  if (data instanceof BigInt64Array || data instanceof BigUint64Array) {
    return Array.from(data, exact);
  }
  if (!(data instanceof Float32Array) && !(data instanceof Float64Array)) return [...data];
  const lost = data.findIndex((value) => !Number.isFinite(value));
  if (lost >= 0) {
    throw new PlatformError('input-refused', `"${name}" element ${lost} cannot be told in JSON`, {
      hint: 'ask for the output as bytes ("binary_data": true); it is not a finite number',
    });
  }
  const [few, all] = digits[datatype] ?? [0, 0];
  return all === 0 ? Array.from(data) : Array.from(data, (value) => short(value, few, all));
}

/** The shortest number that is read back as the same value. */
function short(value: number, few: number, all: number): number {
  for (let count = few; count < all; count++) {
    const near = Number(value.toPrecision(count));
    if (Math.fround(near) === value) return near;
  }
  return Number(value.toPrecision(all));
}

/** Numbers that doubles cannot hold keep their digits. */
function exact(value: bigint): unknown {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : rawJson(String(value));
}

// The libraries of types do not know it yet.
const { rawJSON: rawJson } = JSON as unknown as { rawJSON: (text: string) => unknown };

/** The bytes of an output: numbers little-endian, each text behind its length. */
export function bytesOf({ datatype, data }: WireTensor): Uint8Array {
  const type = numberType(datatype);
  if (type !== null) return type.write(data as Exclude<typeof data, readonly string[]>);
  const parts: Uint8Array[] = [];
  for (const value of data) {
    const text = utf8(String(value));
    parts.push(new Uint8Array(Uint32Array.of(text.length).buffer), text);
  }
  return Buffer.concat(parts);
}
