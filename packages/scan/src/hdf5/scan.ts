/**
 * Audits HDF5 files (The HDF Group, specification 3.0): groups, links, attributes and where data
 * lies. Arrays of numbers are never read; what points outside of the file is told.
 */
import { windowOf } from '@merlon/core';
import { giveUp, memberName, type Place, tell, tooDeep } from '../audit.ts';
import { latin1, startsWith } from '../bytes.ts';
import { attributeText } from './attribute.ts';
import { type Block, Hdf5File, MalformedFile } from './file.ts';
import { denseObjects, globalObject, localHeap, symbols } from './heap.ts';
import { type Message, messagesOf } from './object.ts';

const objectsMax = 200_000;
const signature = '894844460d0a1a0a';
const rawBytesMin = 4;
const superblockBytes = 96;

interface Walk {
  readonly place: Place;
  readonly file: Hdf5File;
  readonly seen: Set<number>;
  /** Objects that are still to be looked at. */
  readonly open: { readonly address: number; readonly path: string }[];
}

/** True for the signature of HDF5. */
export function looksLikeHdf5(head: Uint8Array): boolean {
  return startsWith(head, signature);
}

/** Audits all objects that can be reached from the root. */
export async function scanHdf5(place: Place): Promise<void> {
  try {
    const { file, root } = await openFile(place);
    const walk: Walk = { place, file, seen: new Set(), open: [{ address: root, path: '' }] };
    for (let next = walk.open.pop(); next !== undefined; next = walk.open.pop()) {
      if (walk.seen.has(next.address)) continue;
      if (walk.seen.size > objectsMax) throw new MalformedFile('too many objects');
      walk.seen.add(next.address);
      await scanObject(walk, next.address, next.path);
    }
    place.audit.dataBytes.count += place.source.size;
  } catch (thrown) {
    if (!(thrown instanceof MalformedFile)) throw thrown;
    tell(place, 'MRL-HDF-002', { evidence: thrown.message });
    giveUp(place, `the file breaks: ${thrown.message}`);
  }
}

async function openFile(place: Place): Promise<{ file: Hdf5File; root: number }> {
  const { source } = place;
  const sizes = { offset: 8, length: 8 };
  const first = await new Hdf5File(source, sizes, 0).upTo(0, superblockBytes);
  first.skip(8);
  const version = first.number(1);
  if (version > 3) throw new MalformedFile(`superblock of version ${version}`);
  first.skip(version < 2 ? 4 : 0);
  const widths = { offset: first.number(1), length: first.number(1) };
  if (![4, 8].includes(widths.offset) || ![4, 8].includes(widths.length)) {
    throw new MalformedFile('widths of addresses');
  }
  const block = await new Hdf5File(source, widths, 0).upTo(0, superblockBytes + 8);
  block.skip(version < 2 ? 24 + (version === 1 ? 4 : 0) : 12);
  const base = block.address();
  block.address();
  const end = block.address();
  block.address();
  if (version < 2) block.address();
  const root = version < 2 ? block.address() : await rootOfNew(source, widths);
  const file = new Hdf5File(source, widths, Math.max(0, base));
  if (end > source.size) {
    tell(place, 'MRL-FIL-004', { evidence: `${source.size} of ${end} bytes` });
    giveUp(place, 'the file ends early');
  } else if (end >= 0 && end < source.size) await scanTail(place, end);
  return { file, root };
}

async function rootOfNew(source: Place['source'], widths: { offset: number; length: number }) {
  const block = await new Hdf5File(source, widths, 0).upTo(0, superblockBytes);
  block.skip(12 + 3 * widths.offset);
  return block.address();
}

/** What follows the end that the file itself gives. */
async function scanTail(place: Place, end: number): Promise<void> {
  const { source } = place;
  const size = source.size - end;
  const head = await source.read(end, Math.min(size, 1 << 16));
  // Padding, or ends of lines that some editor or transfer added.
  if (head.every((byte) => byte === 0 || byte === 10 || byte === 13)) return;
  tell(place, 'MRL-FIL-005', { evidence: `${size} bytes`, offset: end });
  if (place.depth >= place.audit.limits.depthMax) return tooDeep(place);
  const inner = windowOf(source, end, size);
  await place.descend({
    ...place,
    source: inner,
    origin: place.origin + end,
    depth: place.depth + 1,
    raw: true,
  });
}

