/** Protocol buffers on the wire: a bounded reader that copies nothing, and a small writer. */
import { type Bytes, concat, fromUtf8, utf8 } from '@merlon/core';
import { GraphError, invalidModel } from '../error.ts';

/** One field as it stands on the wire. */
export interface WireField {
  readonly number: number;
  /** Value of varints and fixed numbers; 0 for others. */
  readonly integer: bigint;
  /** Content of length-delimited fields, and the raw bytes of fixed ones. */
  readonly bytes: Uint8Array;
  readonly kind: 'varint' | 'fixed64' | 'bytes' | 'fixed32';
}

/** How many more parts of a file may be kept; each costs far more memory than its two bytes. */
export interface PartBudget {
  left: number;
}

const nothing = new Uint8Array(0);

/** Counts one part; throws `too-large` once there are too many. */
export function spend(budget: PartBudget): void {
  budget.left--;
  if (budget.left < 0) throw new GraphError('too-large', 'the model has too many parts');
}

/**
 * Every field of a message in order; throws `invalid-model` when it is cut or malformed. Fields
 * are counted against the budget, if there is one.
 */
export function* wireFields(message: Uint8Array, budget?: PartBudget): Generator<WireField> {
  let at = 0;
  while (at < message.length) {
    if (budget !== undefined) spend(budget);
    const tag = readVarint(message, at);
    at = tag.end;
    const number = Number(tag.value >> 3n);
    const wire = Number(tag.value & 7n);
    if (number === 0) throw invalidModel('field number 0');
    if (wire === 0) {
      const { value, end } = readVarint(message, at);
      at = end;
      yield { number, integer: value, bytes: nothing, kind: 'varint' };
    } else if (wire === 2) {
      const { value, end } = readVarint(message, at);
      const stop = end + Number(value);
      if (value > BigInt(message.length) || stop > message.length) throw cut();
      yield { number, integer: 0n, bytes: message.subarray(end, stop), kind: 'bytes' };
      at = stop;
    } else if (wire === 1 || wire === 5) {
      const width = wire === 1 ? 8 : 4;
      if (at + width > message.length) throw cut();
      const kind = wire === 1 ? 'fixed64' : 'fixed32';
      yield { number, integer: 0n, bytes: message.subarray(at, at + width), kind };
      at += width;
    } else throw invalidModel(`wire type ${wire}`);
  }
}

function readVarint(bytes: Uint8Array, at: number): { value: bigint; end: number } {
  let low = 0;
  // Most numbers are short; plain arithmetic is many times faster than bigints for these.
  for (let i = 0; i < 4; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw cut();
    low |= (byte & 127) << (7 * i);
    if (byte < 128) return { value: BigInt(low), end: at + i + 1 };
  }
  let value = BigInt(low);
  for (let i = 4; i < 10; i++) {
    const byte = bytes[at + i];
    if (byte === undefined) throw cut();
    value |= BigInt(byte & 127) << BigInt(7 * i);
    if (byte < 128) return { value: BigInt.asUintN(64, value), end: at + i + 1 };
  }
  throw invalidModel('a number of more than ten bytes');
}

/** A signed 64-bit number of a varint field. */
export function signed(field: WireField): bigint {
  if (field.kind !== 'varint') throw invalidModel(`field ${field.number} expected a number`);
  return BigInt.asIntN(64, field.integer);
}

/** A small signed number. */
export function small(field: WireField): number {
  return Number(signed(field));
}

/** The text of a field. */
export function text(field: WireField): string {
  try {
    return fromUtf8(field.bytes);
  } catch (cause) {
    throw invalidModel(`field ${field.number} expected UTF-8`, cause);
  }
}

/** Numbers of a repeated field, packed or not. */
export function* packedVarints(field: WireField): Generator<bigint> {
  if (field.kind === 'varint') {
    yield signed(field);
    return;
  }
  for (let at = 0; at < field.bytes.length; ) {
    const { value, end } = readVarint(field.bytes, at);
    yield BigInt.asIntN(64, value);
    at = end;
  }
}

/** How many numbers a field holds: each ends with a byte below 128. */
export function packedCount(field: WireField): number {
  if (field.kind === 'varint') return 1;
  let count = 0;
  for (const byte of field.bytes) if (byte < 128) count++;
  return count;
}

function cut(): Error {
  return invalidModel('it ends in the middle of a field');
}

/** Writes a message field by field; default values are the caller's business. */
export class WireWriter {
  readonly #parts: Uint8Array[] = [];

  integer(number: number, value: number | bigint): this {
    this.#parts.push(varint(BigInt(number << 3)), varint(BigInt(value)));
    return this;
  }

  bytes(number: number, value: Uint8Array): this {
    this.#parts.push(varint(BigInt((number << 3) | 2)), varint(BigInt(value.length)), value);
    return this;
  }

  text(number: number, value: string): this {
    return value === '' ? this : this.bytes(number, utf8(value));
  }

  float(number: number, value: number): this {
    const bytes = new Uint8Array(4);
    new DataView(bytes.buffer).setFloat32(0, value, true);
    this.#parts.push(varint(BigInt((number << 3) | 5)), bytes);
    return this;
  }

  message(number: number, value: WireWriter): this {
    return this.bytes(number, value.finish());
  }

  /** Bytes of fields that were kept as they came. */
  raw(value: Uint8Array): this {
    this.#parts.push(value);
    return this;
  }

  finish(): Bytes {
    return concat(this.#parts);
  }
}

/** A varint; negative numbers take ten bytes, as the format demands. */
export function varint(value: bigint): Uint8Array {
  let rest = BigInt.asUintN(64, value);
  const out: number[] = [];
  while (rest >= 128n) {
    out.push(Number(rest & 127n) | 128);
    rest >>= 7n;
  }
  out.push(Number(rest));
  return Uint8Array.from(out);
}
