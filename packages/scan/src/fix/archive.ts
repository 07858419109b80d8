/**
 * A ZIP archive written anew (PKWARE APPNOTE 6.3.10, section 4.3): one directory, every member
 * once, two headers that agree, nothing before, between or behind. Members are taken as the last
 * directory tells them, which is what most loaders believe, and their checksums must hold.
 */
import { crc32, inflateRawSync } from 'node:zlib';
import { type ByteSource, concat } from '@merlon/core';
import { contradictions, isLink, nameFault, saysEncrypted } from '../zip/compare.ts';
import { type Entry, findDirectories, readDirectory, readLocal } from '../zip/entry.ts';
import { brokenFile, FixError } from './error.ts';
import type { Piece, Repair } from './piece.ts';

const membersMax = 1_000_000;
const checkedBytesMax = 1024 ** 3;
const utf8Flag = 0x800;
const narrowMax = 0xffffffff;
const chunkBytes = 1 << 20;

interface Member {
  readonly entry: Entry;
  readonly dataOffset: number;
}

/** The archive in its plain form. Throws `FixError`. */
export async function plainArchive(source: ByteSource): Promise<Repair> {
  const directories = await findDirectories(source);
  const [last] = directories;
  if (last === undefined) throw brokenFile('the archive has no directory');
  const { entries, broken } = await readDirectory(source, last, membersMax);
  if (broken !== null) throw brokenFile(`its directory ${broken}`);
  const changes: string[] = [];
  if (directories.length > 1) changes.push(`${directories.length - 1} other directories left out`);
  if (last.shift > 0) changes.push(`${last.shift} bytes before the archive left out`);
  if (last.endsAt !== source.size) changes.push('bytes behind the archive left out');
  const members: Member[] = [];
  for (const entry of chosen(entries, changes)) {
    members.push(await checked(source, entry, changes));
  }
  if (members.length === 0) throw new FixError('refused', 'no member of the archive can be kept');
  changes.push(`${members.length} members written once each, with one directory`);
  return { changes, pieces: written(members) };
}

/** Members by their names: links and dangerous names stay behind, of several the last counts. */
function chosen(entries: readonly Entry[], changes: string[]): readonly Entry[] {
  const byName = new Map<string, Entry>();
  for (const entry of entries) {
    const fault = isLink(entry) ? 'is a link' : nameFault(entry.name);
    if (fault !== null) {
      changes.push(`member "${entry.name}" left out: it ${fault}`);
      continue;
    }
    if (byName.has(entry.name)) changes.push(`an earlier member "${entry.name}" left out`);
    byName.set(entry.name, entry);
  }
  return [...byName.values()];
}

async function checked(source: ByteSource, entry: Entry, changes: string[]): Promise<Member> {
  const local = await readLocal(source, entry.localOffset);
  if (local === null) throw brokenFile(`member "${entry.name}" is not where its directory says`);
  if (saysEncrypted(entry)) throw new FixError('unsupported', `"${entry.name}" is encrypted`);
  if (entry.method !== 0 && entry.method !== 8) {
    throw new FixError('unsupported', `"${entry.name}" is packed by method ${entry.method}`);
  }
  if (local.dataOffset + entry.compressedBytes > source.size) {
    throw brokenFile(`member "${entry.name}" reaches beyond the file`);
  }
  for (const what of contradictions(entry, local)) changes.push(`member "${entry.name}": ${what}`);
  const found = await checksum(source, entry, local.dataOffset);
  if (found.crc !== entry.crc || found.bytes !== entry.bytes) {
    throw brokenFile(`the checksum of member "${entry.name}" does not hold`);
  }
  return { entry, dataOffset: local.dataOffset };
}

