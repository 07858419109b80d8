/** The records of a ZIP archive (PKWARE APPNOTE 6.3.10, sections 4.3 and 4.5), as they stand. */
import type { ByteSource } from '@merlon/core';

/** A member as one of the two places of an archive describes it. */
export interface Entry {
  readonly name: string;
  readonly method: number;
  readonly flags: number;
  readonly crc: number;
  readonly compressedBytes: number;
  readonly bytes: number;
  /** Offset of the local header. */
  readonly localOffset: number;
  /** Offset of the data; only local headers tell it. */
  readonly dataOffset: number;
  /** Unix mode and DOS attributes; only the directory tells them. */
  readonly attributes: number;
}

/** A directory as its end record describes it. */
export interface Directory {
  /** Offset of the end record. */
  readonly endOffset: number;
  /** Offset behind the end record and its comment. */
  readonly endsAt: number;
  readonly start: number;
  readonly bytes: number;
  readonly count: number;
  /** Bytes that stand before the archive, by which all its offsets are off. */
  readonly shift: number;
  /** True when the two end records of a ZIP64 archive tell two directories. */
  readonly contradicts: boolean;
}

/** Signature of a local header, little-endian. */
export const localSignature = 0x04034b50;
const centralSignature = 0x02014b50;
const endSignature = 0x06054b50;
const end64Signature = 0x06064b50;
const locatorSignature = 0x07064b50;

const endBytes = 22;
const commentBytesMax = 65535;
const localBytes = 30;
const centralBytes = 46;
const directoryBytesMax = 1 << 26;
const utf8 = new TextDecoder('utf-8');

/** A view that reads little-endian numbers. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
}

/** All end records whose directory could be one, the last first. */
export async function findDirectories(source: ByteSource): Promise<Directory[]> {
  const tailStart = Math.max(0, source.size - endBytes - commentBytesMax);
  const tail = await source.read(tailStart, source.size - tailStart);
  const view = viewOf(tail);
  const found: Directory[] = [];
  for (let at = tail.length - endBytes; at >= 0 && found.length < 8; at--) {
    if (tail[at] !== 0x50 || view.getUint32(at, true) !== endSignature) continue;
    const directory = await readEnd(source, tailStart + at, view, at);
    if (directory !== null) found.push(directory);
  }
  return found;
}

/** The members that a directory lists; `broken` tells where it ends early. */
export async function readDirectory(
  source: ByteSource,
  directory: Directory,
  membersMax: number,
): Promise<{ entries: Entry[]; broken: string | null }> {
  const length = Math.min(directory.bytes, directoryBytesMax);
  const bytes = await source.read(directory.start, length);
  const view = viewOf(bytes);
  const entries: Entry[] = [];
  let at = 0;
  while (at + centralBytes <= bytes.length && entries.length < membersMax) {
    if (view.getUint32(at, true) !== centralSignature) return { entries, broken: 'bad record' };
    const nameBytes = view.getUint16(at + 28, true);
    const extraBytes = view.getUint16(at + 30, true);
    const commentBytes = view.getUint16(at + 32, true);
    const nameStart = at + centralBytes;
    const end = nameStart + nameBytes + extraBytes + commentBytes;
    if (end > bytes.length) return { entries, broken: 'cut record' };
    const extra = bytes.subarray(nameStart + nameBytes, nameStart + nameBytes + extraBytes);
    const sizes = widen(extra, [
      view.getUint32(at + 24, true),
      view.getUint32(at + 20, true),
      view.getUint32(at + 42, true),
    ]);
    entries.push({
      name: utf8.decode(bytes.subarray(nameStart, nameStart + nameBytes)),
      method: view.getUint16(at + 10, true),
      flags: view.getUint16(at + 8, true),
      crc: view.getUint32(at + 16, true),
      bytes: sizes[0] ?? 0,
      compressedBytes: sizes[1] ?? 0,
      localOffset: (sizes[2] ?? 0) + directory.shift,
      dataOffset: -1,
      attributes: view.getUint32(at + 38, true),
    });
    at = end;
  }
  const whole = entries.length === directory.count && at === directory.bytes;
  return { entries, broken: whole ? null : `lists ${entries.length} of ${directory.count}` };
}

