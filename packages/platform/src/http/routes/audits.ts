/** Routes of what scans go by: advisories of frameworks, and what another policy would change. */
import { z } from '@hono/zod-openapi';
import { fromUtf8, InputError, type Json } from '@merlon/core';
import { policyFromJson } from '@merlon/scan';
import { advisoriesOf, setAdvisories } from '../../audit/advisories.ts';
import { policyDiff } from '../../audit/policy-diff.ts';
import type { Platform } from '../../platform.ts';
import { type App, actorIn, addRoute, authorize } from '../route.ts';
import { objectSchema } from '../views.ts';

const keptSchema = z.object({ digest: z.string(), count: z.number(), at: z.string() }).nullable();
const answerSchema = z.object({ advisories: keptSchema, rescanned: z.number() });
const exportBytesMax = 256 * 1024 * 1024;

/** Adds the routes. */
export function auditRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/advisories',
      summary: 'Which advisories scans go by',
      answer: z.object({ advisories: keptSchema }),
    },
    async ({ actor, authorize: allow }) => {
      allow('read');
      return { advisories: await advisoriesOf(services.store, actor.workspaceId) };
    },
  );
  advisoryRoutes(app, platform);
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/policy-diff',
      summary: 'Which stored versions change verdict from one policy to another; null: as shipped',
      body: z.object({ before: objectSchema.nullable(), after: objectSchema.nullable() }),
      answer: z.object({ versions: z.number(), changed: z.array(objectSchema) }),
    },
    async ({ body, context, authorize: allow }) => {
      allow('read');
      const pair = { before: policyIn(body.before), after: policyIn(body.after) };
      const versions = await platform.completeVersions();
      const { signal } = context.req.raw;
      const changed = await policyDiff(services, versions, pair, { signal });
      return { versions: versions.length, changed: JSON.parse(JSON.stringify(changed)) };
    },
  );
}

/** An export may be large, so it is the body itself. */
function advisoryRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  app.openAPIRegistry.registerPath({
    method: 'put',
    path: '/api/v1/advisories',
    summary: 'Replace the advisories by an export of OSV; everything is scanned again',
    responses: { 200: { description: 'what is kept, and how many versions are scanned again' } },
  });
  app.put('/api/v1/advisories', async (context) => {
    const actor = actorIn(context);
    authorize(platform, actor, 'incident.manage');
    const length = Number(context.req.header('content-length') ?? exportBytesMax + 1);
    if (length > exportBytesMax) {
      throw new InputError('too-large', `an export expects at most ${exportBytesMax} bytes`);
    }
    const text = fromUtf8(new Uint8Array(await context.req.arrayBuffer()));
    const advisories = await setAdvisories(services, actor, text);
    return context.json({ advisories, rescanned: await platform.rescan() });
  });
  addRoute(
    app,
    platform,
    {
      method: 'delete',
      path: '/api/v1/advisories',
      summary: 'Go by no advisories any more; everything is scanned again',
      answer: answerSchema,
    },
    async ({ actor, authorize: allow }) => {
      allow('incident.manage');
      const advisories = await setAdvisories(services, actor, null);
      return { advisories, rescanned: await platform.rescan() };
    },
  );
}

function policyIn(document: z.infer<typeof objectSchema> | null) {
  // Whatever came in as JSON is JSON.
  return document === null ? undefined : policyFromJson(document as Json);
}
