/** Scheduled work: when it is done, what it finds, and that served versions are looked after. */
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { isoTime, manualClock, utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openScheduler, type Scheduler } from '../src/audit/scheduler.ts';
import type { Incident } from '../src/model.ts';
import { startTest, type TestPerson, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

const dayMs = 86_400_000;
/** A Wednesday, so that a Sunday and the first of a month come soon. */
const begins = Date.parse('2026-11-25T12:00:00Z');
const clock = manualClock(begins);
const replica = mkdtempSync(join(tmpdir(), 'merlon-replica-'));
let platform: TestPlatform;
let owner: TestPerson;
let developer: TestPerson;

beforeAll(async () => {
  platform = await startTest({ clock, replicaUrl: replica });
  owner = await platform.person('owner');
  developer = await platform.person('developer');
}, 60_000);
afterAll(async () => {
  expect(platform.faults).toEqual([]);
  await platform.close();
  rmSync(replica, { recursive: true, force: true });
});

/** Waits for a row that news of a topic brings. */
async function until<T>(look: () => Promise<T | undefined>, ask: () => Promise<unknown>) {
  const { bus } = platform.running.platform.services;
  const found = new Promise<T>((resolve, reject) => {
    const end = bus.subscribe(() => {
      look().then((value) => {
        if (value === undefined) return;
        end();
        resolve(value);
      }, reject);
    });
  });
  await ask();
  return found;
}

const incidentBy = async (detector: string): Promise<Incident | undefined> => {
  const { services, workspaceId } = platform.running.platform;
  const all = await services.store.incidents(workspaceId);
  return all.find(({ detail, state }) => detail.detector === detector && state !== 'closed');
};

describe('the scheduler', () => {
  /** Beside the platform's own, with work that only counts. */
  function counting(): { readonly done: string[]; readonly scheduler: Scheduler } {
    const done: string[] = [];
    const task = (name: string) => async () => {
      done.push(`${name} ${isoTime(clock.nowMs()).slice(0, 16)}`);
      return { count: done.length };
    };
    const work = {
      audit: task('audit'),
      scrub: task('scrub'),
      retention: async () => ({ destroyed: 0 }),
    };
    const { services } = platform.running.platform;
    const onFault = (error: unknown): void => void platform.faults.push(error);
    return { done, scheduler: openScheduler(services, 'other', { work, onFault }) };
  }

  it('does what is due once, and catches up with what was missed', async () => {
    const { done, scheduler } = counting();
    await scheduler.tick();
    expect(done).toEqual([]);
    expect(await scheduler.tasks()).toMatchObject([
      { name: 'audit', cron: '0 3 1 * *', last: null, next: '2026-12-01T03:00:00.000Z' },
      { name: 'scrub', cron: '0 4 * * 0', last: null, next: '2026-11-29T04:00:00.000Z' },
      { name: 'retention', cron: '0 2 * * *' },
    ]);
    clock.advance(4 * dayMs);
    await scheduler.tick();
    await scheduler.tick();
    expect(done).toEqual(['scrub 2026-11-29T12:00']);
    // Two months without a tick: each is done once, not once for each time that was missed.
    clock.advance(60 * dayMs);
    const again = counting();
    await again.scheduler.tick();
    expect(again.done).toEqual(['audit 2027-01-28T12:00', 'scrub 2027-01-28T12:00']);
    expect((await again.scheduler.tasks())[0]).toMatchObject({
      ...{ last: { at: '2027-01-28T12:00:00.000Z', result: { count: 1 } } },
      next: '2027-02-01T03:00:00.000Z',
    });
  });

  it('is set by those who look after incidents, in words of cron', async () => {
    const at = '/api/v1/schedules/audit';
    const set = (person: TestPerson, cron: unknown) => person.client.ask('PUT', at, { cron });
    await expect(set(developer, null)).rejects.toThrow(/incident.manage/);
    for (const wrong of ['soon', '* * *', '61 * * * *', '* * * * * *', '']) {
      await expect(set(owner, wrong)).rejects.toThrow(/"cron" expected five fields/);
    }
    await set(owner, '30 2 * * 1-5');
    expect((await owner.client.ask('GET', '/api/v1/schedules')).schedules).toMatchObject([
      { name: 'audit', cron: '30 2 * * 1-5', next: '2027-01-29T02:30:00.000Z' },
      { name: 'scrub' },
      { name: 'retention' },
    ]);
    await set(owner, null);
    const [audit] = (await owner.client.ask('GET', '/api/v1/schedules')).schedules as object[];
    expect(audit).toMatchObject({ cron: null, next: null });
  });
});

describe('audits of everything', () => {
  it('a served version that newly fails is an incident, once, which people close', async () => {
    const { services, workspaceId, scheduler } = platform.running.platform;
    const { store } = services;
    const { id } = await developer.client.ask('POST', '/api/v1/models', { name: 'old-pickle' });
    const inert = utf8("cposix\nsystem\n(S'echo inert'\ntR.");
    await developer.client.ask('PUT', `/api/v1/versions/${id}/files/m.pkl`, inert);
    const stepDone = (step: 'scan' | 'seal', states: readonly string[]) => async () => {
      const record = await store.step(String(id), step);
      return states.includes(record?.state ?? '') ? record : undefined;
    };
    await until(stepDone('scan', ['refused']), () =>
      developer.client.ask('POST', `/api/v1/versions/${id}/complete`),
    );
    const [found] = (await owner.client.ask('GET', '/api/v1/findings')).findings as {
      id: string;
    }[];
    const day = isoTime(clock.nowMs() + 5 * dayMs).slice(0, 10);
    await until(stepDone('seal', ['done']), () =>
      owner.client.ask('POST', `/api/v1/findings/${found?.id}/accept`, {
        ...{ code: owner.code(), why: 'never loaded', until: day },
      }),
    );
    await store.addDeployment({
      ...{ id: 'd', workspaceId, name: 'old', versionId: String(id), guards: {} },
      ...{ state: 'active', startedAt: isoTime(clock.nowMs()) },
    });
    // While somebody lives with it, an audit changes nothing.
    const scans = async (): Promise<number> =>
      (await store.jobs({ versionId: String(id) })).filter(
        ({ kind, state }) => kind === 'scan' && state === 'done',
      ).length;
    const before = await scans();
    const another = async (): Promise<true | undefined> =>
      (await scans()) > before ? true : undefined;
    await until(another, () => owner.client.ask('POST', '/api/v1/schedules/audit/run'));
    expect(await incidentBy('scan-critical')).toBeUndefined();
    clock.advance(6 * dayMs);
    const incident = await until(
      () => incidentBy('scan-critical'),
      async () => expect(await scheduler.run('audit')).toMatchObject({ versions: 1, assessed: 0 }),
    );
    expect(incident).toMatchObject({ severity: 'critical', state: 'open', versionId: id });
    const lines = await store.timeline(incident.id);
    expect(lines[0]?.text).toBe(
      'The scan found 1 critical, first: loading calls a dangerous function',
    );
    await until(stepDone('scan', ['refused']), () => scheduler.run('audit'));
    const all = await store.incidents(workspaceId);
    expect(all.filter(({ detail }) => detail.detector === 'scan-critical')).toHaveLength(1);
    await store.updateDeployment('d', { state: 'stopped' });
    await owner.client.ask('POST', `/api/v1/incidents/${incident.id}/close`, { comment: 'gone' });
    expect(await incidentBy('scan-critical')).toBeUndefined();
    expect((await store.step(String(id), 'respond'))?.state).toBe('done');
  }, 60_000);

  it('versions that were scanned under another policy are scanned anew at a start', async () => {
    const home = mkdtempSync(join(tmpdir(), 'merlon-policy-'));
    const first = await startTest({ home });
    const { client } = await first.person('owner');
    const files = { 'words.txt': utf8('some words') };
    const version = await sealedVersion(first, client, { name: 'words', files });
    const { store } = first.running.platform.services;
    const scan = await store.step(version.id, 'scan');
    if (scan === null) throw new Error('it was not scanned');
    await store.putStep({ ...scan, result: { ...scan.result, policy: 'an older one' } });
    await first.running.close();
    const second = await startTest({ home });
    const again = second.running.platform.services;
    const jobs = (await again.store.jobs({ versionId: version.id })).map(({ kind }) => kind);
    // Sealed once: what followed the first scan does not follow the second one.
    expect(jobs.toSorted()).toEqual(['scan', 'scan', 'seal']);
    await second.close();
  }, 60_000);
});

describe('reading every object', () => {
  it('repairs what a replica has, and tells of what none has', async () => {
    const { services } = platform.running.platform;
    const files = { 'a.txt': utf8('first words'), 'b.txt': utf8('second words') };
    const version = await sealedVersion(platform, owner.client, { name: 'scrubbed', files });
    const [a, b] = await services.store.files(version.id);
    if (a === undefined || b === undefined) throw new Error('files are missing');
    const pathOf = (name: string): string => join(platform.home, 'blobs', `${name}.age`);
    const run = () => owner.client.ask('POST', '/api/v1/schedules/scrub/run');
    expect(await run()).toMatchObject({ damaged: 0, repaired: 0 });
    expect(await incidentBy('scrub-damage')).toBeUndefined();
    cpSync(pathOf(a.blob), join(replica, `${a.blob}.age`));
    for (const { blob } of [a, b]) {
      const broken = readFileSync(pathOf(blob));
      broken[broken.length - 20] = (broken[broken.length - 20] ?? 0) ^ 1;
      writeFileSync(pathOf(blob), broken);
    }
    expect(await run()).toMatchObject({ damaged: 2, repaired: 1 });
    const incident = await incidentBy('scrub-damage');
    expect(incident).toMatchObject({
      ...{ severity: 'high', versionId: version.id, state: 'open' },
      detail: { files: ['a.txt', 'b.txt'], repaired: false },
    });
    expect(readFileSync(pathOf(a.blob))).toEqual(readFileSync(join(replica, `${a.blob}.age`)));
    expect(await run()).toMatchObject({ damaged: 1, repaired: 0 });
    const { ledger } = services;
    expect((await ledger.verify()).valid).toBe(true);
  }, 30_000);
});
