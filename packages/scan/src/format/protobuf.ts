/** A bounded walk over protocol buffers: fields are told one by one, long ones passed by length. */
import type { Cursor } from '../cursor.ts';

/** A field of a message. */
export interface Field {
  readonly number: number;
  readonly wire: number;
  /** Varints and fixed numbers; exact up to 2^53. */
  readonly value: number;
  /** Bytes of the content that stands at the cursor, for length-delimited fields. */
  readonly length: number;
}

/** A message ended inside a field, or a tag that does not exist. */
export class MalformedMessage extends Error {}

/** Reads the next field of a message that ends at `end`; null at its end. */
export async function nextField(cursor: Cursor, end: number): Promise<Field | null> {
  if (cursor.at >= end) return null;
  if (cursor.ready < 24) await cursor.need(24);
  const tag = varint(cursor);
  const number = Math.floor(tag / 8);
  const wire = tag % 8;
  if (number === 0) throw new MalformedMessage('field number 0');
  switch (wire) {
    case 0:
      return { number, wire, value: varint(cursor), length: 0 };
    case 1:
      return fixed(cursor, number, wire, 8);
    case 5:
      return fixed(cursor, number, wire, 4);
    case 2: {
      const length = varint(cursor);
      if (cursor.at + length > end) throw new MalformedMessage('field longer than its message');
      return { number, wire, value: 0, length };
    }
    default:
      throw new MalformedMessage(`wire type ${wire}`);
  }
}

/** The text of the field at the cursor; only its beginning when it is long. */
export async function textField(cursor: Cursor, length: number, max = 1 << 16): Promise<string> {
  const kept = Math.min(length, max);
  if ((await cursor.need(kept)) < kept) throw new MalformedMessage('text ends early');
  const text = new TextDecoder().decode(cursor.bytes(kept));
  cursor.skip(length - kept);
  return text;
}

function fixed(cursor: Cursor, number: number, wire: number, bytes: number): Field {
  if (cursor.ready < bytes) throw new MalformedMessage('number ends early');
  return { number, wire, value: bytes === 8 ? cursor.u64() : cursor.u32(), length: 0 };
}

function varint(cursor: Cursor): number {
  let value = 0;
  let scale = 1;
  for (let i = 0; i < 10; i++) {
    if (cursor.ready < 1) throw new MalformedMessage('number ends early');
    const byte = cursor.u8();
    value += (byte & 127) * scale;
    if (byte < 128) return value;
    scale *= 128;
  }
  throw new MalformedMessage('number too long');
}
