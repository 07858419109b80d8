/**
 * What the platform asks of a database, in words of the domain. One suite of tests holds every
 * implementation to it (`storeSuite`).
 */
import type {
  Alert,
  ApiKey,
  Approval,
  Artifact,
  DataLink,
  Deployment,
  Incident,
  Invite,
  Job,
  LedgerEntry,
  Member,
  Picture,
  ServeEvent,
  Share,
  Sighting,
  StepName,
  StepRecord,
  TimelineEntry,
  Track,
  Version,
  VersionFile,
  Workspace,
  WrappedKey,
} from '../model.ts';
import type { Notice } from '../notify/notice.ts';

/** Models, data sets, their versions and what was found out about them. */
export interface ArtifactStore {
  addWorkspace(workspace: Workspace): Promise<void>;
  workspaces(): Promise<Workspace[]>;
  addArtifact(artifact: Artifact): Promise<void>;
  artifact(id: string): Promise<Artifact | null>;
  artifactByName(
    workspaceId: string,
    kind: Artifact['kind'],
    name: string,
  ): Promise<Artifact | null>;
  artifacts(workspaceId: string, kind: Artifact['kind']): Promise<Artifact[]>;
  addVersion(version: Version): Promise<void>;
  updateVersion(id: string, change: Partial<Version>): Promise<void>;
  version(id: string): Promise<Version | null>;
  versions(artifactId: string): Promise<Version[]>;
  putFile(file: VersionFile): Promise<void>;
  files(versionId: string): Promise<VersionFile[]>;
  /** Files of all versions of all workspaces whose content was not destroyed. */
  allFiles(): Promise<VersionFile[]>;
  /** Names of all sealed objects that some version uses. */
  blobNames(): Promise<Set<string>>;
  /** Files of the workspace with this content, sealed to a version's own key that still lives. */
  sealedFiles(workspaceId: string, digest: string): Promise<VersionFile[]>;
  /** In how many files of versions that were not destroyed each object is used, if in any. */
  blobUses(blobs: readonly string[]): Promise<ReadonlyMap<string, number>>;
  /** Whoever used the one object uses the other from now on. */
  moveBlob(from: string, to: string): Promise<void>;
  /** Versions whose day of retention has come by the given one, not destroyed yet. */
  expiredVersions(workspaceId: string, day: string): Promise<Version[]>;
  linkData(link: DataLink): Promise<void>;
  dataLinks(versionId: string): Promise<DataLink[]>;
  /** Findings of a model over all of its versions. */
  tracks(artifactId: string): Promise<Track[]>;
  track(id: string): Promise<Track | null>;
  /** Adds or replaces a finding of a model. */
  putTrack(track: Track): Promise<void>;
  sightings(versionId: string): Promise<Sighting[]>;
  replaceSightings(versionId: string, sightings: readonly Sighting[]): Promise<void>;
  putPicture(picture: Picture): Promise<void>;
  pictures(versionId: string): Promise<Picture[]>;
  addApproval(approval: Approval): Promise<void>;
  approvals(versionId: string): Promise<Approval[]>;
}

/** Steps and jobs: where every version stands. */
export interface WorkStore {
  steps(versionId: string): Promise<StepRecord[]>;
  step(versionId: string, step: StepName): Promise<StepRecord | null>;
  /** Writes or replaces the record of one step. */
  putStep(record: StepRecord): Promise<void>;
  addJob(job: Job): Promise<void>;
  job(id: string): Promise<Job | null>;
  jobs(filter: { workspaceId?: string; versionId?: string }): Promise<Job[]>;
  /** Takes the oldest queued job for this owner, or null; two owners never get the same one. */
  claimJob(owner: string): Promise<Job | null>;
  updateJob(id: string, change: Partial<Job>): Promise<void>;
  /** Puts running jobs of any other owner back into the queue; returns how many. */
  requeueJobs(owner: string): Promise<number>;
}

