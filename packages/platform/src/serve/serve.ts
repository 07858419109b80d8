/** Serve: an approved version answers under a name; the one before it under that name stops. */
import { z } from '@hono/zod-openapi';
import { isoTime, type JsonObject, uuidv7 } from '@merlon/core';
import { parseGuardConfig, tightenGuards } from '@merlon/harden';
import type { Approved } from '../approval.ts';
import { PlatformError } from '../errors.ts';
import type { Actor, Deployment, Version } from '../model.ts';
import type { Watch } from '../platform.ts';
import type { Services } from '../services.ts';
import { guardsMeta } from '../store/names.ts';
import type { Host } from './host.ts';

/** Guards as they come in; `harden` tells all their faults. */
export const guardSchema = z.record(z.string(), z.unknown());

/** What serving needs of the platform. */
export interface Serving {
  readonly services: Services;
  readonly host: Host;
  readonly watch: Watch;
}

/** Outputs with two decimals, when nothing else was recommended or asked for. */
const guardsDefault = { output: { decimals: 2 } } as const;

/** Begins to serve; the name's former deployment goes on until the new one is loaded. */
export async function serveVersion(
  { services, host, watch }: Serving,
  actor: Actor,
  version: Approved,
  wish: { readonly name: string; readonly guards?: Record<string, unknown> | undefined },
): Promise<Deployment> {
  const { store, ledger, clock, bus } = services;
  const recommended = await store.meta(guardsMeta(version.id));
  const chosen = wish.guards ?? (recommended === null ? guardsDefault : JSON.parse(recommended));
  const guards = parseGuardConfig(chosen) as unknown as JsonObject;
  const former = await store.activeDeployment(wish.name);
  if (former !== null && former.workspaceId !== actor.workspaceId) {
    throw new PlatformError('conflict', `the name "${wish.name}" is taken`);
  }
  const startedAt = isoTime(clock.nowMs());
  const deployment: Deployment = {
    id: uuidv7(clock),
    workspaceId: actor.workspaceId,
    name: wish.name,
    versionId: version.id,
    guards,
    state: 'active',
    startedAt,
  };
  const model = await host.open(deployment);
  await watch.begin(deployment);
  const result = { name: wish.name, deployment: deployment.id, input: model.rowShape };
  await store.transaction(async (tx) => {
    if (former !== null) await tx.updateDeployment(former.id, { state: 'stopped' });
    await tx.addDeployment(deployment);
    const record = { versionId: version.id, startedAt };
    await tx.putStep({ ...record, step: 'serve', state: 'done', finishedAt: startedAt, result });
    await tx.putStep({
      ...record,
      step: 'monitor',
      state: 'running',
      finishedAt: null,
      result: {},
    });
    const resource = `version/${version.id}`;
    const detail = { name: wish.name, digest: version.digest };
    await ledger.append(tx, actor, { action: 'step.serve', resource, detail });
  });
  if (former !== null) await stop({ host, watch }, former.id);
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id: version.id });
  return deployment;
}

/** Takes up what was served when the platform last ran; faults are told, not fatal. */
export async function resumeServing(
  { services, host, watch }: Serving,
  onFault: (error: unknown) => void,
): Promise<number> {
  const active = (await services.store.deployments(null)).filter((d) => d.state === 'active');
  // None of this waits for another, and the start waits for all of it.
  const ends = await Promise.allSettled(
    active.flatMap((deployment) => [host.open(deployment), watch.begin(deployment)]),
  );
  for (const end of ends) if (end.status === 'rejected') onFault(end.reason);
  return active.length;
}

/** Stops serving a version for good. */
export async function retireVersion(
  { services, host, watch }: Serving,
  actor: Actor,
  { version, at }: { readonly version: Version; readonly at: string },
): Promise<Version> {
  const { store, ledger, bus } = services;
  if (version.state === 'draft') {
    throw new PlatformError('conflict', 'a draft is not served and cannot be retired');
  }
  const serving = (await store.deployments(version.workspaceId)).filter(
    (deployment) => deployment.versionId === version.id && deployment.state === 'active',
  );
  await store.transaction(async (tx) => {
    await tx.updateVersion(version.id, { state: 'retired' });
    for (const { id } of serving) await tx.updateDeployment(id, { state: 'stopped' });
    const resource = `version/${version.id}`;
    await ledger.append(tx, actor, { action: 'version.retire', resource, detail: { at } });
  });
  for (const { id } of serving) await stop({ host, watch }, id);
  bus.publish({ topic: 'version', workspaceId: version.workspaceId, id: version.id });
  return { ...version, state: 'retired' };
}

/** Makes the guards of a deployment stricter, from the next request on. */
export async function tightenDeployment(
  { services, host }: Pick<Serving, 'services' | 'host'>,
  actor: Actor,
  { id, level }: { readonly id: string; readonly level: number },
): Promise<string> {
  const { store, ledger, bus } = services;
  const deployment = await store.deployment(id);
  if (deployment === null || deployment.workspaceId !== actor.workspaceId) {
    throw new PlatformError('not-found', `there is no deployment "${id}"`);
  }
  if (level !== 1 && level !== 2 && level !== 3) {
    throw new PlatformError('bad-request', `"level" expected 1, 2 or 3, got ${level}`);
  }
  const guards = tightenGuards(parseGuardConfig(deployment.guards), level);
  host.checkGuards(id, guards);
  await store.transaction(async (tx) => {
    await tx.updateDeployment(id, { guards: guards as unknown as JsonObject });
    const detail = { level };
    await ledger.append(tx, actor, {
      action: 'guard.tighten',
      resource: `deployment/${id}`,
      detail,
    });
  });
  host.setGuards(id, guards);
  bus.publish({ topic: 'deployment', workspaceId: deployment.workspaceId, id });
  return `"${deployment.name}" now answers at guard level ${level}`;
}

async function stop({ host, watch }: Pick<Serving, 'host' | 'watch'>, id: string): Promise<void> {
  watch.end(id);
  await host.close(id);
}
