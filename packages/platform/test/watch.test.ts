/**
 * The detectors of a served model, learnt from its own sealed training data: quiet for benign
 * clients, awake for searches and copies, one incident a client, the same after a restart.
 */
import { readFileSync } from 'node:fs';
import { isoTime, type Random, seeded, systemClock, uuidv7 } from '@merlon/core';
import { readDataset } from '@merlon/graph';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment, Incident, ServeEvent, Version } from '../src/model.ts';
import { type FedWatch, openWatch } from '../src/monitor/watch.ts';
import { respondTo } from '../src/respond/respond.ts';
import { watchMeta } from '../src/store/names.ts';
import { startTest, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

const root = new URL('../../../', import.meta.url);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));
const test = readDataset(file('data/mnist-test.npz'), { name: 'test.npz' });
const features = 784;
let platform: TestPlatform;
let model: Version;
let deployment: Deployment;
let watch: FedWatch;

beforeAll(async () => {
  platform = await startTest();
  const { client } = await platform.person('owner');
  const bring = (name: string, kind: 'models' | 'data', files: Record<string, Uint8Array>) =>
    sealedVersion(platform, client, { name, kind, files });
  model = await bring('digits', 'models', {
    'm.onnx': file('models/digits-cnn.onnx'),
    'digits-cnn.schema.json': file('models/digits-cnn.schema.json'),
  });
  const data = await bring('train', 'data', { 'train.npz': file('data/mnist-train.npz') });
  const link = { dataVersionId: data.id, use: 'train' };
  await client.ask('POST', `/api/v1/versions/${model.id}/data`, link);
  const startedAt = isoTime(systemClock.nowMs());
  const { workspaceId, services } = platform.running.platform;
  deployment = {
    ...{ id: uuidv7(systemClock), workspaceId, name: 'digits', versionId: model.id },
    ...{ guards: {}, state: 'active', startedAt },
  };
  await services.store.addDeployment(deployment);
  watch = await opened();
}, 60_000);
afterAll(async () => {
  await watch.settle();
  expect(platform.faults).toEqual([]);
  await platform.close();
});

async function opened(): Promise<FedWatch> {
  const { services, containment } = platform.running.platform;
  const onFault = (error: unknown): void => void platform.faults.push(error);
  const made = openWatch(
    services,
    async (alert, sinceMs) => void (await respondTo(services, containment, { alert, sinceMs })),
    onFault,
  );
  await made.begin(deployment);
  return made;
}

/** One answered row of a client. */
async function ask(key: string, row: Float32Array, label: number): Promise<void> {
  const { workspaceId, services } = platform.running.platform;
  const event: ServeEvent = {
    ...{ id: uuidv7(systemClock), workspaceId, deploymentId: deployment.id },
    ...{ versionId: model.id, keyId: key, at: isoTime(systemClock.nowMs()) },
    ...{ decision: 'answered', reason: '', rows: 1, latencyMs: 1, labels: [label] },
    input: new Uint8Array(row.slice().buffer),
  };
  await services.store.addEvents([event]);
  watch.feed(event);
}

const rowAt = (i: number): Float32Array => test.x.slice(i * features, (i + 1) * features);

async function incidents(key: string): Promise<Incident[]> {
  await watch.settle();
  const { store } = platform.running.platform.services;
  const all = await store.incidents(platform.running.platform.workspaceId);
  return all.filter(({ detail }) => detail.keyId === key);
}

async function newKey(name: string): Promise<string> {
  const { client } = await platform.person('owner');
  const body = { name, scope: 'inference', role: 'operator' };
  return String((await client.ask('POST', '/api/v1/keys', body)).id);
}

/** Steps in single pixels from one picture, as SimBA does (Guo et al. 2019). */
async function simba(key: string, start: Float32Array, queries: number, random: Random) {
  const row = start.slice();
  for (let i = 0; i < queries; i++) {
    const at = random.integer(features);
    row[at] = Math.min(1, Math.max(0, (row[at] ?? 0) + (random.integer(2) === 0 ? 0.2 : -0.2)));
    await ask(key, row, 3);
  }
}

