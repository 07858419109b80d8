/** What every store must do, whatever database is below it. */
import { digestOf, manualClock, utf8, uuidv7 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Artifact, Job, ServeEvent, Sighting, Track, Version } from '../../src/model.ts';
import type { Notice } from '../../src/notify/notice.ts';
import type { Store } from '../../src/store/store.ts';

const clock = manualClock();
const at = new Date(clock.nowMs()).toISOString();

/** An artifact with a version, for rows that hang on one. */
export async function addVersion(store: Store, workspaceId: string): Promise<Version> {
  const artifact: Artifact = {
    id: uuidv7(clock),
    workspaceId,
    kind: 'model',
    name: `model-${uuidv7(clock)}`,
    createdBy: 'someone',
    createdAt: at,
  };
  await store.addArtifact(artifact);
  const version: Version = {
    id: uuidv7(clock),
    workspaceId,
    artifactId: artifact.id,
    number: 1,
    parentId: null,
    retainUntil: null,
    destroyedAt: null,
    state: 'draft',
    digest: null,
    bytes: 0,
    broughtBy: 'someone',
    createdAt: at,
  };
  await store.addVersion(version);
  return version;
}

function jobOf(version: Version, kind: Job['kind']): Job {
  clock.advance(1);
  return {
    id: uuidv7(clock),
    workspaceId: version.workspaceId,
    versionId: version.id,
    kind,
    state: 'queued',
    input: { a: 1 },
    progress: {},
    error: null,
    attempts: 0,
    createdBy: 'someone',
    createdAt: at,
    finishedAt: null,
  };
}

function eventOf(version: Version, decision: ServeEvent['decision'], rows: number): ServeEvent {
  return {
    id: uuidv7(clock),
    workspaceId: version.workspaceId,
    deploymentId: 'd',
    versionId: version.id,
    keyId: 'k',
    at,
    decision,
    reason: decision === 'refused' ? 'no' : '',
    rows,
    latencyMs: 0.25,
    labels: [1, 2],
    input: new Uint8Array([0, 255, 7]),
  };
}

