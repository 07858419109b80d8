/**
 * The Merkle tree of RFC 6962 section 2.1, kept as an append-only list of hashes that never
 * change: the hashes of complete subtrees, in the order in which they become complete (the order
 * of Go's `sumdb/tlog`). Appending, roots and proofs read O(log n) of them.
 */
import { createHash } from 'node:crypto';
import { type Bytes, equalBytes } from '@merlon/core';
import { VaultError } from '../error.ts';

/** Bytes of a hash. */
export const hashBytes = 32;

/** Reads stored hashes by their index, in the order asked for. */
export interface HashReader {
  read(indexes: readonly number[]): Promise<Uint8Array[]>;
}

/** The hash of a leaf: SHA-256 over 0x00 and the record. */
export function recordHash(record: Uint8Array): Bytes {
  return digest(Uint8Array.of(0), record);
}

/** The hash of an inner node: SHA-256 over 0x01 and its two children. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Bytes {
  return digest(Uint8Array.of(1), left, right);
}

/** Index of the hash of the n-th complete subtree of 2^level records. */
export function storedHashIndex(level: number, n: number): number {
  // The subtree becomes complete with its last record; count what stands before that.
  let at = n;
  for (let l = level; l > 0; l--) at = 2 * at + 1;
  let index = 0;
  for (let rest = at; rest > 0; rest = Math.floor(rest / 2)) index += rest;
  return index + level;
}

/** How many hashes a tree of so many records stores. */
export function storedHashCount(records: number): number {
  if (records === 0) return 0;
  let count = storedHashIndex(0, records - 1) + 1;
  for (let i = records - 1; i % 2 === 1; i = Math.floor(i / 2)) count++;
  return count;
}

/** The hashes to store for record number `n` (from 0), given those of the records before it. */
export async function storedHashes(
  n: number,
  leaf: Uint8Array,
  reader: HashReader,
): Promise<Uint8Array[]> {
  const indexes: number[] = [];
  let rest = n;
  for (let level = 0; rest % 2 === 1; level++, rest = Math.floor(rest / 2)) {
    indexes.push(storedHashIndex(level, rest - 1));
  }
  const lefts = await readHashes(reader, indexes);
  const hashes = [leaf];
  let hash = leaf;
  for (const left of lefts) {
    hash = nodeHash(left, hash);
    hashes.push(hash);
  }
  return hashes;
}

/** The root of the tree over the first `size` records; for none, the hash of nothing. */
export async function treeHash(size: number, reader: HashReader): Promise<Uint8Array> {
  checkSize(size);
  return size === 0 ? digest() : rangeHash(await collect(0, size, reader));
}

/** Proof that record `n` is in the tree of that size (RFC 6962 section 2.1.1). */
export async function proveRecord(
  size: number,
  n: number,
  reader: HashReader,
): Promise<Uint8Array[]> {
  if (!(Number.isSafeInteger(n) && n >= 0 && n < size)) {
    throw new VaultError('bad-proof', `record expected in 0 … ${size - 1}, got ${n}`);
  }
  const proof: Uint8Array[] = [];
  let low = 0;
  let high = size;
  const ranges: [number, number][] = [];
  while (high - low > 1) {
    const middle = low + largestPowerBelow(high - low);
    if (n < middle) {
      ranges.push([middle, high]);
      high = middle;
    } else {
      ranges.push([low, middle]);
      low = middle;
    }
  }
  for (const [from, to] of ranges.reverse()) proof.push(rangeHash(await collect(from, to, reader)));
  return proof;
}

/** Proof that the older tree is a beginning of the newer one (RFC 6962 section 2.1.2). */
export async function proveTree(
  newer: number,
  older: number,
  reader: HashReader,
): Promise<Uint8Array[]> {
  checkOlder(newer, older);
  const walk = async (low: number, high: number, whole: boolean): Promise<Uint8Array[]> => {
    if (older === high) return whole ? [] : [rangeHash(await collect(low, high, reader))];
    const middle = low + largestPowerBelow(high - low);
    if (older <= middle) {
      const right = rangeHash(await collect(middle, high, reader));
      return [...(await walk(low, middle, whole)), right];
    }
    const left = rangeHash(await collect(low, middle, reader));
    return [...(await walk(middle, high, false)), left];
  };
  return walk(0, newer, true);
}

