/** Backup and restore: on another home, by the recovery key alone, wholly checked. */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { type OnProgress, utf8 } from '@merlon/core';
import { generateIdentity, open, seal } from '@merlon/vault';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { findProgram, gather, inPieces, sampleBytes } from '../../vault/test/support.ts';
import { type BackupParts, backupHome, restoreHome } from '../src/backup/backup.ts';
import { readTar, writeTar } from '../src/backup/tar.ts';
import { openFileBlobs } from '../src/blob/file.ts';
import { makeRecovery } from '../src/keys/recovery.ts';
import { start } from '../src/main.ts';
import { openSqlite, snapshotSqlite } from '../src/store/sqlite.ts';
import { freshHome, startTest, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

const parts: BackupParts = {
  snapshot: snapshotSqlite,
  openStore: async (path, key) => (await openSqlite(path, key)).store,
  openBlobs: openFileBlobs,
};
const onProgress: OnProgress = () => undefined;
const weights = sampleBytes(200_000);
const secretWords = utf8('correct horse battery staple, the secret of this model');

let platform: TestPlatform;
let identity = '';
let backup = new Uint8Array();
let versionId = '';
beforeAll(async () => {
  platform = await startTest();
  const { client } = await platform.person('owner');
  const files = { 'weights.txt': weights.map((b) => 32 + (b % 90)), 'words.txt': secretWords };
  versionId = (await sealedVersion(platform, client, { name: 'kept', files })).id;
  const none = backupHome(platform.home, parts, { secrets: {}, onProgress });
  await expect(none).rejects.toMatchObject({ code: 'not-ready' });
  identity = await makeRecovery(platform.home, {});
  // The platform keeps running: a backup needs no pause.
  const made = await backupHome(platform.home, parts, { secrets: {}, onProgress });
  backup = new Uint8Array(await gather(made.chunks));
  expect(made.report()).toMatchObject({ objects: 2, bytes: backup.length });
}, 60_000);
afterAll(() => platform.close());

function restore(
  bytes: Uint8Array,
  folder: string,
  who = identity,
): ReturnType<typeof restoreHome> {
  return restoreHome(inPieces(bytes, 100_000), parts, {
    folder,
    identity: who,
    rootKey: 'key-file',
    secrets: {},
    onProgress,
  });
}

describe('a backup', () => {
  it('comes back elsewhere by the recovery key alone, and runs', async () => {
    const parent = freshHome();
    const folder = join(parent, 'restored');
    const report = await restore(backup, folder);
    expect(report.objects).toBe(2);
    const running = await start({ home: folder, port: 0, onFault: () => undefined });
    const { store, keys, ledger } = running.platform.services;
    const [, words] = await store.files(versionId);
    if (words === undefined) throw new Error('a file is missing');
    const clear = await keys.open(words);
    expect(await clear.read(0, clear.size)).toEqual(secretWords);
    await clear.close();
    expect(await ledger.verify()).toMatchObject({ valid: true, size: report.decisions });
    await running.close();
    // A root key of its own: that of the first home opens nothing here.
    const keyFile = (home: string): string => readFileSync(join(home, 'root.key'), 'utf8');
    expect(keyFile(folder)).not.toBe(keyFile(platform.home));
    rmSync(parent, { recursive: true });
  });

  it('holds no clear byte, sealed and unsealed', async () => {
    expect(Buffer.from(backup).includes('correct horse')).toBe(false);
    const inside = await gather(open(inPieces(backup), { identities: [identity] }));
    expect(Buffer.from(inside).includes('correct horse')).toBe(false);
    expect(Buffer.from(inside).includes('sqlite_master')).toBe(false);
    expect(readdirSync(platform.home).filter((name) => name.startsWith('backup-'))).toEqual([]);
  });

  it('made while the key of the database changes names the key that it opens by', async () => {
    const changing = await startTest();
    const { client } = await changing.person('owner');
    const files = { 'words.txt': secretWords };
    await sealedVersion(changing, client, { name: 'kept', files });
    const own = await makeRecovery(changing.home, {});
    const folder = join(freshHome(), 'restored');
    const tried: boolean[] = [];
    const meanwhile: BackupParts = {
      ...parts,
      snapshot: async (path, key, to) => {
        // Right between reading which key it is and copying.
        if (tried.length === 0) await client.ask('POST', '/api/v1/database/rekey');
        tried.push(false);
        await snapshotSqlite(path, key, to);
        tried[tried.length - 1] = true;
      },
    };
    const made = await backupHome(changing.home, meanwhile, { secrets: {}, onProgress });
    const bytes = new Uint8Array(await gather(made.chunks));
    expect(tried).toEqual([false, true]);
    await changing.close();
    expect(await restore(bytes, folder, own)).toMatchObject({ objects: 1 });
    rmSync(dirname(folder), { recursive: true });
  }, 60_000);

  it('refuses other keys, cuts, changes and full folders, and leaves nothing', async () => {
    const parent = freshHome();
    const folder = join(parent, 'home');
    const stranger = (await generateIdentity()).identity;
    await expect(restore(backup, folder, stranger)).rejects.toMatchObject({ code: 'cannot-open' });
    for (const cut of [backup.slice(0, -1), backup.slice(0, 70_000), backup.slice(0, 10)]) {
      await expect(restore(cut, folder)).rejects.toMatchObject({ code: 'cannot-open' });
    }
    const changed = backup.slice();
    changed[changed.length - 1000] = (changed[changed.length - 1000] ?? 0) ^ 1;
    await expect(restore(changed, folder)).rejects.toMatchObject({ code: 'cannot-open' });
    expect(readdirSync(parent)).toEqual([]);
    mkdirSync(folder);
    writeFileSync(join(folder, 'mine'), 'mine');
    await expect(restore(backup, folder)).rejects.toMatchObject({ code: 'conflict' });
    expect(readdirSync(folder)).toEqual(['mine']);
    rmSync(parent, { recursive: true });
  });

  it('refuses an archive with a foreign or a missing member', async () => {
    const parent = freshHome();
    const inside = await gather(open(inPieces(backup), { identities: [identity] }));
    const { recipient } = JSON.parse(
      readFileSync(join(platform.home, 'merlon.json'), 'utf8'),
    ).recovery;
    const rewritten = async (keep: (name: string) => boolean, extra: string | null) => {
      async function* entries() {
        for await (const entry of readTar(inPieces(inside, 50_000))) {
          const content = await gather(entry.chunks);
          if (keep(entry.name)) yield { ...entry, chunks: inPieces(content) };
        }
        if (extra !== null) yield { name: extra, bytes: 1, chunks: inPieces(utf8('x')) };
      }
      return gather(seal(writeTar(entries()), { recipients: [recipient] }));
    };
    const folder = join(parent, 'home');
    const foreign = await rewritten(() => true, 'root.key');
    await expect(restore(foreign, folder)).rejects.toThrow('"root.key" does not belong');
    const without = await rewritten((name) => name !== 'merlon.db', null);
    await expect(restore(without, folder)).rejects.toThrow('no backup of a home');
    let dropped = false;
    const object = (name: string): boolean => {
      if (!name.startsWith('blobs/') || dropped) return true;
      dropped = true;
      return false;
    };
    await expect(restore(await rewritten(object, null), folder)).rejects.toMatchObject({
      code: 'not-found',
    });
    expect(existsSync(folder)).toBe(false);
    rmSync(parent, { recursive: true });
  });
});

describe('archives', () => {
  const tar = findProgram('tar', 'TAR');
  if (tar === null) console.warn('skipped: no "tar" command');
  it.skipIf(tar === null)('are read by tar', async () => {
    const archive = await gather(
      writeTar([
        { name: 'a', bytes: 5, chunks: inPieces(utf8('hello')) },
        { name: 'b/c.age', bytes: 0, chunks: inPieces(new Uint8Array(0)) },
        { name: 'd', bytes: 1024, chunks: inPieces(sampleBytes(1024)) },
      ]),
    );
    const listed = spawnSync(tar ?? 'tar', ['-tf', '-'], { input: archive });
    expect(String(listed.stdout).split('\n')).toEqual(['a', 'b/c.age', 'd', '']);
    const got = spawnSync(tar ?? 'tar', ['-xOf', '-', 'a'], { input: archive });
    expect(String(got.stdout)).toBe('hello');
  });

  it('refuse names that lead elsewhere, and whatever is cut or goes on', async () => {
    const write = (name: string) =>
      gather(writeTar([{ name, bytes: 0, chunks: inPieces(new Uint8Array(0)) }]));
    for (const name of ['../a', '/a', 'a/../b', 'a/b/c', '', '.hidden', 'a\0b']) {
      await expect(write(name)).rejects.toMatchObject({ code: 'bad-request' });
    }
    const sound = await write('a');
    const read = async (bytes: Uint8Array): Promise<void> => {
      for await (const entry of readTar(inPieces(bytes, 100))) await gather(entry.chunks);
    };
    await read(sound);
    for (const bytes of [sound.slice(0, -1), sound.slice(0, 512), Buffer.concat([sound, sound])]) {
      await expect(read(new Uint8Array(bytes))).rejects.toMatchObject({ code: 'bad-request' });
    }
    const link = sound.slice();
    link[156] = 0x32;
    await expect(read(link)).rejects.toThrow('not as Merlon writes it');
  });
});
