/** Routes of models and data: bring them in, look at them. */
import { Readable } from 'node:stream';
import { z } from '@hono/zod-openapi';
import { isoTime } from '@merlon/core';
import { attestationKinds } from '../../attest/attest.ts';
import { PlatformError } from '../../errors.ts';
import { findingsOf } from '../../findings/findings.ts';
import { beginVersion, completeVersion, ensureArtifact, putFile } from '../../intake/intake.ts';
import type { Actor, Version } from '../../model.ts';
import type { Platform } from '../../platform.ts';
import { attestationMeta, signatureMeta } from '../../store/names.ts';
import { type App, actorIn, addRoute, authorize } from '../route.ts';
import {
  artifactSchema,
  artifactView,
  idParams,
  objectSchema,
  versionSchema,
  versionView,
} from '../views.ts';

const kinds = [
  ['model', 'models'],
  ['data', 'data'],
] as const;

/** Adds the routes. */
export function artifactRoutes(app: App, platform: Platform): void {
  for (const [kind, plural] of kinds) listRoutes(app, platform, { kind, plural });
  uploadRoutes(app, platform);
  versionRoutes(app, platform);
  attestationRoute(app, platform);
}

/** A version of the actor's workspace; throws `not-found`. */
export async function versionFor(platform: Platform, actor: Actor, id: string): Promise<Version> {
  const version = await platform.services.store.version(id);
  if (version === null || version.workspaceId !== actor.workspaceId) {
    throw new PlatformError('not-found', `there is no version "${id}"`);
  }
  return version;
}

function listRoutes(
  app: App,
  platform: Platform,
  { kind, plural }: { readonly kind: 'model' | 'data'; readonly plural: string },
): void {
  const { services } = platform;
  const { store } = services;
  const listSchema = z.object({ [plural]: z.array(artifactSchema) });
  addRoute(
    app,
    platform,
    { method: 'get', path: `/api/v1/${plural}`, summary: `All ${plural}`, answer: listSchema },
    async ({ actor, authorize: allow }) => {
      allow('read');
      const found = await store.artifacts(actor.workspaceId, kind);
      return { [plural]: await Promise.all(found.map((each) => artifactView(store, each))) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: `/api/v1/${plural}`,
      summary: `Begin a version of a ${kind} (made if it is new)`,
      body: z.object({ name: z.string(), parentId: z.string().nullable().default(null) }),
      answer: versionSchema,
      status: 201,
    },
    async ({ actor, body, authorize: allow }) => {
      allow('artifact.bring');
      if (body.parentId !== null) await versionFor(platform, actor, body.parentId);
      const artifact = await ensureArtifact(services, actor, { kind, name: body.name });
      const version = await beginVersion(services, actor, artifact, body.parentId);
      return versionView(store, version);
    },
  );
}

function uploadRoutes(app: App, platform: Platform): void {
  const { services, runner } = platform;
  app.openAPIRegistry.registerPath({
    method: 'put',
    path: '/api/v1/versions/{id}/files/{path}',
    summary: 'Upload one file of a draft; the body is the file',
    responses: { 201: { description: 'stored; its digest and size come back' } },
  });
  app.put('/api/v1/versions/:id/files/*', async (context) => {
    const actor = actorIn(context);
    const version = await versionFor(platform, actor, context.req.param('id'));
    authorize(platform, actor, 'artifact.bring', { id: version.id });
    const prefix = `/api/v1/versions/${version.id}/files/`;
    const path = decodePath(new URL(context.req.url).pathname.slice(prefix.length));
    const { body } = context.req.raw;
    const chunks = body === null ? Readable.from([]) : Readable.fromWeb(body as never);
    const file = await putFile(services, version, { path, chunks });
    return context.json({ path: file.path, digest: file.digest, bytes: file.bytes }, 201);
  });
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/complete',
      summary: 'Make a draft immutable; its journey begins',
      params: idParams,
      answer: versionSchema,
    },
    async ({ actor, params, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('artifact.bring', { id: version.id });
      const complete = await completeVersion(services, actor, version);
      await runner.enqueue({ version: complete, kind: 'scan', createdBy: actor.id });
      return versionView(services.store, complete);
    },
  );
}

