/** Routes of work on versions: assess, harden, jobs, approve, serve. */
import { z } from '@hono/zod-openapi';
import { isoTime, type JsonObject } from '@merlon/core';
import { requireApproved, unmetOf } from '../../approval.ts';
import { approveVersion } from '../../approve/approve.ts';
import { assessSchema } from '../../assess/assess.ts';
import { PlatformError } from '../../errors.ts';
import { hardenSchema } from '../../harden/harden.ts';
import { missingFor } from '../../journey.ts';
import type { Actor, StepName, Version } from '../../model.ts';
import type { Platform } from '../../platform.ts';
import { guardSchema, retireVersion, serveVersion } from '../../serve/serve.ts';
import { type App, addRoute } from '../route.ts';
import {
  idParams,
  jobSchema,
  jobView,
  objectSchema,
  versionSchema,
  versionView,
} from '../views.ts';
import { versionFor } from './artifacts.ts';

/** Adds the routes. */
export function workRoutes(app: App, platform: Platform): void {
  dataRoutes(app, platform);
  stepRoutes(app, platform);
  jobRoutes(app, platform);
  approvalRoutes(app, platform);
  serveRoutes(app, platform);
  deploymentRoutes(app, platform);
}

function dataRoutes(app: App, platform: Platform): void {
  const { store, ledger } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/data',
      summary: 'Say which data trained or tests a model version',
      params: idParams,
      body: z.object({ dataVersionId: z.string(), use: z.enum(['train', 'test']) }),
      answer: z.object({ linked: z.boolean() }),
    },
    async ({ actor, params, body, authorize }) => {
      const version = await versionFor(platform, actor, params.id);
      const data = await versionFor(platform, actor, body.dataVersionId);
      authorize('artifact.bring', { id: version.id });
      const artifact = await store.artifact(data.artifactId);
      if (artifact?.kind !== 'data') {
        throw new PlatformError('bad-request', '"dataVersionId" expected a version of a data set');
      }
      await store.transaction(async (tx) => {
        await tx.linkData({ versionId: version.id, dataVersionId: data.id, use: body.use });
        const resource = `version/${version.id}`;
        const detail = { data: data.digest, use: body.use };
        await ledger.append(tx, actor, { action: 'version.data', resource, detail });
      });
      return { linked: true };
    },
  );
}

/** Demands what must have happened before a step makes sense. */
async function requireReady(platform: Platform, version: Version, wanted: StepName): Promise<void> {
  const missing = await missingFor(platform.services.store, version, wanted);
  if (missing.length > 0) {
    throw new PlatformError('not-ready', `"${missing.join('", "')}" must be done first`, {
      hint: 'wait for the running job, or look at why the step was refused',
    });
  }
}

function stepRoutes(app: App, platform: Platform): void {
  const wishes = { scan: z.strictObject({}), assess: assessSchema, harden: hardenSchema };
  for (const kind of ['scan', 'assess', 'harden'] as const) {
    addRoute(
      app,
      platform,
      {
        method: 'post',
        path: `/api/v1/versions/{id}/${kind}`,
        summary: `Run the step "${kind}" as a job`,
        params: idParams,
        body: wishes[kind] as z.ZodType<JsonObject>,
        answer: jobSchema,
        status: 202,
      },
      async ({ actor, params, body, authorize }) => {
        const version = await versionFor(platform, actor, params.id);
        authorize('job.run', { id: version.id });
        await requireReady(platform, version, kind);
        const request = { version, kind, createdBy: actor.id, input: body };
        return jobView(await platform.runner.enqueue(request));
      },
    );
  }
}

function jobRoutes(app: App, platform: Platform): void {
  const { store } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/jobs',
      summary: 'Jobs, newest last',
      query: z.object({ version: z.string().optional() }),
      answer: z.object({ jobs: z.array(jobSchema) }),
    },
    async ({ actor, query, authorize }) => {
      authorize('read');
      const filter = { workspaceId: actor.workspaceId };
      const wanted = query.version === undefined ? filter : { ...filter, versionId: query.version };
      return { jobs: (await store.jobs(wanted)).map(jobView) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/jobs/{id}/cancel',
      summary: 'Cancel a job',
      params: idParams,
      answer: z.object({ cancelled: z.boolean() }),
    },
    async ({ actor, params, authorize }) => {
      const job = await store.job(params.id);
      if (job === null || job.workspaceId !== actor.workspaceId) {
        throw new PlatformError('not-found', `there is no job "${params.id}"`);
      }
      authorize('job.cancel', { id: job.id });
      return { cancelled: await platform.runner.cancel(job.id) };
    },
  );
}

