/** Keys of a running platform: their tree, rotation, destruction. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { start } from '../src/main.ts';
import type { Version, VersionFile } from '../src/model.ts';
import { freshHome, startTest, type TestPerson, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

let platform: TestPlatform;
let owner: TestPerson;
beforeAll(async () => {
  platform = await startTest();
  owner = await platform.person('owner');
}, 60_000);
afterAll(() => platform.close());

async function content(file: VersionFile): Promise<Uint8Array> {
  const clear = await platform.running.platform.services.keys.open(file);
  try {
    return (await clear.read(0, clear.size)).slice();
  } finally {
    await clear.close();
  }
}

async function sealed(
  name: string,
): Promise<{ version: Version; file: VersionFile; bytes: Uint8Array }> {
  const { services } = platform.running.platform;
  // Of equal length, and different: the same content would be sealed once.
  const bytes = utf8(`these are the weights of ${name.padEnd(20, '.')}`);
  const version = await sealedVersion(platform, owner.client, { name, files: { 'a.txt': bytes } });
  const [file] = await services.store.files(version.id);
  if (file === undefined) throw new Error('no file');
  return { version, file, bytes };
}

describe('keys', () => {
  it('hang on the key of their workspace, and that one on the home key', async () => {
    await sealed('tree');
    const { keys } = (await owner.client.ask('GET', '/api/v1/object-keys')) as unknown as {
      keys: { id: string; purpose: string; wrappedBy: string | null }[];
    };
    const [workspace, ...more] = keys.filter((key) => key.purpose === 'workspace');
    expect([workspace?.wrappedBy, more]).toEqual([null, []]);
    const others = keys.filter((key) => key.purpose !== 'workspace');
    expect(new Set(others.map((key) => key.wrappedBy))).toEqual(new Set([workspace?.id]));
    expect(new Set(others.map((key) => key.purpose))).toEqual(
      new Set(['quarantine', 'version', 'signing']),
    );
    expect(JSON.stringify(keys)).not.toMatch(/SECRET|PRIVATE|"wrapped"/);
  });

  it('rotate: new header, same payload, the old key gone, the ledger says so', async () => {
    const { services } = platform.running.platform;
    const { store, blobs } = services;
    const { version, file, bytes } = await sealed('rotated');
    const payloadOf = async (name: string): Promise<string> => {
      const source = await blobs.open(name);
      const raw = Buffer.from(await source.read(source.size - bytes.length - 16 - 16, 53));
      await source.close();
      return raw.toString('hex');
    };
    const before = await payloadOf(file.blob);
    const answer = await owner.client.ask('POST', `/api/v1/versions/${version.id}/rotate-key`, {});
    expect(answer).toMatchObject({ objects: 1 });
    const [after] = await store.files(version.id);
    if (after === undefined) throw new Error('no file');
    expect([after.keyId, after.blob === file.blob]).toEqual([answer.keyId, false]);
    expect(await payloadOf(after.blob)).toBe(before);
    expect(await content(after)).toEqual(bytes);
    await expect(blobs.open(file.blob)).rejects.toMatchObject({ code: 'not-found' });
    const old = await store.wrappedKey(file.keyId);
    expect([old?.destroyedAt === null, old?.wrapped.length]).toEqual([false, 0]);
    const [entry] = (await store.ledgerEntries((await store.ledgerSize()) - 1, 1)).slice(-1);
    expect(JSON.parse(entry?.leaf ?? '{}')).toMatchObject({
      action: 'key.rotate',
      resource: `version/${version.id}`,
    });
  });

  it('destroy: never readable again, not even with the object kept', async () => {
    const { services } = platform.running.platform;
    const { store, blobs } = services;
    const { version, file } = await sealed('destroyed');
    const path = join(platform.home, 'blobs', `${file.blob}.age`);
    const copy = readFileSync(path);
    const wrong = owner.client.ask('POST', `/api/v1/versions/${version.id}/destroy-key`, {
      digest: 'sha256:00',
    });
    await expect(wrong).rejects.toMatchObject({ message: expect.stringContaining('"digest"') });
    const answer = await owner.client.ask('POST', `/api/v1/versions/${version.id}/destroy-key`, {
      digest: version.digest,
    });
    expect(answer).toEqual({ keys: 1 });
    await expect(blobs.open(file.blob)).rejects.toMatchObject({ code: 'not-found' });
    writeFileSync(path, copy);
    await expect(content(file)).rejects.toMatchObject({ code: 'conflict' });
    expect((await store.wrappedKey(file.keyId))?.wrapped.length).toBe(0);
    expect((await store.version(version.id))?.state).toBe('retired');
    const entries = await store.ledgerEntries(0, 1000);
    const last = JSON.parse(entries.at(-1)?.leaf ?? '{}');
    expect(last).toMatchObject({ action: 'key.destroy', detail: { digest: version.digest } });
    expect((await services.ledger.verify()).valid).toBe(true);
  });

  it('are refused to those who may not', async () => {
    const { version } = await sealed('kept');
    const { client } = await platform.person('developer');
    const asked = client.ask('POST', `/api/v1/versions/${version.id}/rotate-key`, {});
    await expect(asked).rejects.toMatchObject({ code: 'forbidden' });
  });
});

it('a home of the first format opens as before', async () => {
  const home = freshHome();
  const { formatKeyFile, keyFileProvider } = await import('@merlon/vault');
  const text = formatKeyFile(new Uint8Array(32).fill(7));
  writeFileSync(join(home, 'root.key'), text);
  writeFileSync(join(home, 'merlon.json'), '{"format":1,"rootKey":{"provider":"key-file"}}');
  const running = await start({ home, port: 0, onFault: () => undefined });
  const own = await running.home.rootKey.derive('database');
  expect(own).toEqual(await keyFileProvider(text).derive('database'));
  await running.close();
});
