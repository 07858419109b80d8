/**
 * Where a file of PyTorch or of NumPy arrays keeps its pickle and its numbers: an archive with
 * `data.pkl` and a member a storage; streams with all storages behind them (torch.save before
 * 1.6); or one pickle that has its numbers inside.
 */
import { inflateRawSync } from 'node:zlib';
import { type ByteSource, memorySource, windowOf } from '@merlon/core';
import { Cursor } from '../cursor.ts';
import { type Entry, findDirectories, readDirectory, readLocal } from '../zip/entry.ts';
import { elementBytes, elementType } from './elements.ts';
import { brokenFile, FixError } from './error.ts';
import { readPickle } from './machine.ts';
import type { Stretch } from './piece.ts';
import { as, type Plain, type Span, type Storage } from './plain.ts';

/** A file opened. */
export interface Opened {
  readonly root: Plain;
  /** Numbers of a storage. */
  numbers(storage: Storage): Promise<Stretch>;
  /** True when all numbers are written the other way round. */
  readonly swapped: boolean;
}

const membersMax = 1_000_000;
const inflatedBytesMax = 1024 ** 3;
const legacyMagic = Number(0x1950a86a20f9469cfc6cn);

/** Opens a file of weights. Throws `FixError`. */
export async function openWeights(source: ByteSource): Promise<Opened> {
  const [directory] = await findDirectories(source);
  if (directory !== undefined) {
    const { entries, broken } = await readDirectory(source, directory, membersMax);
    if (broken !== null) throw brokenFile(`its directory ${broken}`);
    return openArchive(source, entries);
  }
  if ((await readLocal(source, 0)) !== null) throw brokenFile('the archive has no directory');
  const cursor = new Cursor(source);
  const first = await readPickle(cursor);
  if (isMagic(first)) return openLegacy(source, cursor);
  return {
    root: first,
    swapped: false,
    numbers: async ({ key }) => ofSpan({ source, base: 0 }, key),
  };
}

/** The number has more digits than a float64 keeps. */
function isMagic(value: Plain): boolean {
  return typeof value === 'number' && Math.abs(value / legacyMagic - 1) < 1e-12;
}

async function openArchive(source: ByteSource, entries: readonly Entry[]): Promise<Opened> {
  const pickles = entries.filter(({ name }) => name === 'data.pkl' || name.endsWith('/data.pkl'));
  const [entry, ...others] = pickles;
  if (entry === undefined || others.length > 0) {
    const got = `expected one data.pkl in the archive, got ${pickles.length}`;
    throw new FixError('unsupported', got, { hint: 'give a file that torch.save wrote' });
  }
  const prefix = entry.name.slice(0, -'data.pkl'.length);
  const members = new Map(entries.map((each) => [each.name, each]));
  const member = async (name: string): Promise<Stretch | null> => {
    const found = members.get(`${prefix}${name}`);
    return found === undefined ? null : memberSource(source, found);
  };
  const pickle = await memberSource(source, entry);
  const order = await member('byteorder');
  const text = order === null ? 'little' : new TextDecoder().decode(await order.source.read(0, 16));
  return {
    root: await readPickle(new Cursor(pickle.source)),
    swapped: text.trim() === 'big',
    numbers: async ({ key }) => {
      if (typeof key !== 'string') return ofSpan(pickle, key);
      const found = await member(`data/${key}`);
      if (found === null) throw brokenFile(`it has no member "data/${key}"`);
      return found;
    },
  };
}

async function memberSource(source: ByteSource, entry: Entry): Promise<Stretch> {
  const local = await readLocal(source, entry.localOffset);
  if (local === null || local.name !== entry.name || local.method !== entry.method) {
    throw brokenFile(`the two headers of "${entry.name}" disagree`);
  }
  if (local.dataOffset + entry.compressedBytes > source.size) {
    throw brokenFile(`"${entry.name}" reaches beyond the file`);
  }
  const stored = windowOf(source, local.dataOffset, entry.compressedBytes);
  if (entry.method === 0) return { source: stored, base: local.dataOffset };
  if (entry.method !== 8 || entry.bytes > inflatedBytesMax) {
    throw new FixError('unsupported', `"${entry.name}" is packed by method ${entry.method}`, {
      hint: 'unpack the archive and pack it again without compression',
    });
  }
  const packed = await stored.read(0, stored.size);
  const bytes = inflateRawSync(packed, { maxOutputLength: Math.max(1, entry.bytes) });
  return { source: memorySource(new Uint8Array(bytes)), base: null };
}

/** Magic, version and system come first, then the object, the keys and the storages in turn. */
async function openLegacy(source: ByteSource, cursor: Cursor): Promise<Opened> {
  await readPickle(cursor);
  const system = as(await readPickle(cursor), 'dict');
  const little = system?.entries.find(([key]) => key === 'little_endian')?.[1];
  const root = await readPickle(cursor);
  const keys = as(await readPickle(cursor), 'sequence')?.items ?? [];
  const storages = new Map<string, Storage>();
  collect(root, storages);
  const places = new Map<string, Stretch>();
  let at = cursor.at;
  for (const key of keys) {
    const known = storages.get(String(key));
    const head = await source.read(at, 8);
    if (head.length < 8) throw brokenFile('it ends before its numbers');
    const count = Number(new DataView(head.buffer, head.byteOffset, 8).getBigInt64(0, true));
    const type = elementType(known?.type ?? '');
    if (known === undefined || type === null || count !== known.count) {
      throw brokenFile(`what it tells of storage "${String(key)}" does not fit`);
    }
    const bytes = count * elementBytes(type);
    if (at + 8 + bytes > source.size) throw brokenFile('it ends inside its numbers');
    places.set(String(key), { source: windowOf(source, at + 8, bytes), base: at + 8 });
    at += 8 + bytes;
  }
  return {
    root,
    swapped: little === false,
    numbers: async ({ key }) => {
      const place =
        typeof key === 'string' ? places.get(key) : await ofSpan({ source, base: 0 }, key);
      if (place === undefined) throw brokenFile(`it has no storage "${String(key)}"`);
      return place;
    },
  };
}

/** All storages below a value, by their keys. */
function collect(root: Plain, storages: Map<string, Storage>): void {
  const seen = new Set<object>();
  const open: Plain[] = [root];
  for (let value = open.pop(); value !== undefined; value = open.pop()) {
    if (value === null || typeof value !== 'object' || seen.has(value)) continue;
    seen.add(value);
    if (value.kind === 'tensor') open.push(value.storage);
    if (value.kind === 'storage' && typeof value.key === 'string') storages.set(value.key, value);
    if (value.kind === 'sequence') open.push(...value.items);
    if (value.kind === 'dict') for (const entry of value.entries) open.push(...entry);
    if (value.kind === 'opaque') open.push(value.state);
  }
}

async function ofSpan({ source, base }: Stretch, key: string | Span): Promise<Stretch> {
  if (typeof key === 'string') throw brokenFile(`it has no storage "${key}"`);
  if (key.bytes !== undefined) return { source: memorySource(key.bytes), base: null };
  const span = windowOf(source, key.offset, key.length);
  if (!key.latin1) return { source: span, base: base === null ? null : base + key.offset };
  if (key.length > inflatedBytesMax) throw brokenFile('an array of more than 1 GiB as text');
  const text = new TextDecoder().decode(await span.read(0, span.size));
  const bytes = Uint8Array.from(text, (one) => one.charCodeAt(0));
  return { source: memorySource(bytes), base: null };
}
