/**
 * Audits a ZIP archive as every reader could see it: by its directory, by its members' own headers,
 * and by what stands between them. Members are audited whichever of the two describes them.
 */

import { crc32 } from 'node:zlib';
import { type ByteSource, windowOf } from '@merlon/core';
import { type Compression, inflate, type Unpacker } from '../archive/inflate.ts';
import { lzmaOfZip } from '../archive/lzma.ts';
import { giveUp, memberName, notUnderstood, type Place, tell, tooDeep } from '../audit.ts';
import { pattern } from '../text/pattern.ts';
import {
  collisions,
  contradictions,
  hasDescriptor,
  isLink,
  isSetId,
  nameFault,
  saysEncrypted,
} from './compare.ts';
import { type Directory, type Entry, findDirectories, readDirectory, readLocal } from './entry.ts';

/** A stretch of the archive that a member takes. */
interface Span {
  readonly start: number;
  readonly end: number;
}

interface Kind {
  readonly format: string;
  readonly torch: boolean;
}

const methods: Readonly<Record<number, Compression | Unpacker>> = {
  8: 'deflate',
  12: 'bzip2',
  14: lzmaOfZip,
  93: 'zstd',
  95: 'xz',
};
const descriptorBytesMax = 24;
const gapsMax = 10_000;
/** Members overlapping others that are read all the same. */
const sharedMax = 4;
const gapBytesMax = 1 << 16;
const checksumBytesMax = 1 << 24;
/** Weights are only checked where it costs nothing: a changed number is no attack on the reader. */
const rawChecksumBytesMax = 1 << 16;

/** Audits the archive and, in turn, every member. */
export async function scanZip(place: Place): Promise<void> {
  const { source } = place;
  const directories = await findDirectories(source);
  const [last, ...others] = directories;
  if (last === undefined) {
    const first = await readLocal(source, 0);
    if (first !== null) await scanWithoutDirectory(place);
    giveUp(place, 'the archive has no directory');
    return;
  }
  if (last.endsAt !== source.size) {
    const evidence = `${Math.abs(source.size - last.endsAt)} bytes around the end record`;
    tell(place, 'MRL-ARC-007', { evidence, offset: last.endsAt });
  }
  const spans: Span[] = [];
  const kind = await scanDirectory(place, last, spans, null);
  for (const other of others) {
    // An archive that is stored inside this one brings its own end record along.
    if (spans.some(({ start, end }) => other.endOffset >= start && other.endOffset < end)) continue;
    const evidence = 'a second directory';
    tell(place, 'MRL-ARC-001', { evidence, offset: other.endOffset });
    await scanDirectory(place, other, spans, kind);
  }
  await scanGaps(place, spans, kind);
}

/** Audits the members of a directory and notes the stretches that they take. */
async function scanDirectory(
  place: Place,
  directory: Directory,
  spans: Span[],
  known: Kind | null,
): Promise<Kind> {
  const budget = place.audit.limits.membersMax - place.audit.members;
  const { entries, broken } = await readDirectory(place.source, directory, budget);
  if (broken !== null) tell(place, 'MRL-ARC-001', { evidence: `the directory ${broken}` });
  if (directory.contradicts) {
    tell(place, 'MRL-ARC-001', { evidence: 'two end records', offset: directory.endOffset });
  }
  if (entries.length < directory.count) giveUp(place, `the directory ${broken ?? 'is long'}`);
  const kind = known ?? kindOf(entries);
  if (place.member === '') place.audit.formats.add(kind.format);
  tellNames(place, entries);
  for (const { name } of entries) {
    if (isForeign(name, kind.format)) tell(place, 'MRL-ARC-012', { evidence: name });
  }
  const sharing = overlapping(entries);
  let read = 0;
  for (const entry of entries) {
    if (sharing.has(entry) && ++read > sharedMax) continue;
    spans.push(...(await scanEntry(place, entry, kind)));
  }
  if (read > sharedMax) {
    tell(place, 'MRL-ARC-003', { evidence: `${sharing.size} members share their bytes` });
    giveUp(place, `${read - sharedMax} members that overlap others`);
  }
  // The ZIP64 records, if there are any, stand between the directory and its end record.
  spans.push({ start: directory.start, end: directory.endsAt });
  return kind;
}

/** Members that begin within another one; thousands of them make a bomb (Fifield 2019). */
function overlapping(entries: readonly Entry[]): ReadonlySet<Entry> {
  const found = new Set<Entry>();
  let end = 0;
  for (const entry of entries.toSorted((a, b) => a.localOffset - b.localOffset)) {
    if (entry.localOffset < end) found.add(entry);
    end = Math.max(end, entry.localOffset + entry.compressedBytes);
  }
  return found;
}

