/**
 * The words of the platform: what a model version is, where it stands on its way, and who does
 * what. Plain data without SQL, HTTP or JSON; every step and every adapter speaks in these.
 */
import type { Digest, Finding, JsonObject, Severity } from '@merlon/core';

/** The ten steps of the journey, in order. */
export const stepNames = [
  'intake',
  'scan',
  'seal',
  'assess',
  'harden',
  'approve',
  'serve',
  'monitor',
  'respond',
  'share',
] as const;

/** One of the ten steps. */
export type StepName = (typeof stepNames)[number];

/** Where a step of a version stands; `refused` means the step ran and said no. */
export type StepState = 'running' | 'done' | 'refused' | 'failed';

/** The record of a step that was begun; a step without a record is still to come. */
export interface StepRecord {
  readonly versionId: string;
  readonly step: StepName;
  readonly state: StepState;
  readonly startedAt: string;
  readonly finishedAt: string | null;
  /** What the step measured; its shape is the step's own. */
  readonly result: JsonObject;
}

/** A tenant: models, data, keys and people of one workspace never meet those of another. */
export interface Workspace {
  readonly id: string;
  readonly name: string;
  readonly createdAt: string;
}

/** What a version is a version of. */
export type ArtifactKind = 'model' | 'data';

/** A named model or data set; its content lives in versions. */
export interface Artifact {
  readonly id: string;
  readonly workspaceId: string;
  readonly kind: ArtifactKind;
  readonly name: string;
  readonly createdBy: string;
  readonly createdAt: string;
}

/** `draft` takes files, `complete` is immutable, `retired` is served no more. */
export type VersionState = 'draft' | 'complete' | 'retired';

/** An immutable set of files named by digest (once complete). */
export interface Version {
  readonly id: string;
  readonly workspaceId: string;
  readonly artifactId: string;
  readonly number: number;
  /** The version that this one was hardened from. */
  readonly parentId: string | null;
  readonly state: VersionState;
  /** Root digest over all files; null while a draft. */
  readonly digest: Digest | null;
  readonly bytes: number;
  readonly broughtBy: string;
  readonly createdAt: string;
  /** Day (`YYYY-MM-DD`, UTC) from which its key is destroyed; null for never. */
  readonly retainUntil: string | null;
  /** When its content was destroyed, by a person or at the end of its retention. */
  readonly destroyedAt: string | null;
}

/** One file of a version; its bytes lie sealed in the blob store. */
export interface VersionFile {
  readonly versionId: string;
  readonly path: string;
  readonly digest: Digest;
  readonly bytes: number;
  /** Name of the sealed object in the blob store. */
  readonly blob: string;
  /** Which key opens it. */
  readonly keyId: string;
  /**
   * Header (age v1, base64) by which this version opens an object that another version sealed;
   * null when the object's own header is for this version.
   */
  readonly header: string | null;
}

/** How a data version serves a model version. */
export type DataUse = 'train' | 'test';

/** Lineage: this data trained or tests that model. */
export interface DataLink {
  readonly versionId: string;
  readonly dataVersionId: string;
  readonly use: DataUse;
}

/** What can be done by a background job. */
export type JobKind = 'scan' | 'seal' | 'assess' | 'harden';

/** States of a job. */
export type JobState = 'queued' | 'running' | 'done' | 'failed' | 'cancelled';

/** A piece of work that survives a crash: it is a row before it is begun. */
export interface Job {
  readonly id: string;
  readonly workspaceId: string;
  readonly versionId: string;
  readonly kind: JobKind;
  readonly state: JobState;
  readonly input: JsonObject;
  readonly progress: JsonObject;
  readonly error: string | null;
  readonly attempts: number;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly finishedAt: string | null;
}

/**
 * A wrapped key: the key of a workspace under the home key, or an age identity or signing key under
 * the key of its workspace.
 */
export interface WrappedKey {
  readonly id: string;
  readonly workspaceId: string;
  readonly purpose: 'workspace' | 'quarantine' | 'version' | 'signing';
  /** The workspace key that wraps it; null when it is the home key. */
  readonly wrappedBy: string | null;
  /** Public half: an age recipient or a PEM public key; empty for the key of a workspace. */
  readonly publicKey: string;
  readonly wrapped: Uint8Array;
  readonly createdAt: string;
  readonly destroyedAt: string | null;
}

/** The five roles. */
export const roles = ['owner', 'security', 'developer', 'operator', 'auditor'] as const;

/** What a person may do in a workspace. */
export type Role = (typeof roles)[number];

/** Who acts: a signed-in person, an API key, or the platform itself. */
export interface Actor {
  readonly kind: 'person' | 'key' | 'platform';
  readonly id: string;
  readonly name: string;
  readonly workspaceId: string;
  readonly role: Role;
  /** True when the person's session was opened with a second factor. */
  readonly secondFactor: boolean;
  /** What an API key may reach; null for people. */
  readonly scope: KeyScope | null;
}

/** A person in a workspace. */
export interface Member {
  readonly userId: string;
  readonly workspaceId: string;
  readonly role: Role;
}

/** A one-time link by which a person joins. */
export interface Invite {
  readonly id: string;
  readonly workspaceId: string;
  readonly role: Role;
  readonly tokenHash: string;
  readonly expiresAt: string;
  readonly usedAt: string | null;
  readonly createdBy: string;
}

/** `inference` keys call served models, `platform` keys use the API. */
export type KeyScope = 'inference' | 'platform';

