/**
 * Audits what is there already: versions are scanned and assessed anew, because policy and attacks
 * change while files do not; objects are read, because disks change them.
 */
import { isoTime, type JsonObject, uuidv7 } from '@merlon/core';
import { policyVersion } from '@merlon/scan';
import type { Replica } from '../blob/blob.ts';
import { scrub } from '../blob/care.ts';
import { findingsOf } from '../findings/findings.ts';
import { stands } from '../findings/track.ts';
import type { JobRunner } from '../jobs/runner.ts';
import { endRetention } from '../keys/retention.ts';
import type { Alert, Job, Version } from '../model.ts';
import type { Services } from '../services.ts';
import { advisoriesOf } from './advisories.ts';
import { openScheduler, type Scheduler } from './scheduler.ts';

/** Raises an incident, or does nothing where one of its kind is open for the version. */
export type Raise = (alert: Alert) => Promise<unknown>;

/** What audits need. */
export interface AuditParts {
  readonly services: Services;
  readonly runner: JobRunner;
  readonly workspaceId: string;
  readonly raise: Raise;
  /** Where damaged objects may be whole; null where there is no copy. */
  readonly replica: Replica | null;
}

/** Audits that come round, and those that follow from news. */
export interface Audits {
  readonly scheduler: Scheduler;
  /** Scans anew what was scanned by another policy or other advisories; returns how many. */
  rescan(): Promise<number>;
  /** Every version that came in wholly and was not retired. */
  completeVersions(): Promise<Version[]>;
  /** Catches up with what changed, then looks after what is served. */
  begin(): Promise<{ stop(): Promise<void>; settle(): Promise<void> }>;
}

/** Joins the audits; nothing is done before `begin`. */
export function openAudits(
  parts: AuditParts & { readonly onFault: (error: unknown) => void },
): Audits {
  const { services, workspaceId, onFault } = parts;
  const work = {
    audit: () => auditAll(parts),
    scrub: (signal: AbortSignal) => scrubAll(parts, signal),
    retention: () => endRetention(services, workspaceId),
  };
  const scheduler = openScheduler(services, workspaceId, { work, onFault });
  return {
    scheduler,
    rescan: () => auditChangedRules(parts),
    completeVersions: () => completeVersions(parts),
    begin: async () => {
      await auditChangedRules(parts);
      // One after the other, so that two news of one version raise one incident.
      let looking = auditServed(parts);
      await looking;
      const end = services.bus.subscribe(({ topic, id }) => {
        if (topic !== 'version') return;
        looking = looking.then(() => auditServed(parts, id)).catch(onFault);
      });
      scheduler.start();
      return {
        stop: () => scheduler.stop(),
        settle: async () => {
          end();
          await looking;
        },
      };
    },
  };
}

/** Scans every complete version anew, and assesses anew what was assessed, as it was then. */
async function auditAll(parts: AuditParts): Promise<JsonObject> {
  const versions = await completeVersions(parts);
  let assessed = 0;
  for (const version of versions) {
    await again(parts, version, 'scan');
    if (await again(parts, version, 'assess')) assessed++;
  }
  return { versions: versions.length, assessed, policy: policyVersion };
}

/** Scans those anew that were scanned by another policy or other advisories; returns how many. */
async function auditChangedRules(parts: AuditParts): Promise<number> {
  const { services, workspaceId } = parts;
  const advisories = (await advisoriesOf(services.store, workspaceId))?.digest;
  let scanned = 0;
  for (const version of await completeVersions(parts)) {
    const scan = await parts.services.store.step(version.id, 'scan');
    const isOver = scan?.state === 'done' || scan?.state === 'refused';
    if (!isOver) continue;
    const { policy, advisories: known } = scan.result;
    if (policy === policyVersion && known === advisories) continue;
    if (await again(parts, version, 'scan')) scanned++;
  }
  return scanned;
}