function kindOf(entries: readonly Entry[]): Kind {
  const names = entries.map((entry) => entry.name);
  const torch = names.some((name) =>
    /(^|\/)(data\.pkl|archive_format|\.data\/version)$/.test(name),
  );
  if (torch && names.some((name) => /(^|\/)\.data\/(extern_modules|python_version)$/.test(name))) {
    return { format: 'torch-package', torch };
  }
  if (torch) return { format: names.some(isScript) ? 'torchscript' : 'torch-zip', torch };
  if (names.length > 0 && names.every((name) => name.endsWith('.npy'))) {
    return { format: 'npz', torch };
  }
  const keras = names.includes('config.json') && names.includes('metadata.json');
  return { format: keras ? 'keras' : 'zip', torch };
}

/** Where PyTorch's archives keep their numbers. */
function isStorage(name: string): boolean {
  return pattern('scan.isStorage').test(name);
}

/** Programs in the archives of weights, which need none; TorchScript and packages bring code. */
function isForeign(name: string, format: string): boolean {
  if (!['torch-zip', 'keras', 'npz'].includes(format)) return false;
  return /\.(py|pyc|pyd|sh|bash|so|dll|dylib|exe|bat|cmd|ps1|js|jar|vbs)$/i.test(name);
}

function isScript(name: string): boolean {
  return /(^|\/)code\/.*\.py$/.test(name);
}

function tellNames(place: Place, entries: readonly Entry[]): void {
  for (const evidence of collisions(entries).slice(0, 20)) {
    tell(place, 'MRL-ARC-002', { evidence });
  }
  for (const entry of entries) {
    const fault = nameFault(entry.name);
    if (fault !== null) {
      const evidence = `${entry.name} ${fault}`;
      tell(place, 'MRL-ARC-004', { evidence, offset: entry.localOffset });
    }
    if (isLink(entry)) tell(place, 'MRL-ARC-008', { evidence: entry.name });
    if (isSetId(entry)) tell(place, 'MRL-ARC-011', { evidence: entry.name });
  }
}

/** Audits a member of the directory; the stretches that it takes come back. */
async function scanEntry(place: Place, entry: Entry, kind: Kind): Promise<Span[]> {
  if (++place.audit.members > place.audit.limits.membersMax) {
    giveUp(place, 'too many members');
    return [];
  }
  const local = await readLocal(place.source, entry.localOffset);
  if (local === null) {
    const evidence = `${entry.name} has no header at ${entry.localOffset}`;
    tell(place, 'MRL-ARC-001', { evidence });
    return [];
  }
  const faults = contradictions(entry, local);
  for (const fault of faults) {
    tell(place, 'MRL-ARC-001', { evidence: `${entry.name}: ${fault}`, offset: local.localOffset });
  }
  const located = { ...entry, dataOffset: local.dataOffset };
  await scanMember(place, located, kind);
  // A reader that goes by the local header sees another member.
  const other = local.method !== entry.method || local.compressedBytes > entry.compressedBytes;
  if (faults.length > 0 && other && !hasDescriptor(local)) await scanMember(place, local, kind);
  const end = located.dataOffset + located.compressedBytes;
  return [{ start: local.localOffset, end }];
}

/** Audits the content of a member by one description of it. */
async function scanMember(place: Place, entry: Entry, kind: Kind): Promise<void> {
  if (entry.compressedBytes === 0 && entry.bytes === 0) return;
  const available = place.source.size - entry.dataOffset;
  if (available < 0) {
    giveUp(place, `${entry.name} lies outside the archive`);
    return;
  }
  const length = Math.min(entry.compressedBytes, available);
  if (length < entry.compressedBytes) giveUp(place, `${entry.name} ends early`);
  const packed = windowOf(place.source, entry.dataOffset, length);
  const member = memberName(place, entry.name);
  const inside: Place = {
    ...place,
    source: packed,
    member,
    origin: 0,
    depth: place.depth + 1,
    torch: kind.torch,
    raw: saysEncrypted(entry) || (kind.torch && isStorage(entry.name)),
  };
  if (inside.depth > place.audit.limits.depthMax) {
    tooDeep(inside);
    return;
  }
  const clear = await clearSource(inside, packed, entry);
  if (clear !== null) await place.descend({ ...inside, source: clear });
}

