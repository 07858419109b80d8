/**
 * The key of the embedded database follows from the home key and a number. Changing it is written
 * down before it is begun, so that whenever the process dies the next start knows both keys and
 * finishes what was begun.
 */
import { wipe } from '@merlon/core';
import type { RootKeyProvider } from '@merlon/vault';
import { PlatformError } from '../errors.ts';
import { type HomeFile, readHomeFile, writeHomeFile } from '../home.ts';

/** A database whose key can be changed. */
export interface Rekeyable {
  /** Encrypts the whole database under another key, at once or not at all. */
  rekey(key: Uint8Array): Promise<void>;
}

/** Opens the database of a home by its key, and finishes a change that was interrupted. */
export async function openKeyed<T extends Rekeyable>(
  folder: string,
  rootKey: RootKeyProvider,
  openWith: (key: Uint8Array) => Promise<T>,
): Promise<T> {
  const file = readHomeFile(folder);
  const { databaseKey, databaseKeyNext: next } = file;
  if (next === null) return withKey(rootKey, databaseKey, openWith);
  try {
    const database = await withKey(rootKey, databaseKey, openWith);
    await change(folder, rootKey, { file, database, next }).catch((error: unknown) => {
      // Somebody else has the file open: it works on under its old key until the next start.
      if (!(error instanceof PlatformError && error.code === 'unavailable')) throw error;
    });
    return database;
  } catch (error) {
    if (!(error instanceof PlatformError && error.code === 'wrong-passphrase')) throw error;
    // The change was done, only its end was not written down.
    const database = await withKey(rootKey, next, openWith);
    writeHomeFile(folder, { ...file, databaseKey: next, databaseKeyNext: null });
    return database;
  }
}

/** Gives an open database its next key; returns the key's number. */
export async function rekeyDatabase(
  folder: string,
  rootKey: RootKeyProvider,
  database: Rekeyable,
): Promise<number> {
  const file = readHomeFile(folder);
  if (file.homeKey === null) {
    throw new PlatformError('not-ready', 'this home is of the first format', {
      hint: 'bring it up to date first: merlon keys move --to key-file',
    });
  }
  const next = file.databaseKey + 1;
  writeHomeFile(folder, { ...file, databaseKeyNext: next });
  await change(folder, rootKey, { file, database, next });
  return next;
}

/** A key of the database by its number; the caller wipes it. */
export function databaseKeyOf(rootKey: RootKeyProvider, number: number): Promise<Uint8Array> {
  return rootKey.derive(number === 0 ? 'database' : `database/${number}`);
}

async function change(
  folder: string,
  rootKey: RootKeyProvider,
  of: { readonly file: HomeFile; readonly database: Rekeyable; readonly next: number },
): Promise<void> {
  await withKey(rootKey, of.next, (key) => of.database.rekey(key));
  writeHomeFile(folder, { ...of.file, databaseKey: of.next, databaseKeyNext: null });
}

async function withKey<T>(
  rootKey: RootKeyProvider,
  number: number,
  use: (key: Uint8Array) => Promise<T>,
): Promise<T> {
  const key = await databaseKeyOf(rootKey, number);
  try {
    return await use(key);
  } finally {
    wipe(key);
  }
}