function approvalRoutes(app: App, platform: Platform): void {
  const { services, people } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/approve',
      summary: 'Approve a version, with a fresh code of the second factor',
      params: idParams,
      body: z.object({ code: z.string().max(20), comment: z.string().max(2000).default('') }),
      answer: z.object({ approved: z.boolean(), unmet: z.array(z.string()) }),
    },
    async ({ actor, params, body, context, authorize }) => {
      const version = await versionFor(platform, actor, params.id);
      authorize('version.approve', { id: version.id, broughtBy: version.broughtBy });
      if (!(await people.verifyCode(context.req.raw.headers, body.code))) {
        throw new PlatformError('second-factor-needed', 'the code is not valid', {
          hint: 'take the present code from the authenticator app',
        });
      }
      await approveVersion(services, actor, version, body.comment);
      const open = await unmetOf(services.store, version, { now: isoTime(services.clock.nowMs()) });
      return { approved: open.length === 0, unmet: open };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/versions/{id}/approval',
      summary: 'What still stands between a version and being served',
      params: idParams,
      answer: z.object({ approved: z.boolean(), unmet: z.array(z.string()) }),
    },
    async ({ actor, params, authorize }) => {
      const version = await versionFor(platform, actor, params.id);
      authorize('read', { id: version.id });
      const open = await unmetOf(services.store, version, { now: isoTime(services.clock.nowMs()) });
      return { approved: open.length === 0, unmet: open };
    },
  );
}

const deploymentSchema = z.object({
  id: z.string(),
  name: z.string(),
  versionId: z.string(),
  guards: objectSchema,
  state: z.enum(['active', 'stopped']),
  startedAt: z.string(),
  detectors: z.array(objectSchema),
});

function serveRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/serve',
      summary: 'Serve an approved version under a name',
      params: idParams,
      body: z.object({
        name: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/),
        guards: guardSchema.optional(),
      }),
      answer: z.object({ id: z.string(), name: z.string(), url: z.string() }),
      status: 201,
    },
    async ({ actor, params, body, authorize }) => {
      const version = await versionFor(platform, actor, params.id);
      authorize('version.serve', { id: version.id });
      const now = isoTime(services.clock.nowMs());
      const approved = await requireApproved(services.store, version, now);
      const deployment = await serveVersion(platform, actor, approved, body);
      const url = `${platform.settings.origin}/v2/models/${deployment.name}/infer`;
      return { id: deployment.id, name: deployment.name, url };
    },
  );
}

function deploymentRoutes(app: App, platform: Platform): void {
  const { services, watch } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/deployments',
      summary: 'What is served, with its guards and detectors',
      answer: z.object({ deployments: z.array(deploymentSchema) }),
    },
    async ({ actor, authorize }) => {
      authorize('read');
      const found = await services.store.deployments(actor.workspaceId);
      const shown = found.map(({ workspaceId: _, ...each }) => {
        return { ...each, detectors: watch.status(each.id).map((status) => ({ ...status })) };
      });
      return { deployments: shown };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/deployments/{id}/tighten',
      summary: 'Make the guard of a served model stricter',
      params: idParams,
      body: z.object({ level: z.int().min(1).max(3).default(1) }),
      answer: z.object({ tightened: z.string() }),
    },
    async ({ actor, params, body, authorize }) => {
      authorize('version.serve', { id: params.id });
      await deploymentFor(platform, actor, params.id);
      const { containment } = platform;
      return { tightened: await containment.tightenGuard(actor, params.id, body.level) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/versions/{id}/retire',
      summary: 'Stop serving a version for good',
      params: idParams,
      answer: versionSchema,
    },
    async ({ actor, params, authorize }) => {
      const version = await versionFor(platform, actor, params.id);
      authorize('version.retire', { id: version.id });
      const at = isoTime(services.clock.nowMs());
      return versionView(services.store, await retireVersion(platform, actor, { version, at }));
    },
  );
}

async function deploymentFor(platform: Platform, actor: Actor, id: string): Promise<void> {
  const found = await platform.services.store.deployment(id);
  if (found === null || found.workspaceId !== actor.workspaceId) {
    throw new PlatformError('not-found', `there is no deployment "${id}"`);
  }
}
