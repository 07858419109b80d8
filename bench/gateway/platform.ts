/**
 * A platform in a fresh home that serves one model behind a key, for the load beside it: sealed,
 * verified, each request an event in the encrypted database. Prints where it answers. Detectors do
 * not watch: they would take the load for a theft, and revoke its key after some hundred rows.
 *
 *     node --conditions=source bench/gateway/platform.ts MODEL NAME [GUARDS.json]
 */
import { readFileSync } from 'node:fs';
import { isoTime, uuidv7 } from '@merlon/core';
import type { Deployment } from '../../packages/platform/src/model.ts';
import { freshKey } from '../../packages/platform/src/people/keys.ts';
import { startTest } from '../../packages/platform/test/support/platform.ts';
import { stepDone } from '../../packages/platform/test/support/steps.ts';

const [path = '', name = '', guards] = process.argv.slice(2);
const platform = await startTest();
const { services, workspaceId, host } = platform.running.platform;
const { client } = await platform.person('developer');
const { id } = await client.ask('POST', '/api/v1/models', { name });
const versionId = String(id);
await client.ask('PUT', `/api/v1/versions/${versionId}/files/model.onnx`, readFileSync(path));
await client.ask('POST', `/api/v1/versions/${versionId}/complete`);
await stepDone(platform, versionId, 'seal');
const deployment: Deployment = {
  ...{ id: uuidv7(services.clock), workspaceId, name, versionId, state: 'active' },
  startedAt: isoTime(services.clock.nowMs()),
  guards: guards === undefined ? {} : JSON.parse(readFileSync(guards, 'utf8')),
};
await host.open(deployment);
await services.store.addDeployment(deployment);
const { text, prefix, hash } = freshKey();
await services.store.addApiKey({
  ...{ id: uuidv7(services.clock), workspaceId, name: 'load', scope: 'inference' },
  ...{ role: 'developer', prefix, hash, budgetRows: 2 ** 40, createdBy: 'bench' },
  ...{ createdAt: deployment.startedAt, revokedAt: null, revokedWhy: null },
});
process.once('SIGTERM', () => void platform.close().then(() => process.exit(0)));
process.stdout.write(`key ${text}\nanswers at ${platform.running.origin}/v2/models/${name}\n`);