/** Registers the suite for one implementation. */
export function storeSuite(name: string, open: () => Promise<Store>): void {
  describe(`store on ${name}`, () => {
    let store: Store;
    const workspace = { id: uuidv7(clock), name: 'main', createdAt: at };
    beforeAll(async () => {
      store = await open();
      await store.addWorkspace(workspace);
    });
    afterAll(async () => {
      await store?.close();
    });

    it('keeps versions, files and links', async () => {
      const version = await addVersion(store, workspace.id);
      const content = { path: 'a.onnx', bytes: 5_000_000_000, keyId: 'k', header: null };
      const file = { versionId: version.id, ...content };
      await store.putFile({ ...file, digest: digestOf(utf8('a')), blob: 'one' });
      await store.putFile({ ...file, digest: digestOf(utf8('a')), blob: 'two' });
      expect(await store.files(version.id)).toEqual([
        { ...file, digest: digestOf(utf8('a')), blob: 'two' },
      ]);
      await store.updateVersion(version.id, { state: 'complete', bytes: 7_000_000_000 });
      expect(await store.version(version.id)).toMatchObject({ state: 'complete', bytes: 7e9 });
      expect(await store.version('none')).toBeNull();
      const data = await addVersion(store, workspace.id);
      await store.linkData({ versionId: version.id, dataVersionId: data.id, use: 'test' });
      await store.linkData({ versionId: version.id, dataVersionId: version.id, use: 'test' });
      expect(await store.dataLinks(version.id)).toEqual([
        { versionId: version.id, dataVersionId: version.id, use: 'test' },
      ]);
    });

    it('refuses two artifacts of one name in one workspace', async () => {
      const artifact: Artifact = {
        id: uuidv7(clock),
        workspaceId: workspace.id,
        kind: 'model',
        name: 'same',
        createdBy: 'x',
        createdAt: at,
      };
      await store.addArtifact(artifact);
      await expect(store.addArtifact({ ...artifact, id: uuidv7(clock) })).rejects.toThrow(
        /unique/i,
      );
    });

    it('keeps findings of a model and where they were seen', async () => {
      const version = await addVersion(store, workspace.id);
      const track: Track = {
        ...{
          id: uuidv7(clock),
          workspaceId: workspace.id,
          artifactId: version.artifactId,
          key: 'k',
        },
        ...{ source: 'scan', rule: 'MRL-PKL-001', severity: 'high', versionId: version.id },
        ...{ state: 'open', resolvedIn: null, acceptance: null, createdAt: at, changedAt: at },
      };
      await store.putTrack(track);
      const why = { by: 'u', byName: 'Una', why: 'inert', until: at, at, digest: null } as const;
      const accepted: Track = {
        ...{ ...track, state: 'accepted', acceptance: { ...why, severity: 'high' } },
      };
      await store.putTrack(accepted);
      expect(await store.track(track.id)).toEqual(accepted);
      expect(await store.tracks(version.artifactId)).toEqual([accepted]);
      expect([await store.track('none'), await store.tracks('none')]).toEqual([null, []]);
      await expect(store.putTrack({ ...track, id: uuidv7(clock) })).rejects.toThrow();
      const sighting: Sighting = {
        ...{ id: uuidv7(clock), versionId: version.id, trackId: track.id, digest: 'sha256:1' },
        ...{ rule: 'MRL-PKL-001', severity: 'high', title: 't', location: { path: 'a' } },
        ...{ evidence: 'e', cwe: ['CWE-502'], atlas: [], cve: [], fix: 'f' },
        ...{ createdAt: at, goneAt: null },
      };
      await store.replaceSightings(version.id, [sighting]);
      const gone = { ...sighting, id: uuidv7(clock), goneAt: at, trackId: null };
      await store.replaceSightings(version.id, [sighting, gone]);
      expect(await store.sightings(version.id)).toEqual([sighting, gone]);
    });
    it('replaces a step and keeps its result', async () => {
      const version = await addVersion(store, workspace.id);
      const record = {
        versionId: version.id,
        step: 'scan' as const,
        state: 'running' as const,
        startedAt: at,
        finishedAt: null,
        result: {},
      };
      await store.putStep(record);
      await store.putStep({ ...record, state: 'done', finishedAt: at, result: { clean: true } });
      expect(await store.steps(version.id)).toEqual([
        { ...record, state: 'done', finishedAt: at, result: { clean: true } },
      ]);
      expect(await store.step(version.id, 'seal')).toBeNull();
    });

    it('gives each job to one owner, the oldest first, and returns those of the dead', async () => {
      const version = await addVersion(store, workspace.id);
      const jobs = [jobOf(version, 'scan'), jobOf(version, 'seal'), jobOf(version, 'assess')];
      for (const job of jobs) await store.addJob(job);
      const claimed = await Promise.all(['a', 'b', 'a', 'b'].map((o) => store.claimJob(o)));
      const ids = claimed.flatMap((job) => (job === null ? [] : [job.id]));
      expect(ids.length).toBe(3);
      expect(new Set(ids).size).toBe(3);
      expect(await store.requeueJobs('a')).toBe(
        claimed.filter((job, i) => job !== null && i % 2 === 1).length,
      );
      await store.updateJob(jobs[0]?.id ?? '', { state: 'done', progress: { done: 1 } });
      expect(await store.job(jobs[0]?.id ?? '')).toMatchObject({
        state: 'done',
        progress: { done: 1 },
        input: { a: 1 },
      });
    });

    it('uses an invite and revokes a key only once', async () => {
      const invite = {
        id: uuidv7(clock),
        workspaceId: workspace.id,
        role: 'owner' as const,
        tokenHash: 'h',
        expiresAt: at,
        usedAt: null,
        createdBy: 'x',
      };
      await store.addInvite(invite);
      const used = await Promise.all([1, 2, 3].map(() => store.useInvite(invite.id, at)));
      expect(used.filter(Boolean).length).toBe(1);
      await store.addApiKey({
        id: 'key',
        workspaceId: workspace.id,
        name: 'n',
        scope: 'inference',
        role: 'developer',
        prefix: 'p',
        hash: 'hash',
        budgetRows: 10,
        createdBy: 'x',
        createdAt: at,
        revokedAt: null,
        revokedWhy: null,
      });
      expect(await store.revokeApiKey('key', at, 'leak')).toBe(true);
      expect(await store.revokeApiKey('key', at, 'again')).toBe(false);
      expect(await store.apiKeyByHash('hash')).toMatchObject({ revokedWhy: 'leak' });
    });

    it('counts events and returns their bytes', async () => {
      const version = await addVersion(store, workspace.id);
      await store.addEvents([
        eventOf(version, 'answered', 3),
        eventOf(version, 'answered', 4),
        eventOf(version, 'refused', 100),
      ]);
      expect(await store.countEvents(version.id)).toEqual({ answered: 2, refused: 1 });
      expect(await store.rowsByMinute('k', at)).toEqual([{ minute: at.slice(0, 16), rows: 7 }]);
      expect(await store.rowsByMinute('other', at)).toEqual([]);
      const [newest] = await store.events({ versionId: version.id, limit: 1 });
      expect(newest).toMatchObject({ decision: 'refused', labels: [1, 2], latencyMs: 0.25 });
      expect([...(newest?.input ?? [])]).toEqual([0, 255, 7]);
      const again = eventOf(version, 'answered', 5);
      await store.addEvents([again]);
      await store.addEvents([again]);
      expect(await store.countEvents(version.id)).toEqual({ answered: 3, refused: 1 });
    });

    it('keeps what channels owe, of each incident and channel the first', async () => {
      const notice = (of: Pick<Notice, 'incidentId' | 'channel' | 'event'>): Notice => {
        const id = uuidv7(clock);
        return { id, workspaceId: workspace.id, ...of, attempts: 0, dueAt: at, createdAt: at };
      };
      const opened = notice({ incidentId: 'i', channel: 'a', event: 'opened' });
      const closed = notice({ incidentId: 'i', channel: 'a', event: 'closed' });
      const other = notice({ incidentId: 'j', channel: 'a', event: 'opened' });
      await store.addNotices([opened, closed, other]);
      await store.addNotices([{ ...opened, id: uuidv7(clock) }]);
      await store.addNotices([notice({ incidentId: 'i', channel: 'b', event: 'opened' })]);
      expect(await store.notices(['a'], 9)).toEqual([opened, other]);
      expect(await store.notices(['a'], 1)).toEqual([opened]);
      expect(await store.notices([], 9)).toEqual([]);
      const later = { attempts: 1, dueAt: '2030-01-01T00:00:00.000Z' };
      await store.updateNotice(opened.id, later);
      expect(await store.notices(['a'], 9)).toEqual([other, { ...opened, ...later }]);
      await store.removeNotice(opened.id);
      expect((await store.notices(['a'], 9)).map(({ id }) => id)).toEqual([closed.id, other.id]);
    });

    it('keeps incidents with their timeline in order', async () => {
      const incident = {
        id: uuidv7(clock),
        workspaceId: workspace.id,
        versionId: 'v',
        title: 't',
        severity: 'high' as const,
        technique: 'AML.T0024.002',
        state: 'open' as const,
        startedAt: at,
        detectedAt: at,
        containedAt: null,
        closedAt: null,
        detail: { queries: 170 },
      };
      await store.addIncident(incident);
      for (const text of ['one', 'two']) {
        clock.advance(1);
        await store.addTimeline({
          id: uuidv7(clock),
          incidentId: incident.id,
          at: new Date(clock.nowMs()).toISOString(),
          kind: 'note',
          text,
          detail: {},
        });
      }
      await store.updateIncident(incident.id, { state: 'contained', containedAt: at });
      expect(await store.incident(incident.id)).toMatchObject({
        state: 'contained',
        detail: { queries: 170 },
      });
      const lines = await store.timeline(incident.id);
      expect(lines.map((line) => line.text)).toEqual(['one', 'two']);
    });

    it('rolls back everything when a transaction throws', async () => {
      const before = await store.ledgerSize();
      const failing = store.transaction(async (tx) => {
        await tx.addLedgerEntries([{ index: before, leaf: 'x' }]);
        await tx.setMeta('half', 'done');
        throw new Error('stop');
      });
      await expect(failing).rejects.toThrow('stop');
      expect(await store.ledgerSize()).toBe(before);
      expect(await store.meta('half')).toBeNull();
    });

    it('keeps ledger hashes in the order asked', async () => {
      await store.putLedgerHashes(0, [new Uint8Array([1]), new Uint8Array([2])]);
      expect((await store.ledgerHashes([1, 0])).map((hash) => hash[0])).toEqual([2, 1]);
      await expect(store.ledgerHashes([9])).rejects.toThrow('ledger hash 9 is missing');
    });
  });
}
