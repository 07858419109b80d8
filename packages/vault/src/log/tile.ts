/**
 * Tiles: 256 hashes of one level, immutable and cacheable once full (C2SP tlog-tiles). Level 0
 * tiles hold record hashes, level L tiles the roots of full tiles of level L-1.
 */
import { type Bytes, concat } from '@merlon/core';
import { VaultError } from '../error.ts';
import { type HashReader, hashBytes, nodeHash, storedHashIndex } from './tree.ts';

/** Hashes in a full tile. */
export const tileWidth = 256;
/** The most bytes of one entry, so that its length fits two bytes. */
export const entryBytesMax = 65535;

const tileHeight = 8;

/** A tile of hashes, or a bundle of entries. */
export interface Tile {
  /** `entries` for records themselves. */
  readonly level: number | 'entries';
  /** From 0 within its level. */
  readonly index: number;
  /** 1 … 256; less than 256 is a partial tile. */
  readonly width: number;
}

/** The path of a tile, such as `tile/0/x001/x234/067.p/8`. */
export function tilePath(tile: Tile): string {
  const groups = [String(tile.index % 1000).padStart(3, '0')];
  for (let rest = Math.floor(tile.index / 1000); rest > 0; rest = Math.floor(rest / 1000)) {
    groups.unshift(`x${String(rest % 1000).padStart(3, '0')}`);
  }
  const partial = tile.width === tileWidth ? '' : `.p/${tile.width}`;
  return `tile/${tile.level}/${groups.join('/')}${partial}`;
}

/** The tile of a path; throws `bad-tile` for any other spelling. */
export function parseTilePath(path: string): Tile {
  const match = /^tile\/(entries|\d{1,2})\/((?:x\d{3}\/)*\d{3})(?:\.p\/(\d{1,3}))?$/.exec(path);
  const [, levelText = '', groups = '', widthText] = match ?? [];
  const level: Tile['level'] = levelText === 'entries' ? levelText : Number(levelText);
  const index = Number(groups.replace(/[x/]/g, ''));
  const tile: Tile = {
    level,
    index,
    width: widthText === undefined ? tileWidth : Number(widthText),
  };
  const sound =
    match !== null && Number.isSafeInteger(index) && tile.width > 0 && tile.width <= tileWidth;
  // The path must be the only one for its tile, so that caches and proofs agree.
  if (!sound || tilePath(tile) !== path) {
    throw new VaultError('bad-tile', `expected a tile path, got "${path.slice(0, 100)}"`);
  }
  return tile;
}

/** The tiles that came into being or grew between two sizes, entry bundles included. */
export function newTiles(oldSize: number, newSize: number): Tile[] {
  const tiles: Tile[] = [];
  const add = (level: number | 'entries', before: number, after: number): void => {
    if (before === after) return;
    for (let index = Math.floor(before / tileWidth); index * tileWidth < after; index++) {
      tiles.push({ level, index, width: Math.min(tileWidth, after - index * tileWidth) });
    }
  };
  add('entries', oldSize, newSize);
  let [before, after] = [oldSize, newSize];
  for (let level = 0; after > 0; level++) {
    add(level, before, after);
    before = Math.floor(before / tileWidth);
    after = Math.floor(after / tileWidth);
  }
  return tiles;
}

/** The bytes of a tile of hashes. */
export async function tileData(tile: Tile, reader: HashReader): Promise<Bytes> {
  if (tile.level === 'entries') throw new VaultError('bad-tile', 'expected a tile of hashes');
  const first = tile.index * tileWidth;
  const level = tile.level * tileHeight;
  const indexes = Array.from({ length: tile.width }, (_, i) => storedHashIndex(level, first + i));
  return concat(await reader.read(indexes));
}

/** The bytes of an entry bundle: each entry behind its length in two big-endian bytes. */
export function entryBundle(entries: readonly Uint8Array[]): Bytes {
  const parts: Uint8Array[] = [];
  for (const entry of entries) {
    if (entry.length > entryBytesMax) {
      const got = `got ${entry.length}`;
      throw new VaultError('bad-tile', `entry expected at most ${entryBytesMax} bytes, ${got}`);
    }
    parts.push(Uint8Array.of(entry.length >> 8, entry.length & 255), entry);
  }
  return concat(parts);
}

/** The entries of a bundle; throws `bad-tile` when it is cut. */
export function readEntryBundle(bundle: Uint8Array): Uint8Array[] {
  const entries: Uint8Array[] = [];
  for (let at = 0; at < bundle.length; ) {
    const length = (bundle[at] ?? 0) * 256 + (bundle[at + 1] ?? 0);
    const end = at + 2 + length;
    if (end > bundle.length) throw new VaultError('bad-tile', 'entry bundle ends early');
    entries.push(bundle.subarray(at + 2, end));
    at = end;
  }
  return entries;
}

/**
 * A hash reader over tiles, as an outside auditor has them: `fetch` gives the bytes of the tile.
 * The hashes are only as true as the tiles; check the root against a checkpoint.
 */
export function tileReader(size: number, fetch: (tile: Tile) => Promise<Uint8Array>): HashReader {
  const cache = new Map<string, Promise<Uint8Array>>();
  const tileBytes = (tile: Tile): Promise<Uint8Array> => {
    const path = tilePath(tile);
    const held = cache.get(path) ?? fetch(tile);
    cache.set(path, held);
    return held;
  };
  const hashAt = async (level: number, n: number): Promise<Uint8Array> => {
    const tileLevel = Math.floor(level / tileHeight);
    const span = 2 ** (level - tileLevel * tileHeight);
    const first = n * span;
    const index = Math.floor(first / tileWidth);
    const total = Math.floor(size / tileWidth ** tileLevel);
    const width = Math.min(tileWidth, total - index * tileWidth);
    if (width < 1) throw new VaultError('bad-tile', `no hash ${level}/${n} in ${size} records`);
    const bytes = await tileBytes({ level: tileLevel, index, width });
    const start = (first - index * tileWidth) * hashBytes;
    return foldTile(bytes.subarray(start, start + span * hashBytes), span);
  };
  return {
    read: (indexes) =>
      Promise.all(
        indexes.map((index) => {
          const place = splitStoredHashIndex(index);
          return hashAt(place.level, place.n);
        }),
      ),
  };
}

/** Level and number of a stored hash: the inverse of `storedHashIndex`. */
export function splitStoredHashIndex(index: number): { level: number; n: number } {
  // A tree of n records stores fewer than 2n hashes, so n is near index / 2.
  let n = Math.floor(index / 2);
  let at = storedHashIndex(0, n);
  for (;;) {
    let next = at + 1;
    for (let rest = n; rest % 2 === 1; rest = Math.floor(rest / 2)) next++;
    if (next > index) break;
    n++;
    at = next;
  }
  const level = index - at;
  return { level, n: Math.floor(n / 2 ** level) };
}

function foldTile(bytes: Uint8Array, span: number): Uint8Array {
  if (bytes.length !== span * hashBytes) throw new VaultError('bad-tile', 'tile ends early');
  let level: Uint8Array[] = Array.from({ length: span }, (_, i) =>
    bytes.subarray(i * hashBytes, (i + 1) * hashBytes),
  );
  while (level.length > 1) {
    level = Array.from({ length: level.length / 2 }, (_, i) =>
      nodeHash(level[2 * i] ?? new Uint8Array(0), level[2 * i + 1] ?? new Uint8Array(0)),
    );
  }
  return level[0] ?? new Uint8Array(0);
}