async function scanObject(walk: Walk, address: number, path: string): Promise<void> {
  const { file } = walk;
  const messages = await messagesOf(file, address);
  const type = messages.find((message) => message.type === 3)?.block;
  const kind = type === undefined ? -1 : type.number(1) & 15;
  if (type !== undefined) type.at = 0;
  for (const message of messages) await scanMessage(walk, message, path, kind);
}

async function scanMessage(
  walk: Walk,
  message: Message,
  path: string,
  kind: number,
): Promise<void> {
  const { block } = message;
  switch (message.type) {
    case 0x02:
      return scanLinkInfo(walk, block, path);
    case 0x06:
      return scanLink(walk, block, path);
    case 0x07:
      tell(walk.place, 'MRL-HDF-001', { evidence: 'data in external files', pointer: path });
      return;
    case 0x08:
      return scanLayout(walk, block, path, kind);
    case 0x0c:
      return attributeText(walk.place, walk.file, block, path);
    case 0x11:
      return scanSymbolTable(walk, block, path);
    case 0x15:
      return scanAttributeInfo(walk, block, path);
    default:
      return;
  }
}

async function scanSymbolTable(walk: Walk, block: Block, path: string): Promise<void> {
  const tree = block.address();
  const nameAt = await localHeap(walk.file, block.address());
  for await (const { name, address, cache } of symbols(walk.file, tree)) {
    if (cache !== 2) walk.open.push({ address, path: `${path}/${nameAt(name)}` });
  }
}

async function scanLinkInfo(walk: Walk, block: Block, path: string): Promise<void> {
  block.skip(1);
  const flags = block.number(1);
  if (flags & 1) block.skip(8);
  const heap = block.address();
  const tree = block.address();
  if (heap < 0 || tree < 0) return;
  for await (const link of denseObjects(walk.file, heap, tree, 4)) scanLink(walk, link, path);
}

async function scanAttributeInfo(walk: Walk, block: Block, path: string): Promise<void> {
  block.skip(1);
  const flags = block.number(1);
  if (flags & 1) block.skip(2);
  const heap = block.address();
  const tree = block.address();
  if (heap < 0 || tree < 0) return;
  for await (const attribute of denseObjects(walk.file, heap, tree, 0)) {
    await attributeText(walk.place, walk.file, attribute, path);
  }
}

function scanLink(walk: Walk, block: Block, path: string): void {
  block.skip(1);
  const flags = block.number(1);
  const kind = flags & 8 ? block.number(1) : 0;
  if (flags & 4) block.skip(8);
  if (flags & 16) block.skip(1);
  const name = new TextDecoder().decode(block.take(Math.max(0, block.number(2 ** (flags & 3)))));
  if (kind === 0) walk.open.push({ address: block.address(), path: `${path}/${name}` });
  else if (kind === 64) {
    const value = latin1(block.take(Math.max(0, block.number(2)))).slice(1);
    const evidence = `${name} → ${value.split('\0').slice(0, 2).join(':')}`;
    tell(walk.place, 'MRL-HDF-001', {
      evidence,
      pointer: `${path}/${name}`,
      cve: ['CVE-2026-1669'],
    });
  }
}

/** Where the data of a set lies; texts and bytes may be something of their own. */
async function scanLayout(walk: Walk, block: Block, path: string, kind: number): Promise<void> {
  const version = block.number(1);
  if (version < 3) return;
  const layout = block.number(1);
  if (layout === 3) return scanVirtual(walk, block, path);
  const isBytes = kind === 3 || kind === 5 || kind === 0;
  if (layout !== 1 || !isBytes) return;
  const address = block.address();
  const bytes = block.length();
  const { place, file } = walk;
  const start = file.base + address;
  if (address < 0 || bytes < rawBytesMin || start + bytes > place.source.size) return;
  if (place.depth >= place.audit.limits.depthMax) return;
  const source = windowOf(place.source, start, bytes);
  const member = memberName(place, path);
  await place.descend({ ...place, source, member, origin: 0, depth: place.depth + 1, raw: true });
}

/** A virtual set is put together from others, which may lie in other files. */
async function scanVirtual(walk: Walk, block: Block, path: string): Promise<void> {
  const address = block.address();
  const index = block.number(4);
  if (address < 0) return;
  const object = latin1(await globalObject(walk.file, address, index));
  const names = object
    .slice(9)
    .split('\0')
    .filter((name) => /^[\w./\\-]{2,}$/.test(name));
  const outside = names.find((name) => /\.(h5|hdf5|nc|keras|he5)$|[/\\]\.\.|^\.\./i.test(name));
  if (outside !== undefined) tell(walk.place, 'MRL-HDF-001', { evidence: outside, pointer: path });
}
