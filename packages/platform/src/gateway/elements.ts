/**
 * Elements of tensors as they come over the wire: lists in JSON or bytes, checked one by one for
 * their type. Whatever is not exactly a value of the type is refused by its place.
 */
import type { TensorData } from '@merlon/graph';
import { PlatformError } from '../errors.ts';
import { type Datatype, nearestOf, numberType } from './datatypes.ts';

/** Whose elements are read. */
export interface Place {
  readonly name: string;
  readonly datatype: Datatype;
  readonly count: number;
}

const nestingMax = 32;
const lengthBytes = 4;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** The elements of a list, flat or nested. Throws `bad-request` or `input-refused`. */
export function elementsOfList(data: unknown, place: Place): TensorData {
  const { name, datatype, count } = place;
  if (!Array.isArray(data)) throw badTensor(`the data of "${name}" expected a list`);
  const flat: unknown[] = Array.isArray(data[0]) ? data.flat(nestingMax) : data;
  if (flat.length !== count) {
    const what = datatype === 'BYTES' ? 'texts' : 'numbers';
    throw badTensor(`the data of "${name}" expected ${count} ${what}, got ${flat.length}`);
  }
  const type = numberType(datatype);
  if (type === null) return flat.map((value, i) => text(value, place, i));
  const out = type.make(count);
  if (out instanceof Float32Array && datatype === 'FP32') return singles(out, flat, place);
  for (let i = 0; i < count; i++) {
    const value = flat[i];
    const element = type.whole === null ? floating(value, place, i) : whole(value, place, i);
    // Arrays of 64 bits take one kind of number, all others the other.
    out[i] = element as never;
  }
  return out;
}

/** The usual type, in a loop of its own: the engine is a third faster on it. */
function singles(out: Float32Array, flat: readonly unknown[], place: Place): Float32Array {
  for (let i = 0; i < out.length; i++) {
    const value = flat[i];
    out[i] = typeof value === 'number' ? value : floating(value, place, i);
    if (!Number.isFinite(out[i])) throw notFinite(place, i);
  }
  return out;
}

/** The elements of bytes, all of which must be theirs. Throws `bad-request` or `input-refused`. */
export function elementsOfBytes(bytes: Uint8Array, place: Place): TensorData {
  const { name, datatype, count } = place;
  const type = numberType(datatype);
  if (type === null) return textsOf(bytes, place);
  if (bytes.length !== count * type.bytes) {
    const wanted = `${count * type.bytes} bytes of ${datatype}`;
    throw badTensor(`"${name}" expected ${wanted}, got ${bytes.length}`);
  }
  const out = type.read(bytes);
  if (type.whole === null) {
    for (let i = 0; i < out.length; i++) if (!Number.isFinite(out[i])) throw notFinite(place, i);
  } else if (datatype === 'BOOL') {
    const odd = (out as Uint8Array).findIndex((value) => value > 1);
    if (odd >= 0) throw refused(place, odd, 'is not 0 or 1');
  }
  return out;
}

/** Every text begins with its length in four bytes. */
function textsOf(bytes: Uint8Array, place: Place): string[] {
  const { name, count } = place;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const found: string[] = [];
  let at = 0;
  while (at < bytes.length && found.length < count) {
    const left = bytes.length - at - lengthBytes;
    const length = left < 0 ? 0 : view.getUint32(at, true);
    if (left < length) throw badTensor(`text ${found.length} of "${name}" is cut off`);
    at += lengthBytes + length;
    found.push(textOfBytes(bytes.subarray(at - length, at), place, found.length));
  }
  if (found.length === count && at === bytes.length) return found;
  const rest = at === bytes.length ? '' : ` and ${bytes.length - at} bytes more`;
  throw badTensor(`"${name}" expected ${count} texts, got ${found.length}${rest}`);
}

/** A text of its bytes; throws `input-refused` for what is not UTF-8. */
export function textOfBytes(bytes: Uint8Array, place: Place, i: number): string {
  let value: string;
  try {
    value = decoder.decode(bytes);
  } catch (cause) {
    throw refused(place, i, 'is not UTF-8', cause);
  }
  return text(value, place, i);
}

function text(value: unknown, place: Place, i: number): string {
  if (typeof value !== 'string') throw refused(place, i, 'is not a text');
  // The runtime ends texts there, so that the model would see another one.
  if (value.includes('\0')) throw refused(place, i, 'holds a null character');
  return value;
}

function floating(value: unknown, place: Place, i: number): number {
  const number = typeof value === 'bigint' ? Number(value) : value;
  if (typeof number !== 'number') throw notFinite(place, i);
  const near = nearestOf(place.datatype, number);
  if (!Number.isFinite(near)) throw notFinite(place, i);
  return near;
}

function whole(value: unknown, place: Place, i: number): number | bigint {
  const { datatype } = place;
  const [least, greatest] = numberType(datatype)?.whole ?? [0n, 0n];
  const given = datatype === 'BOOL' && typeof value === 'boolean' ? Number(value) : value;
  if (typeof given === 'number' && Number.isInteger(given) && !Number.isSafeInteger(given)) {
    throw refused(place, i, 'is beyond 2^53, where JSON loses digits: send it as bytes');
  }
  const isWhole = typeof given === 'bigint' || Number.isInteger(given);
  const number = isWhole ? BigInt(given as number | bigint) : null;
  if (number === null || number < least || number > greatest) {
    const wanted = datatype === 'BOOL' ? 'true or false' : `a whole number of ${datatype}`;
    throw refused(place, i, `is not ${wanted}`);
  }
  return datatype.endsWith('64') ? number : Number(number);
}

function notFinite(place: Place, i: number): PlatformError {
  const { datatype } = place;
  const of = datatype === 'FP32' || datatype === 'FP64' ? '' : ` in ${datatype}`;
  return refused(place, i, `is not a finite number${of}`);
}

function refused({ name }: Place, i: number, why: string, cause?: unknown): PlatformError {
  return new PlatformError('input-refused', `"${name}" element ${i} ${why}`, {
    hint: 'replace missing values before asking, and keep to the type of the input',
    ...(cause === undefined ? {} : { cause }),
  });
}

/** A fault of a tensor, in one sentence. */
export function badTensor(message: string, cause?: unknown): PlatformError {
  return new PlatformError('bad-request', message, {
    hint: 'GET /v2/models/{name} tells the names, types and shapes',
    ...(cause === undefined ? {} : { cause }),
  });
}