describe('a served model of pictures', () => {
  it('lets honest clients be', async () => {
    const [one, many] = [await newKey('honest'), await newKey('one class')];
    for (let i = 0; i < 300; i++) await ask(one, rowAt(i), test.labels[i] ?? 0);
    const sevens = [...test.labels.keys()].filter((i) => test.labels[i] === 7).slice(0, 100);
    for (const i of sevens) await ask(many, rowAt(i), 7);
    expect(await incidents(one)).toEqual([]);
    expect(await incidents(many)).toEqual([]);
  });

  it('sees a search for an adversarial input, once, and takes the key', async () => {
    const key = await newKey('search');
    await simba(key, rowAt(5), 120, seeded(3));
    const [found, ...more] = await incidents(key);
    expect(more).toEqual([]);
    expect(found).toMatchObject({
      ...{ title: 'Somebody feels their way to inputs that fool the model', severity: 'high' },
      ...{ technique: 'AML.T0043.001', state: 'contained' },
    });
    const { store } = platform.running.platform.services;
    expect((await store.apiKey(key))?.revokedAt).not.toBe(null);
    expect(Number(found?.detail.queries)).toBeLessThan(40);
    // What other detectors say of the same client stands below it.
    const lines = (await store.timeline(found?.id ?? '')).filter(({ kind }) => kind === 'detected');
    expect(lines.length).toBeGreaterThanOrEqual(1);
  });

  it('runs its playbook by hand, says before what it would do, and not once closed', async () => {
    const { client } = await platform.person('owner');
    const { store } = platform.running.platform.services;
    const key = await newKey('by hand');
    await simba(key, rowAt(8), 30, seeded(6));
    const [found] = await incidents(key);
    const id = found?.id ?? '';
    const run = (body: object) => client.ask('POST', `/api/v1/incidents/${id}/run`, body);
    const before = (await store.timeline(id)).length;
    expect(await run({ dryRun: true })).toMatchObject({
      playbook: 'contain-evasion',
      steps: [
        { ok: true, text: expect.stringContaining(`would ask POST /api/v1/keys/${key}/revoke`) },
        { ok: true, text: expect.stringContaining('/tighten {"level":2}') },
        { ok: true, text: expect.stringContaining('would ask POST /notify') },
      ],
    });
    expect((await store.timeline(id)).length).toBe(before);
    const told = await run({ playbook: 'tell-people' });
    expect(told).toMatchObject({ dryRun: false, steps: [{ name: 'Notify by webhook', ok: true }] });
    expect((await store.timeline(id)).length).toBe(before + 1);
    const again = (await run({})) as { steps: { ok: boolean; text: string }[] };
    expect(again.steps[0]).toMatchObject({ ok: true, text: expect.stringContaining('is revoked') });
    await expect(run({ playbook: 'format-disk' })).rejects.toMatchObject({ code: 'bad-request' });
    const developer = await platform.person('developer');
    const asked = developer.client.ask('POST', `/api/v1/incidents/${id}/run`, {});
    await expect(asked).rejects.toMatchObject({ code: 'forbidden' });
    await client.ask('POST', `/api/v1/incidents/${id}/close`, { comment: 'done' });
    await expect(run({})).rejects.toMatchObject({ code: 'conflict' });
  });

  it('calls series over many classes a copy', async () => {
    const key = await newKey('copy');
    const random = seeded(9);
    for (let step = 0; step < 6; step++) {
      for (let i = 0; i < 20; i++) {
        const row = rowAt(1000 + i).map((value) => {
          return Math.min(1, Math.max(0, value + (random.integer(2) === 0 ? 0.05 : -0.05) * step));
        });
        await ask(key, row, test.labels[1000 + i] ?? 0);
      }
    }
    const [found] = await incidents(key);
    expect(found).toMatchObject({ technique: 'AML.T0024.002', state: 'contained' });
  });

  it('learns once, and knows after a restart what it knew', async () => {
    const { store } = platform.running.platform.services;
    const learnt = await store.meta(watchMeta(deployment.id));
    const key = await newKey('slow');
    await simba(key, rowAt(40), 4, seeded(4));
    expect(await incidents(key)).toEqual([]);
    watch.end(deployment.id);
    watch = await opened();
    expect(await store.meta(watchMeta(deployment.id))).toBe(learnt);
    // The walk goes on from where it was: what was seen before the restart counts.
    await simba(key, rowAt(40), 12, seeded(5));
    const [found] = await incidents(key);
    expect(found?.technique).toBe('AML.T0043.001');
    expect(Number(found?.detail.queries)).toBeGreaterThan(4);
    expect(Number(found?.detail.queries)).toBeLessThan(12);
  });
});
