/**
 * Backup and restore: a whole home as one sealed archive, for the holder of the recovery key. What
 * is in it is sealed already, except the description of the home, which holds no secret.
 */
import { createReadStream, existsSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, open, rename, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { type OnProgress, startDigest, systemClock, utf8 } from '@merlon/core';
import { open as openSealed, type RootKeyProvider, seal } from '@merlon/vault';
import type { BlobStore } from '../blob/blob.ts';
import { piecesOf } from '../blob/blob.ts';
import { PlatformError } from '../errors.ts';
import { type Home, openHome, readHomeFile } from '../home.ts';
import { databaseKeyOf } from '../keys/database-key.ts';
import { openKeyring } from '../keys/keyring.ts';
import { recoverHome } from '../keys/recovery.ts';
import type { RootKeySecrets } from '../keys/root-keys.ts';
import { openLedger } from '../ledger/ledger.ts';
import type { Store } from '../store/store.ts';
import { readTar, type TarEntry, writeTar } from './tar.ts';

/** What a backup works with; adapters are named by the caller. */
export interface BackupParts {
  /** Writes a consistent copy of the encrypted database, while it may be in use. */
  snapshot(databasePath: string, key: Uint8Array, to: string): Promise<void>;
  openStore(databasePath: string, key: Uint8Array): Promise<Store>;
  openBlobs(folder: string): Promise<BlobStore>;
}

/** What was put into a backup, or found in one. */
export interface BackupReport {
  readonly objects: number;
  readonly bytes: number;
  readonly decisions: number;
}

const databaseName = 'merlon.db';
const descriptorName = 'merlon.json';
/** Each fails only when the key of the database was changed while it was made. */
const snapshotsMax = 5;

/** The home as a sealed stream; the report is whole once the stream has ended. */
export async function backupHome(
  folder: string,
  parts: BackupParts,
  options: { readonly secrets: RootKeySecrets; readonly onProgress: OnProgress },
): Promise<{ readonly chunks: AsyncIterable<Uint8Array>; readonly report: () => BackupReport }> {
  const path = resolve(folder);
  const file = readHomeFile(path);
  if (file.recovery === null) {
    throw new PlatformError('not-ready', 'this home has no recovery key to seal a backup to', {
      hint: 'make one first: merlon keys recovery --shares -o recovery.txt',
    });
  }
  const home = await openHome(path, options.secrets);
  const work = await mkdtemp(join(path, 'backup-'));
  let report: BackupReport = { objects: 0, bytes: 0, decisions: 0 };
  const { recipient } = file.recovery;
  async function* sealed(): AsyncGenerator<Uint8Array> {
    try {
      const copy = join(work, databaseName);
      const { descriptor, key } = await snapshotOf(home, parts, copy);
      const store = await parts.openStore(copy, key);
      const names = [...(await store.blobNames())].sort();
      const decisions = await store.ledgerSize();
      await store.close();
      const { onProgress } = options;
      const entries = entriesOf({ path, descriptor, copy, names, onProgress });
      for await (const chunk of seal(writeTar(entries), { recipients: [recipient] })) {
        report = { ...report, bytes: report.bytes + chunk.length };
        yield chunk;
      }
      report = { ...report, objects: names.length, decisions };
    } finally {
      home.rootKey.close();
      await rm(work, { recursive: true, force: true });
    }
  }
  return { chunks: sealed(), report: () => report };
}

/**
 * A copy of the database, and the description of the home that names the very key it opens by: the
 * running platform may change that key at any moment.
 */
async function snapshotOf(
  { folder, rootKey, databasePath }: Home,
  parts: BackupParts,
  copy: string,
): Promise<{ readonly descriptor: Uint8Array; readonly key: Uint8Array }> {
  for (let attempt = 1; ; attempt++) {
    const text = readFileSync(join(folder, descriptorName), 'utf8');
    const { databaseKey, databaseKeyNext } = readHomeFile(folder);
    for (const number of new Set([databaseKey, databaseKeyNext ?? databaseKey])) {
      const key = await databaseKeyOf(rootKey, number);
      try {
        await parts.snapshot(databasePath, key, copy);
      } catch (error) {
        await rm(copy, { force: true });
        const isOther = error instanceof PlatformError && error.code === 'wrong-passphrase';
        if (!isOther || attempt === snapshotsMax) throw error;
        continue;
      }
      const named = { ...JSON.parse(text), databaseKey: number, databaseKeyNext: null };
      return { descriptor: utf8(`${JSON.stringify(named, null, 2)}\n`), key };
    }
  }
}

async function* entriesOf(of: {
  readonly path: string;
  readonly descriptor: Uint8Array;
  readonly copy: string;
  readonly names: readonly string[];
  readonly onProgress: OnProgress;
}): AsyncGenerator<TarEntry> {
  const { descriptor } = of;
  yield { name: descriptorName, bytes: descriptor.length, chunks: one(descriptor) };
  yield await fileEntry(databaseName, of.copy);
  for (const [done, name] of of.names.entries()) {
    of.onProgress({ label: 'backing up objects', done, total: of.names.length });
    yield await fileEntry(`blobs/${name}.age`, join(of.path, 'blobs', `${name}.age`));
  }
}

async function fileEntry(name: string, path: string): Promise<TarEntry> {
  const { size } = await stat(path).catch((cause: unknown) => {
    throw new PlatformError('conflict', `"${name}" went away while the backup was made`, {
      hint: 'make the backup again',
      cause,
    });
  });
  return { name, bytes: size, chunks: createReadStream(path, { highWaterMark: 1 << 20 }) };
}

/**
 * A home from a backup by its recovery key alone: unpacked beside, checked wholly (every object
 * opens to its digest, the ledger verifies), and only then given its place and a new root key.
 */
export async function restoreHome(
  chunks: AsyncIterable<Uint8Array>,
  parts: BackupParts,
  to: {
    readonly folder: string;
    readonly identity: string;
    readonly rootKey: string;
    readonly secrets: RootKeySecrets;
    readonly onProgress: OnProgress;
  },
): Promise<BackupReport> {
  const path = resolve(to.folder);
  if (existsSync(path) && readdirSync(path).length > 0) {
    throw new PlatformError('conflict', `"${path}" is not empty`, {
      hint: 'restore into a new folder; nothing that exists is ever overwritten',
    });
  }
  await mkdir(dirname(path), { recursive: true });
  const work = await mkdtemp(join(dirname(path), `.${basename(path)}-restore-`));
  try {
    await mkdir(join(work, 'blobs'), { mode: 0o700 });
    const bytes = await unpack(openSealed(chunks, { identities: [to.identity] }), work);
    await recoverHome(work, to.identity, to);
    const home = await openHome(work, to.secrets);
    const key = await databaseKeyOf(home.rootKey, readHomeFile(work).databaseKey);
    const place = { databasePath: join(work, databaseName), key, blobFolder: join(work, 'blobs') };
    const checked = await checkHome(home.rootKey, place, parts, to.onProgress);
    home.rootKey.close();
    // Renaming onto an empty folder is allowed, onto any other it is not.
    await rename(work, path);
    return { ...checked, bytes };
  } catch (error) {
    await rm(work, { recursive: true, force: true });
    throw error;
  }
}

async function unpack(archive: AsyncIterable<Uint8Array>, work: string): Promise<number> {
  let bytes = 0;
  for await (const entry of readTar(archive)) {
    const known = /^(merlon\.json|merlon\.db|blobs\/[0-9a-z-]{8,64}\.age)$/.test(entry.name);
    if (!known)
      throw new PlatformError('bad-request', `"${entry.name}" does not belong in a backup`);
    const file = await open(join(work, entry.name), 'wx', 0o600);
    try {
      for await (const chunk of entry.chunks) await file.writeFile(chunk);
      await file.sync();
    } finally {
      await file.close();
    }
    bytes += entry.bytes;
  }
  if (!existsSync(join(work, descriptorName)) || !existsSync(join(work, databaseName))) {
    throw new PlatformError('bad-request', 'this is no backup of a home', {
      hint: 'give a file that "merlon backup" wrote',
    });
  }
  return bytes;
}

/** A home's database, its key, and its objects. */
export interface HomePlace {
  readonly databasePath: string;
  readonly key: Uint8Array;
  readonly blobFolder: string;
}

/** Opens every object to its digest, verifies the ledger; throws `conflict` for what is wrong. */
export async function checkHome(
  rootKey: RootKeyProvider,
  { databasePath, key, blobFolder }: HomePlace,
  parts: Pick<BackupParts, 'openStore' | 'openBlobs'>,
  onProgress: OnProgress,
): Promise<Omit<BackupReport, 'bytes'>> {
  const store = await parts.openStore(databasePath, key);
  try {
    const blobs = await parts.openBlobs(blobFolder);
    const keys = openKeyring({ rootKey, store, blobs, clock: systemClock });
    const ledger = await openLedger({ store, rootKey, clock: systemClock });
    const verified = await ledger.verify();
    if (!verified.valid) {
      throw new PlatformError(
        'conflict',
        `the ledger does not verify: ${verified.faults.join('; ')}`,
        {
          hint: 'restore an older backup, and find out who changed this one',
        },
      );
    }
    const files = await store.allFiles();
    for (const [done, file] of files.entries()) {
      onProgress({ label: 'checking objects', done, total: files.length });
      const key = await store.wrappedKey(file.keyId);
      if (key === null || key.destroyedAt !== null) continue;
      const clear = await keys.open(file);
      const hasher = startDigest();
      for await (const piece of piecesOf(clear)) hasher.update(piece);
      await clear.close();
      if (hasher.finish() !== file.digest) {
        throw new PlatformError('conflict', `"${file.path}" is not what its digest says`, {
          hint: 'restore it from a backup, and find out what changed it',
        });
      }
    }
    return { objects: files.length, decisions: verified.size };
  } finally {
    await store.close();
  }
}

async function* one(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield bytes;
}
