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

/** Which fields of a message are messages themselves, and which are texts that matter. */
export type Schema = Readonly<
  Record<
    string,
    { readonly inner?: Readonly<Record<number, string>>; readonly texts?: readonly number[] }
  >
>;

/** A message that was read to its end, with the texts of its fields; a field may stand often. */
export interface Message {
  readonly name: string;
  readonly texts: ReadonlyMap<number, readonly string[]>;
  /** Numbers of its fields, the last of each. */
  readonly numbers: ReadonlyMap<number, number>;
  readonly offset: number;
}

const depthMax = 64;
const fieldsMax = 50_000_000;
const textsMax = 10_000;
const textBytesMax = 1 << 20;

/** Walks a message and all messages inside it, and tells each when it was read. */
export async function walkMessages(
  cursor: Cursor,
  schema: Schema,
  root: string,
  leave: (message: Message) => void,
): Promise<void> {
  const budget = { fields: 0 };
  const walk = async (name: string, end: number, depth: number): Promise<void> => {
    if (depth > depthMax) throw new MalformedMessage('nested too deeply');
    const { inner = {}, texts = [] } = schema[name] ?? {};
    const found = new Map<number, string[]>();
    const numbers = new Map<number, number>();
    const offset = cursor.at;
    for (
      let field = await nextField(cursor, end);
      field !== null;
      field = await nextField(cursor, end)
    ) {
      if (++budget.fields > fieldsMax) throw new MalformedMessage('too many fields');
      if (field.wire !== 2) {
        numbers.set(field.number, field.value);
        continue;
      }
      const from = cursor.at;
      const next = inner[field.number];
      if (next !== undefined) await walk(next, from + field.length, depth + 1);
      else if (texts.includes(field.number)) {
        const list = found.get(field.number) ?? [];
        if (list.length < textsMax) list.push(await textField(cursor, field.length, textBytesMax));
        found.set(field.number, list);
      }
      cursor.seek(from + field.length);
    }
    leave({ name, texts: found, numbers, offset });
  };
  await walk(root, cursor.size, 0);
}

/** The fields of a message at its top level: number and wire type, as many as fit a look. */
export async function shapeOf(
  cursor: Cursor,
  end: number,
  fieldsSeenMax = 200,
): Promise<readonly Field[] | null> {
  const fields: Field[] = [];
  try {
    while (fields.length < fieldsSeenMax) {
      const field = await nextField(cursor, end);
      if (field === null) return fields;
      fields.push(field);
      if (field.wire === 2) cursor.skip(field.length);
    }
    return fields;
  } catch (thrown) {
    if (thrown instanceof MalformedMessage) return null;
    throw thrown;
  }
}