function versionRoutes(app: App, platform: Platform): void {
  const { store, clock } = platform.services;
  const detailSchema = z.object({
    version: versionSchema,
    files: z.array(z.object({ path: z.string(), digest: z.string(), bytes: z.number() })),
    findings: z.array(objectSchema),
    pictures: z.array(z.object({ name: z.string(), caption: z.string() })),
    approvals: z.array(z.object({ userName: z.string(), comment: z.string(), at: z.string() })),
    data: z.array(z.object({ dataVersionId: z.string(), use: z.enum(['train', 'test']) })),
    signed: z.boolean(),
  });
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/versions/{id}',
      summary: 'A version with everything that was found out about it',
      params: idParams,
      answer: detailSchema,
    },
    async ({ actor, params, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('read', { id: version.id });
      const files = await store.files(version.id);
      const approvals = await store.approvals(version.id);
      const pictures = await store.pictures(version.id);
      const links = await store.dataLinks(version.id);
      const findings = await findingsOf(store, version, isoTime(clock.nowMs()));
      return {
        version: await versionView(store, version),
        files: files.map(({ path, digest, bytes }) => ({ path, digest, bytes })),
        findings: findings.map((finding) => ({ ...finding })),
        pictures: pictures.map(({ name, caption }) => ({ name, caption })),
        approvals: approvals.map(({ userName, comment, at }) => ({ userName, comment, at })),
        data: links.map(({ dataVersionId, use }) => ({ dataVersionId, use })),
        signed: (await store.meta(signatureMeta(version.id))) !== null,
      };
    },
  );
  app.get('/api/v1/versions/:id/pictures/:name', async (context) => {
    const actor = actorIn(context);
    const version = await versionFor(platform, actor, context.req.param('id'));
    authorize(platform, actor, 'read', { id: version.id });
    const name = context.req.param('name').replace(/\.png$/, '');
    const picture = (await store.pictures(version.id)).find((each) => each.name === name);
    if (picture === undefined) throw new PlatformError('not-found', `no picture "${name}"`);
    return context.body(new Uint8Array(picture.png), 200, {
      'content-type': 'image/png',
      'cache-control': 'private, max-age=3600',
    });
  });
  app.get('/api/v1/versions/:id/signature', async (context) => {
    const actor = actorIn(context);
    const version = await versionFor(platform, actor, context.req.param('id'));
    authorize(platform, actor, 'read', { id: version.id });
    const bundle = await store.meta(signatureMeta(version.id));
    if (bundle === null) throw new PlatformError('not-found', 'this version is not signed yet');
    return context.body(bundle, 200, {
      'content-type': 'application/vnd.dev.sigstore.bundle.v0.3+json',
    });
  });
}

/** Statements about a version that others can verify without Merlon. */
function attestationRoute(app: App, platform: Platform): void {
  const { store } = platform.services;
  app.openAPIRegistry.registerPath({
    method: 'get',
    path: '/api/v1/versions/{id}/attestations/{kind}',
    summary: 'A signed statement about a version: provenance or test-result',
    responses: { 200: { description: 'a sigstore bundle with an in-toto statement' } },
  });
  app.get('/api/v1/versions/:id/attestations/:kind', async (context) => {
    const actor = actorIn(context);
    const version = await versionFor(platform, actor, context.req.param('id'));
    authorize(platform, actor, 'read', { id: version.id });
    const kind = attestationKinds.find((each) => each === context.req.param('kind'));
    const bundle = kind && (await store.meta(attestationMeta(version.id, kind)));
    if (bundle === undefined || bundle === null) {
      throw new PlatformError('not-found', 'there is no such statement about this version', {
        hint: `ask for ${attestationKinds.join(' or ')}, after it was hardened or assessed`,
      });
    }
    return context.body(bundle, 200, {
      'content-type': 'application/vnd.dev.sigstore.bundle.v0.3+json',
    });
  });
}

function decodePath(path: string): string {
  try {
    return decodeURIComponent(path);
  } catch (cause) {
    throw new PlatformError('bad-request', '"path" expected percent-encoded UTF-8', { cause });
  }
}