async function checksum(
  source: ByteSource,
  entry: Entry,
  start: number,
): Promise<{ readonly crc: number; readonly bytes: number }> {
  if (entry.method === 8) {
    if (entry.bytes > checkedBytesMax) {
      throw new FixError('unsupported', `"${entry.name}" unpacks to more than 1 GiB`);
    }
    const packed = await source.read(start, entry.compressedBytes);
    try {
      const bytes = inflateRawSync(packed, { maxOutputLength: entry.bytes + 1 });
      return { crc: crc32(bytes), bytes: bytes.length };
    } catch (cause) {
      throw brokenFile(`member "${entry.name}" cannot be unpacked: ${(cause as Error).message}`);
    }
  }
  let crc = 0;
  for (let at = 0; at < entry.compressedBytes; at += chunkBytes) {
    const length = Math.min(chunkBytes, entry.compressedBytes - at);
    crc = crc32(await source.read(start + at, length), crc);
  }
  return { crc, bytes: entry.compressedBytes };
}

async function* written(members: readonly Member[]): AsyncGenerator<Piece> {
  const central: Uint8Array[] = [];
  let at = 0;
  for (const { entry, dataOffset } of members) {
    const local = headerOf(entry, at, false);
    central.push(headerOf(entry, at, true));
    yield local;
    yield { offset: dataOffset, length: entry.compressedBytes };
    at += local.length + entry.compressedBytes;
  }
  const directory = concat(central);
  yield directory;
  yield endOf({ count: members.length, bytes: directory.length, start: at });
}

/** The header of a member, at the member itself or in the directory. */
function headerOf(entry: Entry, at: number, central: boolean): Uint8Array {
  const name = new TextEncoder().encode(entry.name);
  const numbers = [entry.bytes, entry.compressedBytes, ...(central ? [at] : [])];
  const wide = numbers.some((number) => number >= narrowMax);
  const extra = wide ? wideExtra(numbers) : new Uint8Array(0);
  const narrow = (number: number): number => (wide ? narrowMax : number);
  const fields: [number, number][] = [
    [4, central ? 0x02014b50 : 0x04034b50],
    ...(central ? ([[2, 45]] as [number, number][]) : []),
    [2, wide ? 45 : 20],
    [2, utf8Flag],
    [2, entry.method],
    // The first day that the format knows: times tell nothing of a model.
    [2, 0],
    [2, 0x21],
    [4, entry.crc],
    [4, narrow(entry.compressedBytes)],
    [4, narrow(entry.bytes)],
    [2, name.length],
    [2, extra.length],
    ...(central
      ? ([
          [2, 0],
          [2, 0],
          [2, 0],
          [4, 0],
          [4, narrow(at)],
        ] as [number, number][])
      : []),
  ];
  return concat([packed(fields), name, extra]);
}

function wideExtra(numbers: readonly number[]): Uint8Array {
  const fields: [number, number][] = [
    [2, 1],
    [2, 8 * numbers.length],
    ...numbers.map((number): [number, number] => [8, number]),
  ];
  return packed(fields);
}

function endOf(of: { count: number; bytes: number; start: number }): Uint8Array {
  const { count, bytes, start } = of;
  const wide = count >= 0xffff || start >= narrowMax || bytes >= narrowMax;
  const end64: [number, number][] = [
    ...([
      [4, 0x06064b50],
      [8, 44],
      [2, 45],
      [2, 45],
      [4, 0],
      [4, 0],
      [8, count],
      [8, count],
      [8, bytes],
      [8, start],
    ] as [number, number][]),
    ...([
      [4, 0x07064b50],
      [4, 0],
      [8, start + bytes],
      [4, 1],
    ] as [number, number][]),
  ];
  const end: [number, number][] = [
    [4, 0x06054b50],
    [2, 0],
    [2, 0],
    [2, wide ? 0xffff : count],
    [2, wide ? 0xffff : count],
    [4, wide ? narrowMax : bytes],
    [4, wide ? narrowMax : start],
    [2, 0],
  ];
  return packed([...(wide ? end64 : []), ...end]);
}

/** Numbers of a width in bytes each, little-endian. */
function packed(fields: readonly (readonly [number, number])[]): Uint8Array {
  const out = new Uint8Array(fields.reduce((sum, [width]) => sum + width, 0));
  const view = new DataView(out.buffer);
  let at = 0;
  for (const [width, value] of fields) {
    if (width === 2) view.setUint16(at, value, true);
    else if (width === 4) view.setUint32(at, value, true);
    else view.setBigUint64(at, BigInt(value), true);
    at += width;
  }
  return out;
}
