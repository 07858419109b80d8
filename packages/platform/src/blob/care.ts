/**
 * Care for the objects: what nobody names is removed once it is old enough, and every object is
 * read again from time to time, so that damage is found while there is still a copy.
 */
import { type OnProgress, startDigest } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import type { VersionFile } from '../model.ts';
import type { Services } from '../services.ts';
import { type BlobStore, piecesOf, type Replica } from './blob.ts';

/** What a scrub found. */
export interface ScrubReport {
  readonly objects: number;
  readonly damaged: readonly string[];
  /** Those of the damaged that a replica made whole again. */
  readonly repaired: readonly string[];
}

/**
 * Removes objects that no version names and that are older than the retention; younger ones may
 * belong to an upload that is not written down yet. Returns how many went.
 */
export async function collectGarbage(
  { store, blobs, clock }: Pick<Services, 'store' | 'blobs' | 'clock'>,
  retentionMs: number,
): Promise<number> {
  const used = await store.blobNames();
  let removed = 0;
  for (const name of await blobs.list()) {
    const age = clock.nowMs() - madeAtMs(name);
    if (used.has(name) || age < retentionMs) continue;
    await blobs.remove(name);
    removed++;
  }
  return removed;
}

/** Removes those of the objects that no version names any more; several may share one. */
export async function removeUnused(
  { store, blobs }: Pick<Services, 'store' | 'blobs'>,
  names: Iterable<string>,
): Promise<void> {
  const unique = [...new Set(names)];
  const uses = await store.blobUses(unique);
  for (const name of unique) if (!uses.has(name)) await blobs.remove(name);
}

/**
 * Reads every object to its end. One that does not open to its digest is fetched from the replica,
 * if there is one and it is whole there; otherwise the report names it.
 */
export async function scrub(
  services: Pick<Services, 'store' | 'blobs' | 'keys'>,
  options: {
    readonly replica?: Replica;
    readonly onProgress?: OnProgress;
    readonly signal?: AbortSignal;
  } = {},
): Promise<ScrubReport> {
  const { store, blobs } = services;
  const files = await store.allFiles();
  const damaged: string[] = [];
  const repaired: string[] = [];
  for (const [done, file] of files.entries()) {
    options.signal?.throwIfAborted();
    options.onProgress?.({ label: 'reading objects', done, total: files.length });
    if (!(await isReadable(services, file)) || (await isWhole(services, file))) continue;
    // It may have been sealed anew, or its key destroyed, while it was read.
    if (!(await isReadable(services, file))) continue;
    damaged.push(file.blob);
    if (options.replica === undefined) continue;
    await fetchAgain(blobs, options.replica, file.blob);
    if (await isWhole(services, file)) repaired.push(file.blob);
  }
  return { objects: files.length, damaged, repaired };
}

/** What was replaced, or whose key was destroyed on purpose, is no damage. */
async function isReadable(
  { store }: Pick<Services, 'store'>,
  { versionId, blob, keyId }: VersionFile,
): Promise<boolean> {
  const key = await store.wrappedKey(keyId);
  if (key === null || key.destroyedAt !== null) return false;
  return (await store.files(versionId)).some((file) => file.blob === blob);
}

/** Whether it opens to its digest. */
export async function isWhole(
  { keys }: Pick<Services, 'keys'>,
  file: VersionFile,
): Promise<boolean> {
  try {
    const clear = await keys.open(file);
    const hasher = startDigest();
    try {
      for await (const piece of piecesOf(clear)) hasher.update(piece);
    } finally {
      await clear.close();
    }
    return hasher.finish() === file.digest;
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : '';
    if (code === 'cannot-open' || code === 'not-found') return false;
    throw error;
  }
}

async function fetchAgain(blobs: BlobStore, replica: Replica, name: string): Promise<void> {
  try {
    const source = await replica.open(name);
    try {
      await blobs.remove(name);
      await blobs.put(name, piecesOf(source));
    } finally {
      await source.close();
    }
  } catch (error) {
    // A replica without the object cannot help; the object stays damaged and is told as such.
    if (!(error instanceof PlatformError && error.code === 'not-found')) throw error;
  }
}

/** Names are UUIDs of version 7: their first 48 bits are the time at which they were made. */
function madeAtMs(name: string): number {
  const milliseconds = Number.parseInt(name.replaceAll('-', '').slice(0, 12), 16);
  return Number.isNaN(milliseconds) ? 0 : milliseconds;
}
