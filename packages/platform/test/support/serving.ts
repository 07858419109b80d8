/** Models that are served, and keys that may ask them, as after an approval and an owner's wish. */
import { isoTime, type JsonObject, uuidv7 } from '@merlon/core';
import type { ApiKey, Deployment } from '../../src/model.ts';
import { freshKey } from '../../src/people/keys.ts';
import type { TestPlatform } from './platform.ts';
import { stepDone } from './steps.ts';

/** Brings a model in, has it sealed, and serves it; nobody watches it yet. */
export async function serveModel(
  platform: TestPlatform,
  of: { readonly name: string; readonly bytes: Uint8Array; readonly guards: JsonObject },
): Promise<Deployment> {
  const { name, bytes, guards } = of;
  const { services, workspaceId, host } = platform.running.platform;
  const { client } = await platform.person('developer');
  const { id } = await client.ask('POST', '/api/v1/models', { name });
  const versionId = String(id);
  await client.ask('PUT', `/api/v1/versions/${versionId}/files/model.onnx`, bytes);
  await client.ask('POST', `/api/v1/versions/${versionId}/complete`);
  await stepDone(platform, versionId, 'seal');
  const deployment: Deployment = {
    ...{ id: uuidv7(services.clock), workspaceId, name, versionId, guards, state: 'active' },
    startedAt: isoTime(services.clock.nowMs()),
  };
  await services.store.addDeployment(deployment);
  await host.open(deployment);
  return deployment;
}

/** The text of a new key. */
export async function keyFor(
  { running }: TestPlatform,
  { budgetRows, scope = 'inference' }: { budgetRows: number; scope?: ApiKey['scope'] },
): Promise<string> {
  const { services, workspaceId } = running.platform;
  const { text, prefix, hash } = freshKey();
  await services.store.addApiKey({
    ...{ id: uuidv7(services.clock), workspaceId, name: 'k', scope, role: 'developer' },
    ...{ prefix, hash, budgetRows, createdBy: 'x', createdAt: '2026-01-01T00:00:00.000Z' },
    ...{ revokedAt: null, revokedWhy: null },
  });
  return text;
}
