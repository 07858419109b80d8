/** What the API shows, as schemas: the one place where domain values become JSON. */
import { z } from '@hono/zod-openapi';
import type { JsonObject } from '@merlon/core';
import type { ApiKey, Artifact, Incident, Job, ServeEvent, StepRecord, Version } from '../model.ts';
import { stepNames } from '../model.ts';
import type { Store } from '../store/store.ts';

/** Any JSON object. */
export const objectSchema = z.record(z.string(), z.unknown());
/** An identifier. */
export const idParams = z.object({ id: z.string().min(1).max(64) });

const stepSchema = z.object({
  step: z.enum(stepNames),
  state: z.enum(['running', 'done', 'refused', 'failed']),
  startedAt: z.string(),
  finishedAt: z.string().nullable(),
  result: objectSchema,
});

/** A version with where it stands. */
export const versionSchema = z.object({
  id: z.string(),
  artifactId: z.string(),
  name: z.string(),
  kind: z.enum(['model', 'data']),
  number: z.number(),
  parentId: z.string().nullable(),
  state: z.enum(['draft', 'complete', 'retired']),
  digest: z.string().nullable(),
  bytes: z.number(),
  broughtBy: z.string(),
  createdAt: z.string(),
  retainUntil: z.string().nullable(),
  destroyedAt: z.string().nullable(),
  steps: z.array(stepSchema),
});

/** A version as JSON. */
export type VersionView = z.infer<typeof versionSchema>;

/** A version with its steps. */
export async function versionView(store: Store, version: Version): Promise<VersionView> {
  const artifact = await store.artifact(version.artifactId);
  const steps = await store.steps(version.id);
  const { workspaceId: _, ...shown } = version;
  const name = artifact?.name ?? '';
  const kind = artifact?.kind ?? 'model';
  return { ...shown, name, kind, steps: steps.map(stepView) };
}

function stepView({ versionId: _, ...shown }: StepRecord): VersionView['steps'][number] {
  return shown;
}

/** A model or data set with its versions. */
export const artifactSchema = z.object({
  id: z.string(),
  kind: z.enum(['model', 'data']),
  name: z.string(),
  createdBy: z.string(),
  createdAt: z.string(),
  versions: z.array(versionSchema),
});

/** A model or data set as JSON. */
export async function artifactView(
  store: Store,
  artifact: Artifact,
): Promise<z.infer<typeof artifactSchema>> {
  const versions = await store.versions(artifact.id);
  const { workspaceId: _, ...shown } = artifact;
  return { ...shown, versions: await Promise.all(versions.map((v) => versionView(store, v))) };
}

/** A job. */
export const jobSchema = z.object({
  id: z.string(),
  versionId: z.string(),
  kind: z.string(),
  state: z.enum(['queued', 'running', 'done', 'failed', 'cancelled']),
  progress: objectSchema,
  error: z.string().nullable(),
  attempts: z.number(),
  createdAt: z.string(),
  finishedAt: z.string().nullable(),
});

/** A job as JSON, without its input (which may name data). */
export function jobView(job: Job): z.infer<typeof jobSchema> {
  const { workspaceId: _, input: __, createdBy: ___, ...shown } = job;
  return shown;
}

/** An API key without its digest. */
export const keySchema = z.object({
  id: z.string(),
  name: z.string(),
  scope: z.enum(['inference', 'platform']),
  role: z.string(),
  prefix: z.string(),
  budgetRows: z.number(),
  createdAt: z.string(),
  revokedAt: z.string().nullable(),
  revokedWhy: z.string().nullable(),
});

/** A key as JSON. */
export function keyView(key: ApiKey): z.infer<typeof keySchema> {
  const { hash: _, workspaceId: __, createdBy: ___, ...shown } = key;
  return shown;
}

/** A request to a served model. */
export const eventSchema = z.object({
  id: z.string(),
  at: z.string(),
  keyId: z.string().nullable(),
  decision: z.enum(['answered', 'refused']),
  reason: z.string(),
  rows: z.number(),
  latencyMs: z.number(),
  labels: z.array(z.number()),
});

/** An event as JSON; what was asked stays inside. */
export function eventView(event: ServeEvent): z.infer<typeof eventSchema> {
  const { id, at, keyId, decision, reason, rows, latencyMs, labels } = event;
  return { id, at, keyId, decision, reason, rows, latencyMs, labels: labels.slice(0, 32) };
}

/** An incident. */
export const incidentSchema = z.object({
  id: z.string(),
  versionId: z.string(),
  title: z.string(),
  severity: z.enum(['low', 'medium', 'high', 'critical']),
  technique: z.string(),
  state: z.enum(['open', 'contained', 'closed']),
  startedAt: z.string(),
  detectedAt: z.string(),
  containedAt: z.string().nullable(),
  closedAt: z.string().nullable(),
  detail: objectSchema,
});

/** An incident as JSON. */
export function incidentView(incident: Incident): z.infer<typeof incidentSchema> {
  const { workspaceId: _, ...shown } = incident;
  return { ...shown, detail: shown.detail as JsonObject };
}
