/** Findings of a version or of everything, and what people decide about them. */
import { type Finding, isoTime, severityRank, uuidv7 } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import type { Actor, Artifact, Sighting, Track, TrackedFinding, Version } from '../model.ts';
import type { Services } from '../services.ts';
import type { Store } from '../store/store.ts';
import {
  isAccepted,
  keysOf,
  type Observation,
  type Reconciled,
  reconcile,
  stateOf,
  stateWithin,
} from './track.ts';

/** Findings of a version, as they stand at a time. */
export async function findingsOf(
  store: Store,
  version: Version,
  now: string,
): Promise<TrackedFinding[]> {
  const tracks = new Map((await store.tracks(version.artifactId)).map((each) => [each.id, each]));
  const sightings = await store.sightings(version.id);
  return sightings.map((sighting) => {
    const track = sighting.trackId === null ? undefined : tracks.get(sighting.trackId);
    const state = stateWithin(sighting, track, now);
    return viewOf(sighting, { track, state, broughtBy: version.broughtBy });
  });
}

/** What a scan or an assessment saw, written down; called within the transaction that ends it. */
export async function observe(
  { clock }: Services,
  tx: Store,
  seen: Omit<Observation, 'isNewest' | 'at' | 'newId'>,
): Promise<Reconciled> {
  const { version } = seen;
  const tracks = await tx.tracks(version.artifactId);
  const sightings = await tx.sightings(version.id);
  const versions = await tx.versions(version.artifactId);
  const isNewest = !versions.some(
    ({ number, state }) => state === 'complete' && number > version.number,
  );
  const at = isoTime(clock.nowMs());
  const newId = (): string => uuidv7(clock);
  const now = reconcile({ tracks, sightings }, { ...seen, isNewest, at, newId });
  for (const track of now.tracks) await tx.putTrack(track);
  await tx.replaceSightings(version.id, now.sightings);
  return now;
}

/** Those of the findings that somebody accepted, for these very bytes. */
export async function acceptedOf(
  { store, clock }: Services,
  seen: Pick<Observation, 'source' | 'version' | 'findings' | 'digestFor'>,
): Promise<ReadonlySet<Finding>> {
  const now = isoTime(clock.nowMs());
  const tracks = new Map((await store.tracks(seen.version.artifactId)).map((t) => [t.key, t]));
  const keys = keysOf(seen.source, seen.findings);
  return new Set(
    seen.findings.filter((finding, index) => {
      const track = tracks.get(keys[index] ?? '');
      const { severity } = finding;
      const digest = seen.digestFor(finding);
      return track !== undefined && isAccepted({ severity, digest }, track, now);
    }),
  );
}

/** A finding of the whole estate, with the model and the version where it was last seen. */
export interface EstateFinding extends TrackedFinding {
  readonly model: string;
  readonly kind: 'model' | 'data';
  readonly number: number;
  readonly source: Track['source'];
  /** Number of the version that was seen to be without it. */
  readonly verifiedIn: number | null;
}

/** Everything that was ever found in a workspace, the gravest that stand first. */
export async function estateFindings(
  store: Store,
  workspaceId: string,
  now: string,
): Promise<EstateFinding[]> {
  const found: EstateFinding[] = [];
  for (const kind of ['model', 'data'] as const) {
    for (const artifact of await store.artifacts(workspaceId, kind)) {
      found.push(...(await artifactFindings(store, artifact, now)));
    }
  }
  const order = { open: 0, fixed: 1, accepted: 2, verified: 3 } as const;
  return found.sort(
    (a, b) =>
      order[a.state] - order[b.state] || severityRank(b.severity) - severityRank(a.severity),
  );
}

/** Everything that was ever found in one model or data set. */
export async function artifactFindings(
  store: Store,
  { id, name: model, kind }: Artifact,
  now: string,
): Promise<EstateFinding[]> {
  const tracks = await store.tracks(id);
  if (tracks.length === 0) return [];
  const versions = new Map((await store.versions(id)).map((each) => [each.id, each]));
  const seen = await lastSeen(store, tracks);
  return tracks.flatMap((track): EstateFinding[] => {
    const sighting = seen.get(track.id);
    if (sighting === undefined) return [];
    const { broughtBy = '', number = 0 } = versions.get(track.versionId) ?? {};
    const view = viewOf(sighting, { track, state: stateOf(track, now), broughtBy });
    const verifiedIn = versions.get(track.resolvedIn ?? '')?.number ?? null;
    return [{ ...view, model, kind, source: track.source, number, verifiedIn }];
  });
}

