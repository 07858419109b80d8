/** Routes of findings: see them over all versions, accept them, say that they are fixed. */
import { z } from '@hono/zod-openapi';
import { atLeast, type Clock, isoTime } from '@merlon/core';
import { PlatformError } from '../../errors.ts';
import {
  artifactFindings,
  type Decision,
  decide,
  estateFindings,
  findingFor,
  findingsOf,
} from '../../findings/findings.ts';
import { stands } from '../../findings/track.ts';
import type { Actor, Version } from '../../model.ts';
import type { Platform } from '../../platform.ts';
import { type App, addRoute } from '../route.ts';
import { idParams, objectSchema } from '../views.ts';

const whySchema = z.string().trim().min(3).max(2000);

/** Adds the routes. */
export function findingRoutes(app: App, platform: Platform): void {
  listRoutes(app, platform);
  acceptRoute(app, platform);
  for (const kind of ['fixed', 'reopen'] as const) updateRoute(app, platform, kind);
}

const nowIn = (clock: Clock): string => isoTime(clock.nowMs());

function listRoutes(app: App, platform: Platform): void {
  const { store, clock } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/findings',
      summary: 'Findings of all models and data, those that stand and the gravest first',
      query: z.object({ state: z.enum(['open', 'accepted', 'fixed', 'verified']).optional() }),
      answer: z.object({ findings: z.array(objectSchema) }),
    },
    async ({ actor, query, authorize }) => {
      authorize('read');
      const all = await estateFindings(store, actor.workspaceId, nowIn(clock));
      const found = all.filter(({ state }) => query.state === undefined || state === query.state);
      return { findings: found.map((finding) => ({ ...finding })) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/findings/{id}',
      summary: 'A finding',
      params: idParams,
      answer: objectSchema,
    },
    async ({ actor, params, authorize }) => {
      authorize('read');
      const { track } = await findingFor(store, actor, params.id);
      const artifact = await store.artifact(track.artifactId);
      const all = artifact === null ? [] : await artifactFindings(store, artifact, nowIn(clock));
      const found = all.find(({ id }) => id === track.id);
      if (found === undefined) {
        throw new PlatformError('not-found', `there is no finding "${params.id}"`);
      }
      return { ...found };
    },
  );
}

function acceptRoute(app: App, platform: Platform): void {
  const { services, people } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/findings/{id}/accept',
      summary: 'Live with a finding until a day, with a fresh code of the second factor',
      params: idParams,
      body: z.object({
        code: z.string().max(20),
        why: whySchema,
        until: z.string(),
        versionId: z.string().optional(),
      }),
      answer: z.object({ state: z.string(), until: z.string(), scans: z.boolean() }),
    },
    async ({ actor, params, body, context, authorize }) => {
      const { code, ...wanted } = body;
      const { version } = await findingFor(services.store, actor, params.id, wanted.versionId);
      authorize('finding.accept', { id: params.id, broughtBy: version.broughtBy });
      if (!(await people.verifyCode(context.req.raw.headers, code))) {
        throw new PlatformError('second-factor-needed', 'the code is not valid', {
          hint: 'take the present code from the authenticator app',
        });
      }
      const { acceptance } = await decide(services, actor, params.id, {
        kind: 'accept',
        ...wanted,
      });
      const scans = await scanAgain(platform, actor, version);
      return { state: 'accepted', until: acceptance?.until ?? '', scans };
    },
  );
}

/** A version that only accepted findings held back is scanned once more, and so goes on. */
async function scanAgain(
  { services, runner }: Platform,
  actor: Actor,
  version: Version,
): Promise<boolean> {
  const { store, clock } = services;
  const findings = await findingsOf(store, version, nowIn(clock));
  if (findings.some((each) => stands(each.state) && atLeast(each, 'medium'))) return false;
  if ((await store.step(version.id, 'scan'))?.state !== 'refused') return false;
  await runner.enqueue({ version, kind: 'scan', createdBy: actor.id });
  return true;
}

function updateRoute(app: App, platform: Platform, kind: 'fixed' | 'reopen'): void {
  const { services } = platform;
  const summaries = {
    fixed: 'Say that the next version is without a finding; its scan verifies that',
    reopen: 'Take an acceptance, or that it is fixed, back',
  };
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: `/api/v1/findings/{id}/${kind}`,
      summary: summaries[kind],
      params: idParams,
      body: z.object({ why: whySchema }),
      answer: z.object({ state: z.string() }),
    },
    async ({ actor, params, body, authorize }) => {
      authorize('finding.update', { id: params.id });
      const decision: Decision = { kind, why: body.why };
      const { state } = await decide(services, actor, params.id, decision);
      return { state };
    },
  );
}
