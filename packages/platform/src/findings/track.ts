/**
 * Findings followed from version to version: what stays the same of one, in which state it is, and
 * what a new scan says about those that are known. Pure: rows in, rows out.
 */
import { digestHex, digestOf, type Finding, severityRank, utf8 } from '@merlon/core';
import type { FindingSource, FindingState, Sighting, Track, Version } from '../model.ts';

/** What a scan or an assessment of a version saw. */
export interface Observation {
  readonly source: FindingSource;
  readonly version: Version;
  /** No later version of the same model is complete. */
  readonly isNewest: boolean;
  /** Everything was looked at; only then is what is absent gone. */
  readonly complete: boolean;
  readonly findings: readonly Finding[];
  /** Digest of what a finding is about: its file, or the whole version. */
  readonly digestFor: (finding: Finding) => string | null;
  readonly at: string;
  readonly newId: () => string;
}

/** What was known before: of the model, and of this version. */
export interface Known {
  readonly tracks: readonly Track[];
  readonly sightings: readonly Sighting[];
}

/** What is known now; `tracks` holds only those that changed. */
export interface Reconciled {
  readonly tracks: readonly Track[];
  readonly sightings: readonly Sighting[];
  readonly opened: number;
  readonly reopened: number;
  readonly verified: number;
}

/**
 * One key for each finding, equal over versions: rule, place and evidence without byte offsets and
 * without numbers in names, since `model-3.pkl` follows `model-2.pkl`. Equal ones count on.
 */
export function keysOf(source: FindingSource, findings: readonly Finding[]): string[] {
  const counts = new Map<string, number>();
  return findings.map(({ rule, location, evidence }) => {
    const { path = '', member = '', pointer = '' } = location;
    const place = [path.replace(/\d+/g, '#'), member.replace(/\d+/g, '#'), pointer, evidence];
    // A model has one robustness, whatever its figures and its file are called.
    const parts = source === 'scan' ? [source, rule, ...place] : [source, rule];
    const base = digestHex(digestOf(utf8(JSON.stringify(parts))));
    const count = counts.get(base) ?? 0;
    counts.set(base, count + 1);
    return count === 0 ? base : `${base}-${count}`;
  });
}

/** The state of a finding of a model at a time; an acceptance that has run out is none. */
export function stateOf(track: Track, now: string): FindingState {
  const { state, acceptance } = track;
  return state === 'accepted' && !(acceptance !== null && acceptance.until > now) ? 'open' : state;
}

/**
 * The state of a finding within one version. That a later version is without it changes nothing
 * here; an acceptance holds for the very bytes that it was given for, and for nothing worse.
 */
export function stateWithin(
  sighting: Sighting,
  track: Track | undefined,
  now: string,
): FindingState {
  if (sighting.goneAt !== null) return 'verified';
  if (track === undefined) return 'open';
  if (isAccepted(sighting, track, now)) return 'accepted';
  return track.state === 'fixed' ? 'fixed' : 'open';
}

/** True while a finding counts against a version: a promise to have fixed it is not enough. */
export function stands(state: string): boolean {
  return state === 'open' || state === 'fixed';
}

/** True for bytes that an acceptance in force was given for, at no higher severity. */
export function isAccepted(
  seen: Pick<Sighting, 'digest' | 'severity'>,
  track: Track,
  now: string,
): boolean {
  const { acceptance } = track;
  if (stateOf(track, now) !== 'accepted' || acceptance === null) return false;
  if (acceptance.digest === null || acceptance.digest !== seen.digest) return false;
  return severityRank(seen.severity) <= severityRank(acceptance.severity);
}

/** Joins what was seen with what was known. */
export function reconcile(known: Known, seen: Observation): Reconciled {
  const { version, at, source } = seen;
  const byKey = new Map(known.tracks.map((track) => [track.key, track]));
  const before = new Map(known.sightings.map((each) => [each.trackId ?? each.id, each]));
  const tracks: Track[] = [];
  const sightings: Sighting[] = [];
  const present = new Set<string>();
  const counts = { opened: 0, reopened: 0, verified: 0 };
  const keys = keysOf(source, seen.findings);
  for (const [index, finding] of seen.findings.entries()) {
    const digest = seen.digestFor(finding);
    const old = byKey.get(keys[index] ?? '');
    const track =
      old === undefined
        ? fresh(keys[index] ?? '', finding, seen)
        : again(old, { ...finding, digest }, seen);
    if (old === undefined) counts.opened++;
    else if (track.state === 'open' && old.state !== 'open') counts.reopened++;
    present.add(track.id);
    tracks.push(track);
    const createdAt = before.get(track.id)?.createdAt ?? at;
    const row = { versionId: version.id, trackId: track.id, digest, createdAt, goneAt: null };
    sightings.push({ ...finding, id: seen.newId(), ...row });
  }
  const ofSource = new Map(known.tracks.filter((t) => t.source === source).map((t) => [t.id, t]));
  for (const sighting of known.sightings) {
    const { trackId } = sighting;
    if (trackId !== null && present.has(trackId)) continue;
    const isOurs = trackId === null ? source === 'scan' : ofSource.has(trackId);
    if (!isOurs || !seen.complete) sightings.push(sighting);
    // A row from before findings were followed has no track that could tell that it is gone.
    else if (trackId !== null) sightings.push({ ...sighting, goneAt: sighting.goneAt ?? at });
  }
  if (seen.complete && seen.isNewest) {
    for (const track of ofSource.values()) {
      if (present.has(track.id) || track.state === 'verified') continue;
      counts.verified++;
      tracks.push({ ...track, ...{ state: 'verified', resolvedIn: version.id, changedAt: at } });
    }
  }
  return { tracks, sightings, ...counts };
}

function fresh(key: string, { rule, severity }: Finding, seen: Observation): Track {
  const { version, source, at } = seen;
  const { id: versionId, artifactId, workspaceId } = version;
  return {
    ...{ id: seen.newId(), workspaceId, artifactId, key, source, rule, severity, versionId },
    ...{ state: 'open', resolvedIn: null, acceptance: null, createdAt: at, changedAt: at },
  };
}

/** A finding seen again: what was promised or accepted is held against what is there. */
function again(
  track: Track,
  finding: Pick<Sighting, 'digest' | 'severity'>,
  { version, isNewest, at }: Observation,
): Track {
  const { severity } = finding;
  if (!isNewest) return track;
  const last = { ...track, severity, versionId: version.id };
  if (track.state === 'open' || isAccepted(finding, track, at)) return last;
  return { ...last, state: 'open', acceptance: null, resolvedIn: null, changedAt: at };
}