async function lastSeen(store: Store, tracks: readonly Track[]): Promise<Map<string, Sighting>> {
  const seen = new Map<string, Sighting>();
  const lastIn = new Map(tracks.map(({ id, versionId }) => [id, versionId]));
  for (const versionId of new Set(lastIn.values())) {
    for (const sighting of await store.sightings(versionId)) {
      const { trackId } = sighting;
      if (trackId !== null && lastIn.get(trackId) === versionId) seen.set(trackId, sighting);
    }
  }
  return seen;
}

function viewOf(
  sighting: Sighting,
  as: {
    readonly track: Track | undefined;
    readonly state: TrackedFinding['state'];
    readonly broughtBy: string;
  },
): TrackedFinding {
  const { track, state, broughtBy } = as;
  const { trackId, goneAt, digest: _, ...finding } = sighting;
  return {
    ...finding,
    id: trackId ?? sighting.id,
    state,
    createdAt: track?.createdAt ?? sighting.createdAt,
    goneAt,
    acceptance: state === 'accepted' ? (track?.acceptance ?? null) : null,
    broughtBy,
  };
}

/** A finding of the actor's workspace, in a version (where it was last seen); else `not-found`. */
export async function findingFor(
  store: Store,
  actor: Actor,
  id: string,
  versionId?: string,
): Promise<{ readonly track: Track; readonly version: Version }> {
  const track = await store.track(id);
  const version = track === null ? null : await store.version(versionId ?? track.versionId);
  if (track === null || version === null || track.workspaceId !== actor.workspaceId) {
    throw new PlatformError('not-found', `there is no finding "${id}"`);
  }
  if (version.artifactId !== track.artifactId) {
    throw new PlatformError('bad-request', '"versionId" expected a version of the same model');
  }
  return { track, version };
}

/** What a person decides about a finding. */
export type Decision =
  | {
      readonly kind: 'accept';
      readonly why: string;
      readonly until: string;
      /** The version whose bytes it is accepted for; the last one that has it when left out. */
      readonly versionId?: string | undefined;
    }
  | { readonly kind: 'fixed'; readonly why: string }
  | { readonly kind: 'reopen'; readonly why: string };

const acceptedDaysMax = 366;
const dayMs = 86_400_000;

/**
 * Decides: `accept` lives with a finding until a day, for the very bytes that it was seen in;
 * `fixed` promises that the next version is without it, which its scan then verifies or refutes;
 * `reopen` takes either back. Throws `bad-request` for a day that is past or too far, `conflict`
 * where the state does not allow it.
 */
export async function decide(
  services: Services,
  actor: Actor,
  id: string,
  decision: Decision,
): Promise<Track> {
  const { store, clock, ledger, bus } = services;
  const at = isoTime(clock.nowMs());
  const decided = await store.transaction(async (tx) => {
    const within = decision.kind === 'accept' ? decision.versionId : undefined;
    const { track, version } = await findingFor(tx, actor, id, within);
    const state = stateOf(track, at);
    const { why } = decision;
    if (state === 'verified' || (decision.kind === 'reopen' && track.state === 'open')) {
      throw new PlatformError('conflict', `the finding is ${state} already`);
    }
    const next = { ...track, changedAt: at, acceptance: null };
    if (decision.kind !== 'accept') {
      const now: Track = { ...next, state: decision.kind === 'fixed' ? 'fixed' : 'open' };
      return await kept(tx, now, { why });
    }
    const until = checkedUntil(decision.until, clock.nowMs());
    const seen = (await tx.sightings(version.id)).find(({ trackId }) => trackId === track.id);
    if (seen === undefined)
      throw new PlatformError('conflict', 'the finding is not there any more');
    const { severity, digest } = seen;
    const acceptance = { by: actor.id, byName: actor.name, why, until, at, severity, digest };
    return await kept(tx, { ...next, state: 'accepted', acceptance }, { why, until, digest });
  });
  bus.publish({ topic: 'version', workspaceId: actor.workspaceId, id: decided.versionId });
  return decided;

  async function kept(
    tx: Store,
    track: Track,
    detail: Record<string, string | null>,
  ): Promise<Track> {
    await tx.putTrack(track);
    const action = `finding.${decision.kind}`;
    const { rule, severity, versionId } = track;
    await ledger.append(tx, actor, {
      ...{ action, resource: `finding/${id}` },
      detail: { ...detail, rule, severity, version: versionId },
    });
    return track;
  }
}

/** A day in the future, at most a year away, as its last millisecond. */
function checkedUntil(day: string, nowMs: number): string {
  const ends = Date.parse(`${day}T00:00:00Z`) + dayMs;
  const told = /^\d{4}-\d{2}-\d{2}$/.test(day) && Number.isFinite(ends);
  if (!told || ends <= nowMs || ends > nowMs + (acceptedDaysMax + 1) * dayMs) {
    throw new PlatformError(
      'bad-request',
      `"until" expected a day from today on, at most a year away, as 2027-01-31, got "${day}"`,
    );
  }
  return isoTime(ends - 1);
}
