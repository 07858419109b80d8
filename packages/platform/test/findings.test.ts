/** Findings over versions: their states as rows, and the whole way through a running platform. */

import { type Finding, manualClock } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keysOf, type Observation, reconcile, stands, stateWithin } from '../src/findings/track.ts';
import type { Acceptance, Sighting, Track, Version } from '../src/model.ts';
import { runMerlon } from './support/merlon.ts';
import { startTest, type TestPerson, type TestPlatform } from './support/platform.ts';

const day = '2026-11-26T00:00:00.000Z';
const later = '2027-06-01T00:00:00.000Z';
const base: Finding = {
  ...{ rule: 'MRL-PKL-001', severity: 'high', title: 'calls', evidence: 'posix.system' },
  ...{ location: { path: 'w-1.pkl', offset: 3 }, cwe: [], atlas: [], cve: [], fix: 'do not' },
};
const version = (number: number): Version => ({
  ...{ id: `v${number}`, workspaceId: 'w', artifactId: 'a', number, parentId: null },
  ...{ state: 'complete', digest: null, bytes: 1, broughtBy: 'dev', createdAt: day },
  ...{ retainUntil: null, destroyedAt: null },
});

/** A model with its versions, as rows that only `reconcile` changes. */
class Model {
  tracks = new Map<string, Track>();
  sightings = new Map<string, readonly Sighting[]>();
  count = 0;
  see(number: number, findings: readonly Finding[], change: Partial<Observation> = {}) {
    const at = version(number);
    const known = {
      tracks: [...this.tracks.values()],
      sightings: this.sightings.get(at.id) ?? [],
    };
    const now = reconcile(known, {
      ...{ source: 'scan', version: at, isNewest: true, complete: true, findings, at: day },
      ...{ digestFor: () => 'sha256:one', newId: () => `id${this.count++}`, ...change },
    });
    for (const track of now.tracks) this.tracks.set(track.id, track);
    this.sightings.set(at.id, now.sightings);
    return [now.opened, now.reopened, now.verified];
  }
  only(): Track {
    const [track] = this.tracks.values();
    if (track === undefined || this.tracks.size !== 1) throw new Error('expected one finding');
    return track;
  }
  decide(change: Partial<Track>): void {
    const track = this.only();
    this.tracks.set(track.id, { ...track, ...change });
  }
  within(number: number, now = day): string[] {
    return (this.sightings.get(`v${number}`) ?? []).map((sighting) =>
      stateWithin(sighting, this.tracks.get(sighting.trackId ?? ''), now),
    );
  }
}

const acceptance: Acceptance = {
  ...{ by: 'u', byName: 'Una', why: 'inert', until: '2027-01-01T00:00:00.000Z', at: day },
  ...{ severity: 'high', digest: 'sha256:one' },
};

describe('keys of findings', () => {
  it('stay the same when bytes move and a number in a name counts on', () => {
    const moved = { ...base, location: { path: 'w-22.pkl', offset: 900 } };
    expect(keysOf('scan', [moved])).toEqual(keysOf('scan', [base]));
  });
  it('differ by rule, place, evidence and source, and count equal ones', () => {
    const others: Finding[] = [
      base,
      base,
      { ...base, rule: 'MRL-PKL-002' },
      { ...base, location: { path: 'x.pkl' } },
      { ...base, location: { path: 'w-1.pkl', member: 'data.pkl' } },
      { ...base, location: { path: 'w-1.pkl', pointer: '/a' } },
      { ...base, evidence: 'posix.popen' },
    ];
    const keys = [...keysOf('scan', others), ...keysOf('assess', [base])];
    expect(new Set(keys).size).toBe(keys.length);
  });
  it('a model has one robustness, whatever its figures are', () => {
    const other = { ...base, evidence: 'robust 12 %' };
    expect(keysOf('assess', [base])).toEqual(keysOf('assess', [other]));
  });
});

