/** Audits GGUF models (ggml, docs/gguf.md, versions 2 and 3): metadata, chat template, tensors. */
import { giveUp, type Place, scanTrailing, tell } from '../audit.ts';
import { Cursor } from '../cursor.ts';
import { scanDescription, scanTemplate } from '../text/configuration.ts';
import { scanSecrets } from '../text/secrets.ts';

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

const alignmentDefault = 32;
const paddingMax = 64;
/** Items and bytes of a block by the type of a tensor (ggml.h, `ggml_type`). */
const blockSizes: Readonly<Record<number, readonly [number, number]>> = {
  0: [1, 4],
  1: [1, 2],
  2: [32, 18],
  3: [32, 20],
  6: [32, 22],
  7: [32, 24],
  8: [32, 34],
  9: [32, 36],
  10: [256, 84],
  11: [256, 110],
  12: [256, 144],
  13: [256, 176],
  14: [256, 210],
  15: [256, 292],
  16: [256, 66],
  17: [256, 74],
  18: [256, 98],
  19: [256, 50],
  20: [32, 18],
  21: [256, 110],
  22: [256, 82],
  23: [256, 136],
  24: [1, 1],
  25: [1, 2],
  26: [1, 4],
  27: [1, 8],
  28: [1, 8],
  29: [256, 56],
  30: [1, 2],
  34: [256, 54],
  35: [256, 66],
  39: [32, 17],
};

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
  const seen = new Set<string>();
  let alignment = alignmentDefault;
  for (let i = 0; i < keys; i++) {
    const key = await text(cursor, keyBytesMax);
    await need(cursor, 4);
    const type = cursor.u32();
    if (seen.has(key)) {
      const evidence = `${key} stands twice`;
      tell(place, 'MRL-GGF-001', { evidence, offset: cursor.at, pointer: key });
    }
    seen.add(key);
    if (key === 'general.alignment' && type === 4) {
      await need(cursor, 4);
      alignment = Math.max(1, cursor.u32());
      continue;
    }
    if (type === stringType && /chat_template/.test(key)) {
      scanTemplate(place, await text(cursor, textBytesMax), key);
    } else if (type === stringType && /^(general|tokenizer)\./.test(key)) {
      const value = await text(cursor, textBytesMax);
      scanDescription(place, key, value, key);
      scanTemplate(place, value, key);
      scanSecrets(place, value);
    } else await skipValue(cursor, type, 0);
  }
  const ends: (number | null)[] = [];
  for (let i = 0; i < tensors; i++) {
    await text(cursor, keyBytesMax);
    await need(cursor, 4);
    const dimensions = cursor.u32();
    if (dimensions > dimensionsMax) throw new Forged(`${dimensions} dimensions`);
    await need(cursor, dimensions * 8 + 12);
    let elements = 1;
    for (let at = 0; at < dimensions; at++) elements *= cursor.u64();
    if (elements > 2 ** 53) throw new Forged(`a tensor of ${elements} elements`);
    const sizes = blockSizes[cursor.u32()];
    const offset = cursor.u64();
    if (offset > cursor.size) throw new Malformed('a tensor lies outside the file');
    const [items, bytes] = sizes ?? [0, 0];
    ends.push(items === 0 ? null : offset + Math.ceil(elements / items) * bytes);
  }
  place.audit.dataBytes.count += cursor.left;
  const start = Math.ceil(cursor.at / alignment) * alignment;
  if (tensors > 0 && !ends.includes(null)) {
    const end = ends.reduce<number>((most, each) => Math.max(most, each ?? 0), 0);
    await scanEnd(place, start + Math.ceil(end / alignment) * alignment);
  }
}

/** What follows the last tensor, when it is more than padding. */
async function scanEnd(place: Place, at: number): Promise<void> {
  const { source } = place;
  if (source.size - at <= paddingMax) return;
  const head = await source.read(at, Math.min(source.size - at, 1 << 16));
  if (head.some((byte) => byte !== 0)) await scanTrailing(place, at, 'MRL-FIL-005');
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
