/** Audits GGUF models (ggml, docs/gguf.md, versions 2 and 3): metadata, chat template, tensors. */
import { giveUp, type Place, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { scanDescription, scanTemplate } from '../text/configuration.ts';

const keysMax = 100_000;
const tensorsMax = 1_000_000;
const keyBytesMax = 65_535;
const textBytesMax = 1 << 22;
/** What ggml has room for; readers that believe a greater number write past their arrays. */
const dimensionsMax = 4;
/** No count of a real file; chosen to overflow what a reader makes of it (CVE-2024-21825). */
const forgedMin = 2 ** 40;
const stringType = 8;
const arrayType = 9;
/** Bytes of a value by its type; strings and arrays tell their own. */
const valueBytes = [1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8];

class Malformed extends Error {}
/** Malformed in a way that harms readers that believe it. */
class Forged extends Malformed {}

/** True for the magic bytes of a model. */
export function looksLikeGguf(head: Uint8Array): boolean {
  return head[0] === 0x47 && head[1] === 0x47 && head[2] === 0x55 && head[3] === 0x46;
}

/** Audits the metadata and the list of tensors; weights are never read. */
export async function scanGguf(place: Place): Promise<void> {
  const cursor = new Cursor(place.source);
  try {
    await walk(place, cursor);
  } catch (thrown) {
    if (!(thrown instanceof Malformed)) throw thrown;
    const evidence = `${thrown.message} at byte ${cursor.at}`;
    const severity = thrown instanceof Forged ? 'high' : 'medium';
    tell(place, 'MRL-GGF-001', { evidence, severity, offset: cursor.at });
    giveUp(place, `the model breaks: ${thrown.message}`);
  }
}

async function walk(place: Place, cursor: Cursor): Promise<void> {
  await need(cursor, 24);
  cursor.skip(4);
  const version = cursor.u32();
  const tensors = cursor.u64();
  const keys = cursor.u64();
  if (version < 2 || version > 3) throw new Malformed(`version ${version}`);
  if (keys >= forgedMin || tensors >= forgedMin) throw new Forged('a forged count');
  if (keys > keysMax || tensors > tensorsMax) throw new Malformed('too many entries');
  for (let i = 0; i < keys; i++) {
    const key = await text(cursor, keyBytesMax);
    await need(cursor, 4);
    const type = cursor.u32();
    if (type === stringType && /chat_template/.test(key)) {
      scanTemplate(place, await text(cursor, textBytesMax), key);
    } else if (type === stringType && /^(general|tokenizer)\./.test(key)) {
      const value = await text(cursor, textBytesMax);
      scanDescription(place, key, value, key);
      scanTemplate(place, value, key);
    } else await skipValue(cursor, type, 0);
  }
  for (let i = 0; i < tensors; i++) {
    await text(cursor, keyBytesMax);
    await need(cursor, 4);
    const dimensions = cursor.u32();
    if (dimensions > dimensionsMax) throw new Forged(`${dimensions} dimensions`);
    await need(cursor, dimensions * 8 + 12);
    let elements = 1;
    for (let at = 0; at < dimensions; at++) elements *= cursor.u64();
    if (elements > 2 ** 53) throw new Forged(`a tensor of ${elements} elements`);
    cursor.skip(4);
    const offset = cursor.u64();
    if (offset > cursor.size) throw new Malformed('a tensor lies outside the file');
  }
  place.audit.dataBytes.count += cursor.left;
}

async function skipValue(cursor: Cursor, type: number, depth: number): Promise<void> {
  if (type === stringType) {
    await need(cursor, 8);
    skip(cursor, cursor.u64());
  } else if (type === arrayType) {
    if (depth > 4) throw new Forged('nested too deeply');
    await need(cursor, 12);
    const inner = cursor.u32();
    const count = cursor.u64();
    const each = valueBytes[inner] ?? 0;
    if (each > 0) skip(cursor, each * count);
    else for (let i = 0; i < count; i++) await skipValue(cursor, inner, depth + 1);
  } else {
    const bytes = valueBytes[type];
    if (bytes === undefined) throw new Malformed(`type ${type}`);
    skip(cursor, bytes);
  }
}

async function text(cursor: Cursor, max: number): Promise<string> {
  await need(cursor, 8);
  const length = cursor.u64();
  if (length >= forgedMin) throw new Forged(`text of ${length} bytes`);
  if (length > max) throw new Malformed(`text of ${length} bytes`);
  await need(cursor, length);
  return new TextDecoder().decode(cursor.bytes(length));
}

function skip(cursor: Cursor, length: number): void {
  if (length >= forgedMin) throw new Forged(`a value of ${length} bytes`);
  if (length > cursor.left) throw new Malformed('ends early');
  cursor.skip(length);
}

async function need(cursor: Cursor, length: number): Promise<void> {
  if ((await cursor.need(length)) < length) throw new Malformed('ends early');
}
