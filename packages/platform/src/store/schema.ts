/** Tables as Kysely sees them: columns carry the names of the domain, JSON lies in text. */
import type { Generated } from 'kysely';

/** Rows of every table of ours (the tables of people belong to better-auth). */
export interface Schema {
  meta: { key: string; value: string };
  workspaces: { id: string; name: string; createdAt: string };
  members: { userId: string; workspaceId: string; role: string };
  invites: {
    id: string;
    workspaceId: string;
    role: string;
    tokenHash: string;
    expiresAt: string;
    usedAt: string | null;
    createdBy: string;
  };
  apiKeys: {
    id: string;
    workspaceId: string;
    name: string;
    scope: string;
    role: string;
    prefix: string;
    hash: string;
    budgetRows: number;
    createdBy: string;
    createdAt: string;
    revokedAt: string | null;
    revokedWhy: string | null;
  };
  artifacts: {
    id: string;
    workspaceId: string;
    kind: string;
    name: string;
    createdBy: string;
    createdAt: string;
  };
  versions: {
    id: string;
    workspaceId: string;
    artifactId: string;
    number: number;
    parentId: string | null;
    state: string;
    digest: string | null;
    bytes: number;
    broughtBy: string;
    createdAt: string;
    retainUntil: string | null;
    destroyedAt: string | null;
  };
  versionFiles: {
    versionId: string;
    path: string;
    digest: string;
    bytes: number;
    blob: string;
    keyId: string;
    header: string | null;
  };
  dataLinks: { versionId: string; dataVersionId: string; use: string };
  steps: {
    versionId: string;
    step: string;
    state: string;
    startedAt: string;
    finishedAt: string | null;
    result: string;
  };
  jobs: {
    id: string;
    workspaceId: string;
    versionId: string;
    kind: string;
    state: string;
    input: string;
    progress: string;
    error: string | null;
    attempts: number;
    owner: string | null;
    createdBy: string;
    createdAt: string;
    finishedAt: string | null;
  };
  wrappedKeys: {
    id: string;
    workspaceId: string;
    purpose: string;
    publicKey: string;
    wrapped: Uint8Array;
    wrappedBy: string | null;
    createdAt: string;
    destroyedAt: string | null;
  };
  findings: {
    id: string;
    versionId: string;
    trackId: string | null;
    digest: string | null;
    rule: string;
    severity: string;
    createdAt: string;
    goneAt: string | null;
    body: string;
  };
  tracks: {
    id: string;
    workspaceId: string;
    artifactId: string;
    key: string;
    source: string;
    rule: string;
    severity: string;
    versionId: string;
    state: string;
    resolvedIn: string | null;
    acceptance: string | null;
    createdAt: string;
    changedAt: string;
  };
  pictures: { versionId: string; name: string; png: Uint8Array; caption: string };
  approvals: {
    id: string;
    versionId: string;
    userId: string;
    userName: string;
    comment: string;
    at: string;
  };
  deployments: {
    id: string;
    workspaceId: string;
    name: string;
    versionId: string;
    guards: string;
    state: string;
    startedAt: string;
  };
  events: {
    seq: Generated<number>;
    id: string;
    workspaceId: string;
    deploymentId: string;
    versionId: string;
    keyId: string | null;
    at: string;
    decision: string;
    reason: string;
    rows: number;
    latencyMs: number;
    labels: string;
    input: Uint8Array | null;
  };
  alerts: {
    id: string;
    workspaceId: string;
    versionId: string;
    deploymentId: string;
    keyId: string | null;
    detector: string;
    at: string;
    statistic: number;
    threshold: number;
    detail: string;
    incidentId: string | null;
  };
  incidents: {
    id: string;
    workspaceId: string;
    versionId: string;
    title: string;
    severity: string;
    technique: string;
    state: string;
    startedAt: string;
    detectedAt: string;
    containedAt: string | null;
    closedAt: string | null;
    detail: string;
  };
  timeline: {
    id: string;
    incidentId: string;
    at: string;
    kind: string;
    text: string;
    detail: string;
  };
  notices: {
    id: string;
    workspaceId: string;
    incidentId: string;
    channel: string;
    event: string;
    attempts: number;
    dueAt: string;
    createdAt: string;
  };
  shares: { id: string; incidentId: string; tlp: string; bundle: string; at: string };
  ledgerEntries: { index: number; leaf: string };
  ledgerHashes: { index: number; hash: Uint8Array };
  ledgerCheckpoints: { size: number; text: string };
  tours: { id: string; state: string; updatedAt: string };
}