describe('a finding over versions', () => {
  it('keeps its identity, and is verified once the newest version is without it', () => {
    const model = new Model();
    expect(model.see(1, [base])).toEqual([1, 0, 0]);
    const { id } = model.only();
    expect(model.see(2, [{ ...base, location: { path: 'w-2.pkl' } }])).toEqual([0, 0, 0]);
    expect(model.only()).toMatchObject({ id, versionId: 'v2', state: 'open' });
    expect(model.see(3, [])).toEqual([0, 0, 1]);
    expect(model.only()).toMatchObject({
      id,
      versionId: 'v2',
      resolvedIn: 'v3',
      state: 'verified',
    });
    // It is still in the versions that have it.
    expect([model.within(1), model.within(2), model.within(3)]).toEqual([['open'], ['open'], []]);
  });
  it('is not verified by a scan that did not read everything, or of an old version', () => {
    const model = new Model();
    model.see(2, [base]);
    expect(model.see(3, [], { complete: false })).toEqual([0, 0, 0]);
    expect(model.see(1, [], { isNewest: false })).toEqual([0, 0, 0]);
    expect(model.only().state).toBe('open');
  });
  it('is opened again when it comes back, whatever was said or seen', () => {
    for (const state of ['verified', 'fixed'] as const) {
      const model = new Model();
      model.see(1, [base]);
      model.decide({ state, resolvedIn: 'v2' });
      expect(model.see(3, [base])).toEqual([0, 1, 0]);
      expect(model.only()).toMatchObject({ state: 'open', resolvedIn: null, versionId: 'v3' });
    }
  });
  it('a promise to have fixed it still counts, until a scan verifies it', () => {
    const model = new Model();
    model.see(1, [base]);
    model.decide({ state: 'fixed' });
    expect(model.within(1)).toEqual(['fixed']);
    expect([stands('fixed'), stands('open'), stands('accepted'), stands('verified')]).toEqual([
      ...[true, true, false, false],
    ]);
    expect(model.see(2, [])).toEqual([0, 0, 1]);
  });
  it('an acceptance holds for the same bytes at no higher severity, until its day', () => {
    const accepted = (): Model => {
      const model = new Model();
      model.see(1, [base]);
      model.decide({ state: 'accepted', acceptance });
      return model;
    };
    const same = accepted();
    expect([same.within(1), same.within(1, later)]).toEqual([['accepted'], ['open']]);
    expect(same.see(2, [base])).toEqual([0, 0, 0]);
    expect(same.within(2)).toEqual(['accepted']);
    const changes: [Partial<Finding>, Partial<Observation>][] = [
      [{ severity: 'critical' }, {}],
      [{}, { digestFor: () => 'sha256:two' }],
      [{}, { digestFor: () => null }],
      [{}, { at: later }],
    ];
    for (const [finding, seen] of changes) {
      const model = accepted();
      expect(model.see(2, [{ ...base, ...finding }], seen)).toEqual([0, 1, 0]);
      expect(model.only()).toMatchObject({ state: 'open', acceptance: null });
    }
  });
  it('a rescan that finds it no more says so of the version itself', () => {
    const model = new Model();
    model.see(1, [base, { ...base, rule: 'MRL-PKL-002' }]);
    expect(model.see(1, [base])).toEqual([0, 0, 1]);
    expect(model.within(1).toSorted()).toEqual(['open', 'verified']);
    expect(model.see(1, [base, { ...base, rule: 'MRL-PKL-002' }])).toEqual([0, 1, 0]);
    expect(model.within(1)).toEqual(['open', 'open']);
  });
  it('what one source does not tell of, another one keeps', () => {
    const model = new Model();
    model.see(1, [base]);
    model.see(1, [{ ...base, rule: 'MRL-ATK-001' }], { source: 'assess' });
    expect(model.see(1, [], { source: 'assess' })).toEqual([0, 0, 1]);
    expect(model.within(1).toSorted()).toEqual(['open', 'verified']);
  });
  it('rows from before findings were followed are open until the next complete scan', () => {
    const model = new Model();
    const old = { ...base, id: 'old', versionId: 'v1', trackId: null, digest: null };
    model.sightings.set('v1', [{ ...old, createdAt: day, goneAt: null }]);
    expect(model.within(1)).toEqual(['open']);
    model.see(1, [], { complete: false });
    expect(model.within(1)).toEqual(['open']);
    model.see(1, [base]);
    expect([model.within(1), model.tracks.size]).toEqual([['open'], 1]);
  });
});

