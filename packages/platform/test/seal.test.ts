import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { startTest, type TestPlatform } from './support/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTest();
}, 60_000);
afterAll(() => platform.close());

it('a seal that cannot be committed leaves every byte of the version readable', async () => {
  const { services } = platform.running.platform;
  const { store, blobs, keys, ledger, bus } = services;
  const append = ledger.append.bind(ledger);
  // The last thing of the transaction fails, after everything else of the step was done.
  ledger.append = async (tx, actor, decision) => {
    if (decision.action === 'step.seal') throw new Error('the disk is full');
    await append(tx, actor, decision);
  };
  const removed: string[] = [];
  const remove = blobs.remove.bind(blobs);
  blobs.remove = async (name) => {
    removed.push(name);
    await remove(name);
  };
  const { client } = await platform.person('developer');
  const { id } = await client.ask('POST', '/api/v1/models', { name: 'words' });
  const content = utf8('nothing but words\n');
  await client.ask('PUT', `/api/v1/versions/${id}/files/a.txt`, content);
  const failed = new Promise<void>((resolve) => {
    const end = bus.subscribe(({ topic, id: changed }) => {
      if (topic !== 'version' || changed !== id) return;
      void store.step(String(id), 'seal').then((step) => {
        if (step?.state !== 'failed') return;
        end();
        resolve();
      });
    });
  });
  await client.ask('POST', `/api/v1/versions/${id}/complete`);
  await failed;
  const [file] = await store.files(String(id));
  if (file === undefined) throw new Error('the version lost its file');
  expect(removed).toEqual([]);
  expect(await blobs.list()).toContain(file.blob);
  const clear = await keys.open(file);
  expect(await clear.read(0, clear.size)).toEqual(content);
  await clear.close();
  expect(platform.faults.map(String)).toEqual(['Error: the disk is full']);
});