/** The local header at an offset, or null when there is none. */
export async function readLocal(source: ByteSource, offset: number): Promise<Entry | null> {
  if (offset < 0 || offset + localBytes > source.size) return null;
  const head = await source.read(offset, localBytes);
  const view = viewOf(head);
  if (head.length < localBytes || view.getUint32(0, true) !== localSignature) return null;
  const nameBytes = view.getUint16(26, true);
  const extraBytes = view.getUint16(28, true);
  const rest = await source.read(offset + localBytes, nameBytes + extraBytes);
  const sizes = widen(rest.subarray(nameBytes), [
    view.getUint32(22, true),
    view.getUint32(18, true),
  ]);
  return {
    name: utf8.decode(rest.subarray(0, nameBytes)),
    method: view.getUint16(8, true),
    flags: view.getUint16(6, true),
    crc: view.getUint32(14, true),
    bytes: sizes[0] ?? 0,
    compressedBytes: sizes[1] ?? 0,
    localOffset: offset,
    dataOffset: offset + localBytes + nameBytes + extraBytes,
    attributes: 0,
  };
}

async function readEnd(
  source: ByteSource,
  offset: number,
  view: DataView,
  at: number,
): Promise<Directory | null> {
  const commentBytes = view.getUint16(at + 20, true);
  let count = view.getUint16(at + 10, true);
  let bytes = view.getUint32(at + 12, true);
  let start = view.getUint32(at + 16, true);
  let before = offset;
  const wide = await readEnd64(source, offset);
  let contradicts = false;
  if (wide !== null) {
    contradicts =
      (count !== 0xffff && count !== wide.count) ||
      (bytes !== 0xffffffff && bytes !== wide.bytes) ||
      (start !== 0xffffffff && start !== wide.start);
    ({ count, bytes, start } = wide);
    before = wide.offset;
  }
  // Readers take the directory to end where the end record begins, and shift all offsets by that.
  const realStart = before - bytes;
  const shift = realStart - start;
  if (bytes > before || shift < 0) return null;
  if (count > 0 && !(await hasCentral(source, realStart))) return null;
  const endsAt = offset + endBytes + commentBytes;
  return { endOffset: offset, endsAt, start: realStart, bytes, count, shift, contradicts };
}

async function readEnd64(source: ByteSource, offset: number) {
  if (offset < 20) return null;
  const locator = viewOf(await source.read(offset - 20, 20));
  if (locator.getUint32(0, true) !== locatorSignature) return null;
  const at = wideNumber(locator, 8);
  const claimed = at + 56 <= source.size ? viewOf(await source.read(at, 56)) : null;
  if (claimed === null || claimed.byteLength < 56) return null;
  if (claimed.getUint32(0, true) !== end64Signature) return null;
  return {
    offset: at,
    count: wideNumber(claimed, 32),
    bytes: wideNumber(claimed, 40),
    start: wideNumber(claimed, 48),
  };
}

async function hasCentral(source: ByteSource, at: number): Promise<boolean> {
  const bytes = await source.read(at, 4);
  return bytes.length === 4 && viewOf(bytes).getUint32(0, true) === centralSignature;
}

/** Replaces the numbers that say "see the ZIP64 field" by those of that field. */
function widen(extra: Uint8Array, numbers: readonly number[]): number[] {
  const out = [...numbers];
  const view = viewOf(extra);
  for (let at = 0; at + 4 <= extra.length; ) {
    const length = view.getUint16(at + 2, true);
    if (view.getUint16(at, true) === 1) {
      let from = at + 4;
      for (const [i, number] of out.entries()) {
        if (number !== 0xffffffff || from + 8 > Math.min(extra.length, at + 4 + length)) continue;
        out[i] = wideNumber(view, from);
        from += 8;
      }
    }
    at += 4 + length;
  }
  return out;
}

function wideNumber(view: DataView, at: number): number {
  return view.getUint32(at + 4, true) * 2 ** 32 + view.getUint32(at, true);
}
