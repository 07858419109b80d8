/**
 * Retention: a version may have a day from which nothing of its content may be left. On that day
 * its key is destroyed and its objects are removed; what is known about it stays, with its ledger.
 */
import { isoTime, type JsonObject } from '@merlon/core';
import { PlatformError } from '../errors.ts';
import type { Actor, Version } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Services } from '../services.ts';
import { destroyContent } from './lifecycle.ts';

/**
 * Sets the day (`YYYY-MM-DD`, UTC), or takes it away by null. Throws `bad-request` for what is no
 * day, `conflict` when the content is gone already.
 */
export async function setRetention(
  { store, ledger }: Services,
  actor: Actor,
  version: Version,
  until: string | null,
): Promise<Version> {
  if (until !== null && !isDay(until)) {
    throw new PlatformError('bad-request', `"until" expected a day, got "${until.slice(0, 40)}"`, {
      hint: 'write it as 2030-12-31; its content is destroyed when that day begins, in UTC',
    });
  }
  if (version.destroyedAt !== null) {
    throw new PlatformError('conflict', `its content was destroyed on ${version.destroyedAt}`);
  }
  await store.transaction(async (tx) => {
    await tx.updateVersion(version.id, { retainUntil: until });
    const resource = `version/${version.id}`;
    await ledger.append(tx, actor, { action: 'version.retain', resource, detail: { until } });
  });
  return { ...version, retainUntil: until };
}

/** Destroys what is past its day. What is served meanwhile stays, is named, and is tried again. */
export async function endRetention(services: Services, workspaceId: string): Promise<JsonObject> {
  const { store, clock } = services;
  const day = isoTime(clock.nowMs()).slice(0, 10);
  const served: string[] = [];
  let destroyed = 0;
  for (const version of await store.expiredVersions(workspaceId, day)) {
    try {
      await destroyContent(services, platformActor(workspaceId), version, 'retention');
      destroyed++;
    } catch (error) {
      if (!(error instanceof PlatformError && error.code === 'conflict')) throw error;
      served.push(version.id);
    }
  }
  return { destroyed, served };
}

function isDay(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const ms = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(ms) && isoTime(ms).startsWith(text);
}