async function completeVersions({ services, workspaceId }: AuditParts): Promise<Version[]> {
  const { store } = services;
  const found: Version[] = [];
  for (const kind of ['model', 'data'] as const) {
    for (const { id } of await store.artifacts(workspaceId, kind)) {
      found.push(...(await store.versions(id)).filter(({ state }) => state === 'complete'));
    }
  }
  return found;
}

/** Queues a step once more with what it was told last time; false where there is nothing to do. */
async function again(
  { services, runner }: AuditParts,
  version: Version,
  kind: Extract<Job['kind'], 'scan' | 'assess'>,
): Promise<boolean> {
  const jobs = (await services.store.jobs({ versionId: version.id })).filter(
    (job) => job.kind === kind,
  );
  if (jobs.some(({ state }) => state === 'queued' || state === 'running')) return false;
  const last = jobs.findLast(({ state }) => state === 'done');
  if (last === undefined) return false;
  await runner.enqueue({ version, kind, createdBy: 'platform', input: last.input });
  return true;
}

/** Raises an incident for each served version in which a critical finding stands. */
async function auditServed(parts: AuditParts, versionId?: string): Promise<void> {
  const { services, workspaceId } = parts;
  const { store, clock } = services;
  const at = isoTime(clock.nowMs());
  for (const deployment of await store.deployments(workspaceId)) {
    if (deployment.state !== 'active') continue;
    if (versionId !== undefined && deployment.versionId !== versionId) continue;
    const version = await store.version(deployment.versionId);
    if (version === null) continue;
    const critical = (await findingsOf(store, version, at)).filter(
      ({ severity, state }) => severity === 'critical' && stands(state),
    );
    const [first] = critical;
    if (first === undefined) continue;
    await raiseOnce(parts, version, {
      ...{ detector: 'scan-critical', deploymentId: deployment.id, statistic: critical.length },
      detail: { finding: first.id, rule: first.rule, title: first.title },
    });
  }
}

/** Reads every object; damage is an incident of the version that it belongs to. */
async function scrubAll(parts: AuditParts, signal: AbortSignal): Promise<JsonObject> {
  const { services, replica } = parts;
  const report = await scrub(services, { signal, ...(replica === null ? {} : { replica }) });
  const files = await services.store.allFiles();
  const damagedIn = new Map<string, string[]>();
  for (const name of report.damaged) {
    for (const { versionId, path } of files.filter(({ blob }) => blob === name)) {
      damagedIn.set(versionId, [...(damagedIn.get(versionId) ?? []), path]);
    }
  }
  const repaired = new Set(report.repaired);
  const lost = new Set(report.damaged.filter((name) => !repaired.has(name)));
  for (const [versionId, paths] of damagedIn) {
    const version = await services.store.version(versionId);
    if (version === null) continue;
    const isLost = files.some((file) => file.versionId === versionId && lost.has(file.blob));
    await raiseOnce(parts, version, {
      ...{ detector: 'scrub-damage', deploymentId: '', statistic: paths.length },
      detail: { files: paths.slice(0, 20), repaired: !isLost },
    });
  }
  const { objects, damaged } = report;
  return { objects, damaged: damaged.length, repaired: repaired.size };
}

async function raiseOnce(
  { services, raise }: AuditParts,
  version: Version,
  found: Pick<Alert, 'detector' | 'deploymentId' | 'statistic' | 'detail'>,
): Promise<void> {
  const { store, clock } = services;
  const known = await store.incidents(version.workspaceId);
  const isOpen = known.some(
    ({ versionId, state, detail }) =>
      versionId === version.id && state !== 'closed' && detail.detector === found.detector,
  );
  if (isOpen) return;
  await raise({
    ...{ id: uuidv7(clock), workspaceId: version.workspaceId, versionId: version.id, keyId: null },
    ...{ at: isoTime(clock.nowMs()), threshold: 0, incidentId: null, ...found },
  });
}