/** Throws `bad-proof` unless the proof shows the leaf at place `n` in the tree. */
export function checkRecord(claim: {
  readonly size: number;
  readonly root: Uint8Array;
  readonly n: number;
  readonly leaf: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): void {
  const { size, n, proof } = claim;
  const inside = Number.isSafeInteger(size) && Number.isSafeInteger(n) && n >= 0 && n < size;
  if (!inside || proof.some((hash) => hash.length !== hashBytes)) throw badProof();
  const climb = (low: number, high: number, left: readonly Uint8Array[]): Uint8Array => {
    if (high - low === 1) {
      if (left.length > 0) throw badProof();
      return claim.leaf;
    }
    const last = left.at(-1);
    if (last === undefined) throw badProof();
    const middle = low + largestPowerBelow(high - low);
    return n < middle
      ? nodeHash(climb(low, middle, left.slice(0, -1)), last)
      : nodeHash(last, climb(middle, high, left.slice(0, -1)));
  };
  if (!equalBytes(climb(0, size, proof), claim.root)) throw badProof();
}

/** Throws `bad-proof` unless the proof shows that the older tree is a beginning of the newer. */
export function checkTree(claim: {
  readonly newer: number;
  readonly newerRoot: Uint8Array;
  readonly older: number;
  readonly olderRoot: Uint8Array;
  readonly proof: readonly Uint8Array[];
}): void {
  const { newer, older, olderRoot, proof } = claim;
  checkOlder(newer, older);
  if (proof.some((hash) => hash.length !== hashBytes)) throw badProof();
  const climb = (
    low: number,
    high: number,
    left: readonly Uint8Array[],
  ): [Uint8Array, Uint8Array] => {
    if (older === high) {
      const [only] = left;
      if (low === 0 && left.length === 0) return [olderRoot, olderRoot];
      if (low > 0 && left.length === 1 && only !== undefined) return [only, only];
      throw badProof();
    }
    const last = left.at(-1);
    if (last === undefined) throw badProof();
    const middle = low + largestPowerBelow(high - low);
    const rest = left.slice(0, -1);
    if (older <= middle) {
      const [oldHash, newHash] = climb(low, middle, rest);
      return [oldHash, nodeHash(newHash, last)];
    }
    const [oldHash, newHash] = climb(middle, high, rest);
    return [nodeHash(last, oldHash), nodeHash(last, newHash)];
  };
  const [oldHash, newHash] = climb(0, newer, proof);
  if (!equalBytes(oldHash, olderRoot) || !equalBytes(newHash, claim.newerRoot)) throw badProof();
}

/** The hashes of the complete subtrees that make up a range, from left to right. */
async function collect(low: number, high: number, reader: HashReader): Promise<Uint8Array[]> {
  const indexes: number[] = [];
  for (let at = low; at < high; ) {
    const records = largestPowerIn(high - at);
    indexes.push(storedHashIndex(Math.round(Math.log2(records)), at / records));
    at += records;
  }
  return readHashes(reader, indexes);
}

function rangeHash(parts: readonly Uint8Array[]): Uint8Array {
  return parts.reduceRight((right, left) => nodeHash(left, right));
}

async function readHashes(reader: HashReader, indexes: readonly number[]): Promise<Uint8Array[]> {
  if (indexes.length === 0) return [];
  const hashes = await reader.read(indexes);
  if (hashes.length !== indexes.length || hashes.some((hash) => hash.length !== hashBytes)) {
    throw new VaultError('bad-tile', `expected ${indexes.length} hashes, got others`);
  }
  return hashes;
}

/** The largest power of two that is smaller than `n`, for n > 1. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

/** The largest power of two that is at most `n`. */
function largestPowerIn(n: number): number {
  let power = 1;
  while (power * 2 <= n) power *= 2;
  return power;
}

function digest(...parts: readonly Uint8Array[]): Bytes {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
}

function checkSize(size: number): void {
  if (!Number.isSafeInteger(size) || size < 0) {
    throw new VaultError('bad-proof', `tree size expected a whole number, got ${size}`);
  }
}

function checkOlder(newer: number, older: number): void {
  checkSize(newer);
  if (!Number.isSafeInteger(older) || older < 1 || older > newer) {
    throw new VaultError('bad-proof', `older tree expected 1 … ${newer} records, got ${older}`);
  }
}

function badProof(): VaultError {
  return new VaultError('bad-proof', 'the proof does not show what it claims', {
    hint: 'the log may have been changed; keep both checkpoints',
  });
}