describe('through a platform', () => {
  const clock = manualClock(Date.now());
  let platform: TestPlatform;
  let owner: TestPerson;
  let developer: TestPerson;
  let versionId = '';
  let findingId = '';

  beforeAll(async () => {
    platform = await startTest({ clock });
    owner = await platform.person('owner');
    developer = await platform.person('developer');
  }, 60_000);
  afterAll(async () => {
    expect(platform.faults).toEqual([]);
    await platform.close();
  });

  /** Climbs from a text to every class that Python knows. */
  const climbing = "{{ ''.__class__.__mro__[1].__subclasses__() }}";

  /** A chat template that reaches into Python: flagged, and inert here. */
  const template = (body: string): Uint8Array =>
    new TextEncoder().encode(JSON.stringify({ tokenizer_class: 'x', chat_template: body }));

  async function bring(person: TestPerson, files: Record<string, Uint8Array>): Promise<string> {
    const { id } = await person.client.ask('POST', '/api/v1/models', { name: 'chat' });
    for (const [path, content] of Object.entries(files)) {
      await person.client.ask('PUT', `/api/v1/versions/${id}/files/${path}`, content);
    }
    await ended(String(id), 'scan', () =>
      person.client.ask('POST', `/api/v1/versions/${id}/complete`),
    );
    return String(id);
  }

  /** Waits until a step has ended anew after something was asked for. */
  async function ended(id: string, step: 'scan' | 'seal', ask: () => Promise<unknown>) {
    const { store, bus } = platform.running.platform.services;
    const before = (await store.step(id, step))?.finishedAt ?? null;
    const done = new Promise<void>((resolve) => {
      const end = bus.subscribe(({ topic, id: changed }) => {
        if (topic !== 'version' || changed !== id) return;
        void store.step(id, step).then((record) => {
          if (record?.finishedAt == null || record.finishedAt === before) return;
          end();
          resolve();
        });
      });
    });
    clock.advance(1000);
    await ask();
    await done;
  }

  const all = async (): Promise<Record<string, unknown>[]> =>
    (await owner.client.ask('GET', '/api/v1/findings')).findings as Record<string, unknown>[];

  it('a flagged version stops at its scan, and its findings are listed', async () => {
    const files = {
      'tokenizer_config.json': template(climbing),
      'b/config.json': template(climbing),
    };
    versionId = await bring(developer, files);
    const { store } = platform.running.platform.services;
    expect((await store.step(versionId, 'scan'))?.state).toBe('refused');
    const found = await all();
    expect(found.length).toBeGreaterThan(0);
    expect(found[0]).toMatchObject({ state: 'open', model: 'chat', number: 1, source: 'scan' });
    const isFirst = ({ location }: Record<string, unknown>) =>
      (location as Finding['location']).path === 'tokenizer_config.json';
    findingId = String(found.find(isFirst)?.id);
  }, 60_000);

  it('is accepted by somebody else only, with a code, a reason and a day', async () => {
    const until = new Date(clock.nowMs() + 30 * 86_400_000).toISOString().slice(0, 10);
    const at = `/api/v1/findings/${findingId}/accept`;
    const wish = (person: TestPerson, change: object = {}) =>
      person.client.ask('POST', at, { code: person.code(), why: 'read by us', until, ...change });
    await expect(wish(developer)).rejects.toThrow(/finding.accept/);
    await expect(wish(owner, { why: ' ' })).rejects.toThrow(/"why"/);
    await expect(wish(owner, { until: 'soon' })).rejects.toThrow(/"until" expected a day/);
    await expect(wish(owner, { until: '2020-01-01' })).rejects.toThrow(/"until" expected a day/);
    await expect(wish(owner, { until: '2999-01-01' })).rejects.toThrow(/"until" expected a day/);
    await expect(wish(owner, { code: '000000' })).rejects.toThrow(/code is not valid/);
    await expect(wish(owner, { versionId: 'none' })).rejects.toThrow(/there is no finding/);
    expect((await all())[0]).toMatchObject({ state: 'open', acceptance: null });
  }, 30_000);

  it('lets the version go on once every finding is accepted, until the day has come', async () => {
    const until = new Date(clock.nowMs() + 30 * 86_400_000).toISOString().slice(0, 10);
    const open = (await all()).filter(({ state }) => state === 'open');
    const wish = (id: unknown) =>
      owner.client.ask('POST', `/api/v1/findings/${id}/accept`, {
        ...{ code: owner.code(), why: 'read by us', until },
      });
    const last = open.at(-1)?.id;
    for (const { id } of open.slice(0, -1)) expect((await wish(id)).scans).toBe(false);
    await ended(versionId, 'seal', async () => expect((await wish(last)).scans).toBe(true));
    const { store, ledger } = platform.running.platform.services;
    const scan = await store.step(versionId, 'scan');
    expect(scan).toMatchObject({ state: 'done', result: { verdict: 'flagged' } });
    expect((await store.step(versionId, 'seal'))?.state).toBe('done');
    expect((await all())[0]).toMatchObject({
      ...{ state: 'accepted', acceptance: { why: 'read by us', byName: 'A owner' } },
    });
    clock.advance(32 * 86_400_000);
    expect((await all()).map(({ state }) => state)).toEqual(open.map(() => 'open'));
    const entries = await store.ledgerEntries(0, 1000);
    const decisions = entries.filter(({ leaf }) => leaf.includes('finding.accept'));
    expect([decisions.length, (await ledger.verify()).valid]).toEqual([open.length, true]);
  }, 60_000);

  it('is verified by the scan of the next version, whatever was promised before', async () => {
    const [first] = await all();
    const at = `/api/v1/findings/${first?.id}`;
    const body = { why: 'the template is gone' };
    expect(await developer.client.ask('POST', `${at}/fixed`, body)).toEqual({ state: 'fixed' });
    expect(await owner.client.ask('POST', `${at}/reopen`, body)).toEqual({ state: 'open' });
    await expect(owner.client.ask('POST', `${at}/reopen`, body)).rejects.toThrow(/is open already/);
    expect(await developer.client.ask('POST', `${at}/fixed`, body)).toEqual({ state: 'fixed' });
    await bring(developer, { 'tokenizer_config.json': template('{{ messages[0] }}') });
    const after = await all();
    expect(after.map(({ state, verifiedIn }) => [state, verifiedIn])).toEqual(
      after.map(() => ['verified', 2]),
    );
    await expect(owner.client.ask('POST', `${at}/fixed`, body)).rejects.toThrow(/verified already/);
    expect(await owner.client.ask('GET', at)).toMatchObject({ id: first?.id, number: 1 });
    const detail = await owner.client.ask('GET', `/api/v1/versions/${versionId}`);
    expect(detail.findings).toMatchObject(after.map(() => ({ state: 'open' })));
  }, 60_000);

  it('is listed and moved on by the command line, with a key of the workspace', async () => {
    const wish = { name: 'cli', scope: 'platform', role: 'developer' };
    const { key } = await owner.client.ask('POST', '/api/v1/keys', wish);
    const run = (...words: string[]) =>
      runMerlon(['finding', ...words, '--home', platform.home], { MERLON_API_KEY: String(key) });
    const listed = await run('list', '--state', 'verified');
    expect([listed.status, listed.told]).toEqual([0, expect.stringContaining(findingId)]);
    expect((await run('list', '--state', 'open')).told).toContain('no findings');
    await bring(developer, { 'tokenizer_config.json': template(climbing) });
    const back = await run('list');
    expect([back.status, back.told]).toEqual([1, expect.stringMatching(/open +high|open +crit/)]);
    const fixed = await run('fixed', findingId, '--why', 'in the next version');
    expect([fixed.status, fixed.told]).toEqual([0, expect.stringContaining('fixed; the scan of')]);
    expect((await run('list', '--state', 'loud')).status).toBe(2);
    expect((await run('fixed', findingId)).status).toBe(2);
  }, 60_000);
});
