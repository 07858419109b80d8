/** One content sealed once: each version has a key of its own, and none loses by another's end. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openSigned } from '../src/keys/signed.ts';
import type { Version, VersionFile } from '../src/model.ts';
import { signatureMeta } from '../src/store/names.ts';
import { startTest, type TestPerson, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

let platform: TestPlatform;
let owner: TestPerson;
beforeAll(async () => {
  platform = await startTest();
  owner = await platform.person('owner');
}, 60_000);
afterAll(() => platform.close());

interface Sealed {
  readonly version: Version;
  readonly file: VersionFile;
}

/** More than two blocks of what a worker fetches at once. */
const lines = 60_000;
const files = (name: string) => ({ 'a.txt': utf8(`weights of ${name}\n`.repeat(lines)) });

async function sealed(name: string): Promise<Sealed> {
  const version = await sealedVersion(platform, owner.client, { name, files: files(name) });
  return { version, file: await fileOf(version) };
}

async function fileOf({ id }: Version): Promise<VersionFile> {
  const [file] = await platform.running.platform.services.store.files(id);
  if (file === undefined) throw new Error('no file');
  return file;
}

async function isReadable(name: string, version: Version): Promise<boolean> {
  const clear = await platform.running.platform.services.keys.open(await fileOf(version));
  try {
    return Buffer.from(files(name)['a.txt']).equals(await clear.read(0, clear.size));
  } finally {
    await clear.close();
  }
}

function destroy({ id, digest }: Version): Promise<unknown> {
  return owner.client.ask('POST', `/api/v1/versions/${id}/destroy-key`, { digest });
}

async function lastDecision(action: string): Promise<Record<string, unknown>> {
  const { store } = platform.running.platform.services;
  const leaves = (await store.ledgerEntries(0, 10_000)).map(({ leaf }) => JSON.parse(leaf));
  return leaves.findLast((leaf) => leaf.action === action) ?? {};
}

describe('the same content', () => {
  it('is one object with a header for each version', async () => {
    const one = await sealed('twice');
    const two = await sealed('twice');
    expect([one.file.header, two.file.blob]).toEqual([null, one.file.blob]);
    expect(two.file.keyId).not.toBe(one.file.keyId);
    expect(await isReadable('twice', one.version)).toBe(true);
    expect(await isReadable('twice', two.version)).toBe(true);
    const step = await platform.running.platform.services.store.step(two.version.id, 'seal');
    expect(step?.result).toMatchObject({ sharedBytes: two.file.bytes, signed: true });
  });

  it('stays readable for one when the other is destroyed, and goes with the last', async () => {
    const { blobs, store } = platform.running.platform.services;
    const [one, two] = [await sealed('ends'), await sealed('ends')];
    await destroy(one.version);
    expect(await isReadable('ends', two.version)).toBe(true);
    await expect(isReadable('ends', one.version)).rejects.toMatchObject({ code: 'conflict' });
    expect((await store.version(one.version.id))?.destroyedAt).not.toBe(null);
    await destroy(two.version);
    expect(await blobs.list()).not.toContain(one.file.blob);
  });

  it('follows a rotation of either', async () => {
    const { blobs } = platform.running.platform.services;
    const [one, two] = [await sealed('turns'), await sealed('turns')];
    const rotate = ({ version }: Sealed) =>
      owner.client.ask('POST', `/api/v1/versions/${version.id}/rotate-key`, {});
    await rotate(one);
    const [newOne, newTwo] = [await fileOf(one.version), await fileOf(two.version)];
    expect(newOne.blob).not.toBe(one.file.blob);
    expect(newTwo).toEqual({ ...two.file, blob: newOne.blob });
    expect(await blobs.list()).not.toContain(one.file.blob);
    await rotate(two);
    const turned = await fileOf(two.version);
    expect([turned.blob, turned.header === two.file.header]).toEqual([newOne.blob, false]);
    for (const { version } of [one, two]) expect(await isReadable('turns', version)).toBe(true);
  });

  it('is not built on an object that is damaged', async () => {
    const one = await sealed('broken');
    const path = join(platform.home, 'blobs', `${one.file.blob}.age`);
    const bytes = readFileSync(path);
    bytes[bytes.length - 100] = (bytes[bytes.length - 100] ?? 0) ^ 1;
    writeFileSync(path, bytes);
    const two = await sealed('broken');
    expect([two.file.header, two.file.blob === one.file.blob]).toEqual([null, false]);
    expect(await lastDecision('object.damaged')).toMatchObject({
      resource: `version/${one.version.id}`,
      detail: { path: 'a.txt', object: one.file.blob },
    });
  });
});

