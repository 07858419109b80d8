/** Audits safetensors files: a JSON header and, behind it, tensors without gaps or overlaps. */
import { fromUtf8, isJsonObject, type Json, windowOf } from '@merlon/core';
import { giveUp, type Place, scanTrailing, tell } from '../audit.ts';
import { wholeDanger } from '../pickle/scan.ts';
import { scanTemplate } from '../text/configuration.ts';
import { embeddedAddress, embeddedCode } from '../text/embedded.ts';
import { parseJson } from '../text/json.ts';

/** The format's own limit of the header. */
export const headerBytesMax = 100_000_000;

const forgedBytes = 2 ** 32;
const pickleBytesMax = 1 << 26;

const itemBits: Readonly<Record<string, number>> = {
  BOOL: 8,
  U8: 8,
  I8: 8,
  F8_E4M3: 8,
  F8_E5M2: 8,
  F8_E8M0: 8,
  F6_E2M3: 6,
  F6_E3M2: 6,
  F4: 4,
  I16: 16,
  U16: 16,
  F16: 16,
  BF16: 16,
  I32: 32,
  U32: 32,
  F32: 32,
  I64: 64,
  U64: 64,
  F64: 64,
  C64: 64,
};
interface Tensor {
  readonly name: string;
  readonly begin: number;
  readonly end: number;
  /** True for numbers of one byte. */
  readonly isBytes: boolean;
}

/** True when the head of a file can be one: a length that fits, and an object behind it. */
export function looksLikeSafetensors(head: Uint8Array, size: number): boolean {
  if (head.length < 10 || head[8] !== 0x7b) return false;
  const length = lengthOf(head);
  // A text whose ninth sign is a bracket has no zeros before it; no length is without.
  const forged = head[9] === 0x22 && head.subarray(0, 8).includes(0);
  return length >= 2 && (length + 8 <= size || forged);
}

/** Audits the header; tensors are never read. */
export async function scanSafetensors(place: Place): Promise<void> {
  const { source, audit } = place;
  const length = lengthOf(await source.read(0, 8));
  if (length + 8 > source.size) {
    // A reader that believes it allocates it.
    const severity = length > forgedBytes ? 'high' : 'medium';
    tell(place, 'MRL-SFT-001', { evidence: `header of ${length} bytes`, severity, offset: 0 });
    giveUp(place, 'the header ends early');
    return;
  }
  if (length > audit.limits.textBytesMax) {
    tell(place, 'MRL-SFT-001', { evidence: `header of ${length} bytes`, offset: 0 });
    giveUp(place, 'the header is too long');
    return;
  }
  const parsed = parseJson(textOf(await source.read(8, length)) ?? '');
  if (parsed === null || !isJsonObject(parsed.value)) {
    tell(place, 'MRL-SFT-001', { evidence: 'the header is no JSON object', offset: 8 });
    return;
  }
  for (const pointer of parsed.duplicates) {
    tell(place, 'MRL-SFT-001', { evidence: `${pointer} stands twice`, pointer });
  }
  const tensors: Tensor[] = [];
  for (const [name, value] of Object.entries(parsed.value)) {
    if (name === '__metadata__') scanMetadata(place, value);
    else tensors.push(...readTensor(place, name, value));
  }
  await scanBytes(place, tensors, 8 + length);
  await checkOffsets(place, tensors, source.size - 8 - length, 8 + length);
  audit.dataBytes.count += source.size - 8 - length;
}

function scanMetadata(place: Place, value: Json | undefined): void {
  const entries = isJsonObject(value) ? Object.entries(value) : [];
  if (!isJsonObject(value) || entries.some(([, text]) => typeof text !== 'string')) {
    tell(place, 'MRL-SFT-001', {
      evidence: '__metadata__ expected texts',
      pointer: '/__metadata__',
    });
  }
  for (const [key, text] of entries) {
    if (typeof text !== 'string') continue;
    const pointer = `/__metadata__/${key}`;
    scanTemplate(place, text, pointer);
    const found = embeddedCode(text) ?? embeddedAddress(key, text);
    if (found !== null) tell(place, 'MRL-SFT-004', { evidence: found.evidence, pointer });
  }
}

function readTensor(place: Place, name: string, value: Json | undefined): Tensor[] {
  const fault = (what: string): Tensor[] => {
    tell(place, 'MRL-SFT-001', { evidence: `${name}: ${what}`, pointer: `/${name}` });
    return [];
  };
  if (!isJsonObject(value)) return fault('expected an object');
  const bits = typeof value.dtype === 'string' ? itemBits[value.dtype] : undefined;
  const shape = Array.isArray(value.shape) ? (value.shape as readonly Json[]) : null;
  const offsets = Array.isArray(value.data_offsets) ? (value.data_offsets as readonly Json[]) : [];
  const [begin, end] = offsets;
  if (bits === undefined) return fault(`unknown type ${JSON.stringify(value.dtype)}`);
  if (shape === null || !shape.every(isCount)) return fault('malformed shape');
  if (offsets.length !== 2 || !isCount(begin) || !isCount(end) || end < begin) {
    return fault('malformed offsets');
  }
  const items = shape.reduce<number>((product, each) => product * Number(each), 1);
  if (items * bits !== (end - begin) * 8) return fault('shape and offsets disagree');
  return [{ name, begin, end, isBytes: bits === 8 }];
}

/** Tensors of bytes that are a whole pickle: numbers are never one to their last byte by chance. */
async function scanBytes(place: Place, tensors: readonly Tensor[], origin: number): Promise<void> {
  for (const { name, begin, end, isBytes } of tensors) {
    if (!isBytes || end - begin > pickleBytesMax || origin + end > place.source.size) continue;
    const window = windowOf(place.source, origin + begin, end - begin);
    const danger = await wholeDanger(place, window);
    if (danger === null) continue;
    const evidence = `${name}: ${danger}`;
    tell(place, 'MRL-SFT-005', { evidence, offset: origin + begin, length: end - begin });
  }
}

async function checkOffsets(
  place: Place,
  tensors: Tensor[],
  dataBytes: number,
  origin: number,
): Promise<void> {
  let reached = 0;
  for (const { name, begin, end } of tensors.sort((a, b) => a.begin - b.begin || a.end - b.end)) {
    if (begin !== reached) {
      const evidence = `${name} begins at ${begin}, not at ${reached}`;
      tell(place, 'MRL-SFT-002', { evidence, offset: origin + begin });
    }
    reached = Math.max(reached, end);
  }
  if (reached > dataBytes) {
    tell(place, 'MRL-SFT-002', { evidence: `tensors end at ${reached} of ${dataBytes} bytes` });
    giveUp(place, 'the file ends before its tensors do');
  } else if (reached < dataBytes) {
    await scanTrailing(place, origin + reached, 'MRL-SFT-003');
  }
}

function isCount(value: Json | undefined): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}

function lengthOf(head: Uint8Array): number {
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  return head.length < 8 ? 0 : view.getUint32(4, true) * 2 ** 32 + view.getUint32(0, true);
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return fromUtf8(bytes);
  } catch {
    return null;
  }
}
