/** The harden step as a job: other methods than PGD, the promise kept, a job that is taken up. */

import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { JsonObject, Progress } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hardenSchema, hardenStep } from '../src/harden/harden.ts';
import { newJob } from '../src/jobs/runner.ts';
import { startTest, type TestPlatform } from './support/platform.ts';

describe('what a caller may ask of hardening', () => {
  it('takes every method of the engine', () => {
    for (const method of ['pgd-at', 'fast', 'free', 'trades', 'mart', 'noise', 'guards']) {
      expect(hardenSchema.parse({ method })).toMatchObject({ method, seed: 1 });
    }
  });
  it('asks private training for its promise', () => {
    const { error } = hardenSchema.safeParse({ method: 'dp-sgd' });
    expect(error?.issues).toMatchObject([
      { path: ['privacyEpsilon'], message: 'is needed by dp-sgd' },
    ]);
    expect(hardenSchema.parse({ method: 'dp-sgd', privacyEpsilon: 3 }).delta).toBe(1e-5);
  });
});

let platform: TestPlatform;
let client: Awaited<ReturnType<TestPlatform['person']>>['client'];
beforeAll(async () => {
  platform = await startTest();
  client = (await platform.person('developer')).client;
}, 60_000);
afterAll(() => platform.close());

const schemaPath = 'models/digits-cnn.schema.json';
const bytesOf = (path: string): Uint8Array =>
  readFileSync(fileURLToPath(new URL(`../../../${path}`, import.meta.url)));

/** Brings files in and waits until they are sealed. */
async function bringIn(kind: 'models' | 'data', files: Record<string, string>): Promise<string> {
  const { store, bus } = platform.running.platform.services;
  const { id } = await client.ask('POST', `/api/v1/${kind}`, { name: `test-${kind}` });
  for (const [name, path] of Object.entries(files)) {
    await client.ask('PUT', `/api/v1/versions/${id}/files/${name}`, bytesOf(path));
  }
  const sealed = new Promise<void>((resolve) => {
    const end = bus.subscribe(() => {
      void store.step(String(id), 'seal').then((step) => {
        if (step?.state !== 'done') return;
        end();
        resolve();
      });
    });
  });
  await client.ask('POST', `/api/v1/versions/${id}/complete`);
  await sealed;
  return String(id);
}

/** A job of hardening as the runner would work on it. */
async function jobOf(input: JsonObject, versionId: string) {
  const { services } = platform.running.platform;
  const version = await services.store.version(versionId);
  if (version === null) throw new Error('the version is not there');
  const job = newJob(services, { version, kind: 'harden', input, createdBy: 'test' });
  const seen: Progress[] = [];
  const perform = (signal: AbortSignal, more: (progress: Progress) => void = () => undefined) =>
    hardenStep.perform({
      services,
      job,
      version,
      signal,
      onProgress: (progress) => {
        seen.push(progress);
        more(progress);
      },
    });
  return { job, seen, perform, services };
}

describe('the harden step', () => {
  it('goes on from its checkpoint, keeps its promise and tells figures', async () => {
    const files = { 'digits-cnn.onnx': 'models/digits-cnn.onnx', 'schema.json': schemaPath };
    const id = await bringIn('models', files);
    const data = await bringIn('data', { 'mnist-test.npz': 'data/mnist-test.npz' });
    for (const use of ['train', 'test']) {
      await client.ask('POST', `/api/v1/versions/${id}/data`, { dataVersionId: data, use });
    }
    const wish = { method: 'dp-sgd', privacyEpsilon: 8, samples: 600, batchSize: 30, epochs: 4 };
    const { job, seen, perform, services } = await jobOf(wish, id);
    const { store, blobs } = services;
    const before = (await blobs.list()).length;
    const cut = new AbortController();
    const noted = () => store.meta(`training/${job.id}`);
    const cutWhenNoted = async (): Promise<void> => {
      if ((await noted()) !== null) cut.abort(new Error('power cut'));
    };
    const first = perform(cut.signal, ({ label }) => {
      if (label === 'training') void cutWhenNoted();
    });
    await expect(first).rejects.toThrow();
    expect((await blobs.list()).length).toBe(before + 1);
    const note = JSON.parse((await noted()) ?? '') as { blob: string };
    const sealed = await blobs.open(note.blob);
    expect(Buffer.from(await sealed.read(0, 21)).toString()).toBe('age-encryption.org/v1');
    await sealed.close();
    seen.length = 0;
    const { result, afterCommit } = await perform(new AbortController().signal);
    expect(seen[0]).toMatchObject({ label: 'training', done: 51, total: 80 });
    expect(seen.some((progress) => 'checkpoint' in progress)).toBe(false);
    const figures = { clean: expect.any(Number), pgd: expect.any(Number) };
    expect(result).toMatchObject({ method: 'dp-sgd', epochs: 4, steps: 80, before: figures });
    const { epsilon } = result.privacy as { epsilon: number };
    expect([epsilon > 7.9, epsilon <= 8]).toEqual([true, true]);
    await afterCommit?.();
    expect(await noted()).toBe('');
    expect((await blobs.list()).includes(note.blob)).toBe(false);
  }, 240_000);
});