/** An API key; only its SHA-256 is kept. */
export interface ApiKey {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly scope: KeyScope;
  readonly role: Role;
  /** First characters, to tell keys apart. */
  readonly prefix: string;
  readonly hash: string;
  /** Rows that may be asked in any 24 hours. */
  readonly budgetRows: number;
  readonly createdBy: string;
  readonly createdAt: string;
  readonly revokedAt: string | null;
  readonly revokedWhy: string | null;
}

/** What looked. */
export type FindingSource = 'scan' | 'assess';

/** `fixed` is a person's word; `verified` is what a complete scan of the newest version saw. */
export type FindingState = 'open' | 'accepted' | 'fixed' | 'verified';

/** That somebody lives with a finding, for some bytes and until a day. */
export interface Acceptance {
  readonly by: string;
  readonly byName: string;
  readonly why: string;
  /** The instant from which on it is open again. */
  readonly until: string;
  readonly at: string;
  /** Severity that was accepted; the same finding at a higher one is not. */
  readonly severity: Severity;
  /** Digest of the file, or of the version, that it was accepted for. */
  readonly digest: string | null;
}

/** A finding of a model, the same one over its versions. */
export interface Track {
  readonly id: string;
  readonly workspaceId: string;
  readonly artifactId: string;
  /** What stays the same of it from version to version. */
  readonly key: string;
  readonly source: FindingSource;
  readonly rule: string;
  readonly severity: Severity;
  /** The last version that it was seen in. */
  readonly versionId: string;
  readonly state: FindingState;
  /** The version that was seen to be without it. */
  readonly resolvedIn: string | null;
  readonly acceptance: Acceptance | null;
  readonly createdAt: string;
  readonly changedAt: string;
}

/** A finding as it was seen in one version. */
export interface Sighting extends Finding {
  readonly id: string;
  readonly versionId: string;
  /** Null in rows from before findings were followed. */
  readonly trackId: string | null;
  /** Digest of the file, or of the version, that it is about. */
  readonly digest: string | null;
  readonly createdAt: string;
  /** When a later scan of this very version found it no more. */
  readonly goneAt: string | null;
}

/** A finding as it stands: in one version, or in the whole model. */
export interface TrackedFinding extends Finding {
  readonly id: string;
  readonly versionId: string;
  readonly state: FindingState;
  readonly createdAt: string;
  readonly goneAt: string | null;
  readonly acceptance: Acceptance | null;
  /** Who brought that version in, and so may not accept it. */
  readonly broughtBy: string;
}

/** A picture that an assessment made. */
export interface Picture {
  readonly versionId: string;
  readonly name: string;
  readonly png: Uint8Array;
  readonly caption: string;
}

/** A person's word on a version. */
export interface Approval {
  readonly id: string;
  readonly versionId: string;
  readonly userId: string;
  readonly userName: string;
  readonly comment: string;
  readonly at: string;
}

/** A version that answers requests under a name. */
export interface Deployment {
  readonly id: string;
  readonly workspaceId: string;
  readonly name: string;
  readonly versionId: string;
  /** Guards as data; their shape is `harden`'s. */
  readonly guards: JsonObject;
  readonly state: 'active' | 'stopped';
  readonly startedAt: string;
}

/** One request to a served model, answered or refused. */
export interface ServeEvent {
  readonly id: string;
  readonly workspaceId: string;
  readonly deploymentId: string;
  readonly versionId: string;
  readonly keyId: string | null;
  readonly at: string;
  readonly decision: 'answered' | 'refused';
  /** Why it was refused; empty when answered. */
  readonly reason: string;
  readonly rows: number;
  readonly latencyMs: number;
  /** Predicted class of each row. */
  readonly labels: readonly number[];
  /** The rows asked, float32 row-major; null when refused before reading. */
  readonly input: Uint8Array | null;
}

/** A detector's word. */
export interface Alert {
  readonly id: string;
  readonly workspaceId: string;
  readonly versionId: string;
  readonly deploymentId: string;
  readonly keyId: string | null;
  readonly detector: string;
  readonly at: string;
  readonly statistic: number;
  readonly threshold: number;
  readonly detail: JsonObject;
  readonly incidentId: string | null;
}

/** States of an incident. */
export type IncidentState = 'open' | 'contained' | 'closed';

/** Something that happened to a served model, and what was done about it. */
export interface Incident {
  readonly id: string;
  readonly workspaceId: string;
  readonly versionId: string;
  readonly title: string;
  readonly severity: 'low' | 'medium' | 'high' | 'critical';
  readonly technique: string;
  readonly state: IncidentState;
  /** When the first request of the attack came in. */
  readonly startedAt: string;
  readonly detectedAt: string;
  readonly containedAt: string | null;
  readonly closedAt: string | null;
  readonly detail: JsonObject;
}

/** A line of an incident's timeline. */
export interface TimelineEntry {
  readonly id: string;
  readonly incidentId: string;
  readonly at: string;
  readonly kind: 'detected' | 'action' | 'contained' | 'note' | 'closed' | 'shared';
  readonly text: string;
  readonly detail: JsonObject;
}

/** An incident as it was shared. */
export interface Share {
  readonly id: string;
  readonly incidentId: string;
  readonly tlp: string;
  readonly bundle: string;
  readonly at: string;
}

/** A decision in the ledger. */
export interface LedgerEntry {
  /** Position in the log, from 0. */
  readonly index: number;
  /** Canonical JSON of the decision. */
  readonly leaf: string;
}
