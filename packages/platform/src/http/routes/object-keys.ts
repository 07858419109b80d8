/** Routes of the keys that seal objects: see them, rotate them, destroy them for ever. */
import { z } from '@hono/zod-openapi';
import { destroyVersion, rotateVersion } from '../../keys/lifecycle.ts';
import { setRetention } from '../../keys/retention.ts';
import type { Platform } from '../../platform.ts';
import { type App, addRoute } from '../route.ts';
import { idParams, versionSchema, versionView } from '../views.ts';
import { versionFor } from './artifacts.ts';

const keySchema = z.object({
  id: z.string(),
  purpose: z.enum(['workspace', 'quarantine', 'version', 'signing']),
  publicKey: z.string(),
  wrappedBy: z.string().nullable(),
  createdAt: z.string(),
  destroyedAt: z.string().nullable(),
});

/** Adds the routes. */
export function objectKeyRoutes(app: App, platform: Platform): void {
  homeKeyRoutes(app, platform);
  versionKeyRoutes(app, platform);
}

function homeKeyRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/object-keys',
      summary: 'Keys that seal and sign, never their secrets',
      answer: z.object({ keys: z.array(keySchema) }),
    },
    async ({ actor, authorize: allow }) => {
      allow('read');
      const keys = await services.store.wrappedKeys(actor.workspaceId);
      return { keys: keys.map(({ wrapped: _, workspaceId: __, ...key }) => key) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/database/rekey',
      summary: 'Encrypt the embedded database under a fresh key; requests wait meanwhile',
      answer: z.object({ databaseKey: z.number() }),
    },
    async ({ actor, authorize: allow }) => {
      allow('version.retire');
      const databaseKey = await platform.rekeyDatabase();
      const decision = { action: 'database.rekey', resource: 'database', detail: { databaseKey } };
      await services.ledger.record(actor, decision);
      return { databaseKey };
    },
  );
}

function versionKeyRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/rotate-key',
      summary: 'Give a version a fresh key; its payload is not sealed again',
      params: idParams,
      answer: z.object({ keyId: z.string(), objects: z.number() }),
    },
    async ({ actor, params, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('version.retire', { id: version.id });
      return rotateVersion(services, actor, version);
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/destroy-key',
      summary: 'Destroy the key of a version: its files are unreadable for ever',
      params: idParams,
      // Whoever destroys says what: a mistaken id is then no disaster.
      body: z.object({ digest: z.string() }),
      answer: z.object({ keys: z.number() }),
    },
    async ({ actor, params, body, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('version.retire', { id: version.id });
      return destroyVersion(services, actor, version, body.digest);
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'put',
      path: '/api/v1/versions/{id}/retention',
      summary: 'Set the day from which nothing of its content may be left, or null for never',
      params: idParams,
      body: z.object({ until: z.string().nullable() }),
      answer: versionSchema,
    },
    async ({ actor, params, body, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('version.retire', { id: version.id });
      const kept = await setRetention(services, actor, version, body.until);
      return versionView(services.store, kept);
    },
  );
}