/** The clear bytes of a member, tried even when its flags say that it is encrypted. */
async function clearSource(
  inside: Place,
  packed: ByteSource,
  entry: Entry,
): Promise<ByteSource | null> {
  const locked = saysEncrypted(entry);
  if (entry.method === 0) {
    await checkStored(inside, packed, entry);
    if (locked) tell(inside, 'MRL-ARC-006', { evidence: entry.name });
    return packed;
  }
  const compression = methods[entry.method];
  if (compression === undefined) {
    if (locked) tell(inside, 'MRL-ARC-006', { evidence: entry.name });
    notUnderstood(inside, `compression method ${entry.method}`);
    return null;
  }
  const { source, crc, broken } = await inflate(inside, packed, compression);
  if (locked) tell(inside, 'MRL-ARC-006', { evidence: entry.name });
  if (broken !== null) {
    giveUp(inside, locked ? 'encrypted' : `unpacking failed: ${broken}`);
    return source.size > 0 && !locked ? source : null;
  }
  if (crc !== entry.crc && !hasDescriptor(entry)) {
    tellChecksum(inside, entry);
  }
  if (source.size !== entry.bytes && entry.bytes !== 0) {
    const evidence = `${entry.name} unpacks to ${source.size} bytes, not ${entry.bytes}`;
    tell(inside, 'MRL-ARC-001', { evidence });
  }
  return source;
}

async function checkStored(inside: Place, packed: ByteSource, entry: Entry): Promise<void> {
  const bytesMax = inside.raw === true ? rawChecksumBytesMax : checksumBytesMax;
  if (packed.size > bytesMax || saysEncrypted(entry)) return;
  const crc = crc32(await packed.read(0, packed.size));
  if (crc !== entry.crc) tellChecksum(inside, entry);
}

/** Numbers change on the way; a stream of instructions that was changed was changed by someone. */
function tellChecksum(inside: Place, { name }: Entry): void {
  const severity = /\.(pkl|pickle|py|json)$/i.test(name) ? 'medium' : 'low';
  tell(inside, 'MRL-ARC-009', { evidence: name, severity });
}

/** Overlaps, members that no directory lists, and other bytes outside. */
async function scanGaps(place: Place, spans: Span[], kind: Kind): Promise<void> {
  const sorted = spans.sort((a, b) => a.start - b.start).slice(0, gapsMax);
  let reached = 0;
  for (const { start, end } of sorted) {
    if (start < reached) {
      tell(place, 'MRL-ARC-003', { evidence: `${reached - start} bytes shared`, offset: start });
    } else if (start > reached) await scanGap(place, reached, start, kind);
    reached = Math.max(reached, end);
  }
}

async function scanGap(place: Place, from: number, to: number, kind: Kind): Promise<void> {
  const bytes = await place.source.read(from, Math.min(to - from, gapBytesMax));
  const hidden = await findLocal(place, bytes, from, to);
  if (hidden !== null) {
    const evidence = `${hidden.name} is not in the directory`;
    tell(place, 'MRL-ARC-001', { evidence, offset: hidden.localOffset });
    await scanMember(place, hidden, kind);
    return;
  }
  const descriptor = to - from <= descriptorBytesMax && from > 0;
  if (descriptor || bytes.every((byte) => byte === 0)) return;
  tell(place, 'MRL-ARC-007', { evidence: `${to - from} bytes`, offset: from, length: to - from });
  if (from === 0 && place.depth < place.audit.limits.depthMax) {
    const source = windowOf(place.source, from, to - from);
    await place.descend({ ...place, source, depth: place.depth + 1 });
  }
}

async function findLocal(
  place: Place,
  bytes: Uint8Array,
  from: number,
  to: number,
): Promise<Entry | null> {
  for (let at = bytes.indexOf(0x50); at >= 0; at = bytes.indexOf(0x50, at + 1)) {
    if (bytes[at + 1] !== 0x4b || bytes[at + 2] !== 3 || bytes[at + 3] !== 4) continue;
    const entry = await readLocal(place.source, from + at);
    if (entry === null || entry.dataOffset > to) continue;
    const room = to - entry.dataOffset;
    const unknown = entry.compressedBytes === 0 || entry.compressedBytes > room;
    return unknown ? { ...entry, compressedBytes: room } : entry;
  }
  return null;
}

/** An archive that was cut: its members are found one behind the other. */
async function scanWithoutDirectory(place: Place): Promise<void> {
  const kind: Kind = { format: 'zip', torch: true };
  let at = 0;
  for (let count = 0; count < place.audit.limits.membersMax; count++) {
    const entry = await readLocal(place.source, at);
    if (entry === null) return;
    await scanMember(place, entry, kind);
    at = entry.dataOffset + entry.compressedBytes;
    if (hasDescriptor(entry) && entry.compressedBytes === 0) return;
  }
}