describe('what is loaded', () => {
  /** Reads it in a confined worker, as every step does; returns how many lines it has. */
  async function load(version: Version): Promise<number> {
    const { services } = platform.running.platform;
    const source = await openSigned(services, await fileOf(version));
    const worker = services.startWorker();
    try {
      const call = { sources: { file: source }, timeoutMs: 60_000 };
      return (await worker.call<{ rows: number }>('personal', { path: 'a.txt' }, call)).rows;
    } finally {
      await worker.close();
      await source.close();
    }
  }

  it('is what was signed, for several readers at once', async () => {
    const { version } = await sealed('loaded');
    const both = await Promise.all([load(version), load(version)]);
    expect(both).toEqual([lines, lines]);
  });

  it('is refused when another object took its place, before its last byte', async () => {
    const { store, keys } = platform.running.platform.services;
    const { version, file } = await sealed('swapped');
    const other = await sealed('swappee');
    // Whoever can write rows and objects, and has the key: the signature is what is left.
    const key = await store.wrappedKey(file.keyId);
    if (key === null) throw new Error('no key');
    const header = await keys.headerFor(other.file, key);
    await store.putFile({ ...file, blob: other.file.blob, header });
    const refusal = { code: 'tampered', message: expect.stringContaining('another digest') };
    await expect(load(version)).rejects.toMatchObject(refusal);
    expect(await lastDecision('version.tampered')).toMatchObject({
      resource: `version/${version.id}`,
    });
    await store.putFile({ ...file, digest: other.file.digest, blob: other.file.blob, header });
    await expect(load(version)).rejects.toMatchObject({ code: 'tampered' });
  });

  it('is refused without its signature, and by an object for another key', async () => {
    const { store } = platform.running.platform.services;
    const { version, file } = await sealed('bare');
    const other = await sealed('other');
    const bundle = await store.meta(signatureMeta(version.id));
    await store.setMeta(signatureMeta(version.id), await signatureOf(other.version));
    await expect(load(version)).rejects.toMatchObject({ code: 'tampered' });
    await store.setMeta(signatureMeta(version.id), bundle ?? '');
    expect(await load(version)).toBe(lines);
    await store.putFile({ ...file, blob: other.file.blob });
    await expect(load(version)).rejects.toMatchObject({ code: 'cannot-open' });
    expect(await lastDecision('object.wrong-key')).toMatchObject({
      resource: `version/${version.id}`,
    });
  });

  async function signatureOf({ id }: Version): Promise<string> {
    const bundle = await platform.running.platform.services.store.meta(signatureMeta(id));
    return bundle ?? '';
  }
});

describe('retention', () => {
  const until = (version: Version, day: unknown) =>
    owner.client.ask('PUT', `/api/v1/versions/${version.id}/retention`, { until: day });

  it('ends by itself on its day, and the ledger says why', async () => {
    const { store } = platform.running.platform.services;
    const [past, future, never] = [await sealed('past'), await sealed('future'), await sealed('x')];
    expect(await until(past.version, '2001-02-03')).toMatchObject({ retainUntil: '2001-02-03' });
    await until(future.version, '9999-01-01');
    await until(never.version, '2001-02-03');
    await until(never.version, null);
    const answer = await owner.client.ask('POST', '/api/v1/schedules/retention/run', {});
    expect(answer).toEqual({ destroyed: 1, served: [] });
    expect((await store.version(past.version.id))?.destroyedAt).not.toBe(null);
    for (const { version } of [future, never]) {
      expect((await store.version(version.id))?.destroyedAt).toBe(null);
    }
    expect(await lastDecision('key.destroy')).toMatchObject({ detail: { reason: 'retention' } });
    const again = await owner.client.ask('POST', '/api/v1/schedules/retention/run', {});
    expect(again).toEqual({ destroyed: 0, served: [] });
    await expect(until(past.version, null)).rejects.toMatchObject({ code: 'conflict' });
  });

  it('is a day, set by those who may destroy', async () => {
    const { version } = await sealed('dated');
    for (const wrong of ['soon', '2030-02-30', '2030-1-1', '2030-01-01T00:00:00Z', '']) {
      await expect(until(version, wrong)).rejects.toMatchObject({ code: 'bad-request' });
    }
    const { client } = await platform.person('developer');
    const asked = client.ask('PUT', `/api/v1/versions/${version.id}/retention`, { until: null });
    await expect(asked).rejects.toMatchObject({ code: 'forbidden' });
  });
});