/** Keys of objects, people's places and API keys. */
export interface AccessStore {
  addWrappedKey(key: WrappedKey): Promise<void>;
  wrappedKey(id: string): Promise<WrappedKey | null>;
  wrappedKeys(workspaceId: string): Promise<WrappedKey[]>;
  /** Overwrites a wrapped key and marks it destroyed; false when it was before. */
  destroyWrappedKey(id: string, at: string): Promise<boolean>;
  addMember(member: Member): Promise<void>;
  membersOf(userId: string): Promise<Member[]>;
  members(workspaceId: string): Promise<Member[]>;
  addInvite(invite: Invite): Promise<void>;
  inviteByHash(tokenHash: string): Promise<Invite | null>;
  /** Marks an invite used; false when somebody was faster. */
  useInvite(id: string, at: string): Promise<boolean>;
  addApiKey(key: ApiKey): Promise<void>;
  apiKey(id: string): Promise<ApiKey | null>;
  apiKeyByHash(hash: string): Promise<ApiKey | null>;
  apiKeys(workspaceId: string): Promise<ApiKey[]>;
  /** Revokes a key; false when it was revoked before. */
  revokeApiKey(id: string, at: string, why: string): Promise<boolean>;
}

/** Serving, watching and answering. */
export interface WatchStore {
  addDeployment(deployment: Deployment): Promise<void>;
  updateDeployment(id: string, change: Partial<Deployment>): Promise<void>;
  deployment(id: string): Promise<Deployment | null>;
  activeDeployment(name: string): Promise<Deployment | null>;
  deployments(workspaceId: string | null): Promise<Deployment[]>;
  addEvents(events: readonly ServeEvent[]): Promise<void>;
  /** Newest first. */
  events(filter: {
    versionId?: string;
    keyId?: string;
    since?: string;
    limit: number;
  }): Promise<ServeEvent[]>;
  /** Rows that a key was answered since a time, by minutes such as `2026-01-31T23:59`. */
  rowsByMinute(keyId: string, since: string): Promise<{ minute: string; rows: number }[]>;
  countEvents(versionId: string): Promise<{ answered: number; refused: number }>;
  addAlert(alert: Alert): Promise<void>;
  linkAlert(id: string, incidentId: string): Promise<void>;
  alerts(versionId: string): Promise<Alert[]>;
  addIncident(incident: Incident): Promise<void>;
  updateIncident(id: string, change: Partial<Incident>): Promise<void>;
  incident(id: string): Promise<Incident | null>;
  incidents(workspaceId: string): Promise<Incident[]>;
  addTimeline(entry: TimelineEntry): Promise<void>;
  timeline(incidentId: string): Promise<TimelineEntry[]>;
  addShare(share: Share): Promise<void>;
  shares(incidentId: string): Promise<Share[]>;
}

/** What channels still owe. */
export interface NoticeStore {
  /** Leaves those out that the same channel owes already, of the same incident and event. */
  addNotices(notices: readonly Notice[]): Promise<void>;
  /** Of each incident and channel the first; those that are due first come first. */
  notices(channels: readonly string[], limit: number): Promise<Notice[]>;
  updateNotice(id: string, change: Pick<Notice, 'attempts' | 'dueAt'>): Promise<void>;
  removeNotice(id: string): Promise<void>;
}

/** The ledger's rows; `platform/ledger` keeps the tree. */
export interface LedgerStore {
  ledgerSize(): Promise<number>;
  addLedgerEntries(entries: readonly LedgerEntry[]): Promise<void>;
  ledgerEntries(from: number, limit: number): Promise<LedgerEntry[]>;
  putLedgerHashes(start: number, hashes: readonly Uint8Array[]): Promise<void>;
  ledgerHashes(indexes: readonly number[]): Promise<Uint8Array[]>;
  putCheckpoint(size: number, text: string): Promise<void>;
  latestCheckpoint(): Promise<{ size: number; text: string } | null>;
}

/** Everything, with transactions. */
export interface Store
  extends ArtifactStore,
    WorkStore,
    AccessStore,
    WatchStore,
    NoticeStore,
    LedgerStore {
  /** All or nothing; inside, only the given store may be used. */
  transaction<T>(work: (tx: Store) => Promise<T>): Promise<T>;
  meta(key: string): Promise<string | null>;
  setMeta(key: string, value: string): Promise<void>;
  tourState(id: string): Promise<string | null>;
  setTourState(id: string, state: string | null, at: string): Promise<void>;
  close(): Promise<void>;
}
