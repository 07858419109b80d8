/** The actions that playbooks may take, joined from the parts that own them. */
import { isoTime, type JsonObject, messageOf } from '@merlon/core';
import { PlatformError } from './errors.ts';
import type { Actor } from './model.ts';
import type { Containment } from './respond/playbook.ts';
import type { Host } from './serve/host.ts';
import { tightenDeployment } from './serve/serve.ts';
import type { Services } from './services.ts';

const notifyTimeoutMs = 5000;

/** Containment over the platform's parts; the webhook is the operator's, never a request's. */
export function openContainment(
  services: Services,
  host: Host,
  webhook: { readonly address: string | null },
): Containment {
  return {
    revokeKey: (actor, keyId, why) => revokeKey(services, actor, { keyId, why }),
    tightenGuard: (actor, id, level) => tightenDeployment({ services, host }, actor, { id, level }),
    notify: (body) => notify(webhook.address, body, services.outbox.channels),
  };
}

async function revokeKey(
  { store, ledger, clock, bus }: Services,
  actor: Actor,
  { keyId, why }: { readonly keyId: string; readonly why: string },
): Promise<string> {
  const key = await store.apiKey(keyId);
  if (key === null || key.workspaceId !== actor.workspaceId) {
    throw new PlatformError('not-found', `there is no key "${keyId}"`);
  }
  const at = isoTime(clock.nowMs());
  await store.transaction(async (tx) => {
    if (!(await tx.revokeApiKey(keyId, at, why))) return;
    const detail = { why, name: key.name };
    await ledger.append(tx, actor, { action: 'key.revoke', resource: `key/${keyId}`, detail });
  });
  bus.publish({ topic: 'key', workspaceId: actor.workspaceId, id: keyId });
  return `key "${key.name}" (${key.prefix}…) is revoked`;
}

async function notify(
  webhook: string | null,
  body: JsonObject,
  channels: readonly string[],
): Promise<string> {
  if (webhook === null) {
    return channels.length === 0
      ? 'nobody was told: no webhook is configured'
      : `no webhook is configured; told by ${channels.join(', ')}`;
  }
  try {
    const response = await fetch(webhook, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify(body),
      redirect: 'error',
      signal: AbortSignal.timeout(notifyTimeoutMs),
    });
    await response.body?.cancel();
    if (!response.ok) throw new Error(`it answered ${response.status}`);
    return `the webhook answered ${response.status}`;
  } catch (cause) {
    throw new PlatformError('unavailable', `the webhook was not reached: ${messageOf(cause)}`);
  }
}
