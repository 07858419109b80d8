/** Routes of watching and answering: events, alerts, incidents, shares, the ledger, live news. */
import { z } from '@hono/zod-openapi';
import { isTlp, type Tlp, tlpLevels } from '@merlon/exchange';
import { streamSSE } from 'hono/streaming';
import type { News } from '../../bus/bus.ts';
import { PlatformError } from '../../errors.ts';
import type { Actor, Incident } from '../../model.ts';
import type { Platform } from '../../platform.ts';
import { playbookNames } from '../../respond/playbook.ts';
import { closeIncident, runByHand } from '../../respond/respond.ts';
import { shareIncident } from '../../share/share.ts';
import { type App, actorIn, addRoute, authorize } from '../route.ts';
import {
  eventSchema,
  eventView,
  idParams,
  incidentSchema,
  incidentView,
  objectSchema,
} from '../views.ts';
import { versionFor } from './artifacts.ts';

/** Adds the routes. */
export function watchRoutes(app: App, platform: Platform): void {
  eventRoutes(app, platform);
  incidentRoutes(app, platform);
  ledgerRoutes(app, platform);
  streamRoute(app, platform);
}

function eventRoutes(app: App, platform: Platform): void {
  const { store } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/versions/{id}/events',
      summary: 'Requests to a served version, newest first, with its alerts',
      params: idParams,
      query: z.object({ limit: z.coerce.number().int().min(1).max(1000).default(100) }),
      answer: z.object({
        answered: z.number(),
        refused: z.number(),
        events: z.array(eventSchema),
        alerts: z.array(objectSchema),
      }),
    },
    async ({ actor, params, query, authorize: allow }) => {
      const version = await versionFor(platform, actor, params.id);
      allow('read', { id: version.id });
      const events = await store.events({ versionId: version.id, limit: query.limit });
      const alerts = await store.alerts(version.id);
      return {
        ...(await store.countEvents(version.id)),
        events: events.map(eventView),
        alerts: alerts.map((alert) => ({ ...alert })),
      };
    },
  );
}

const timelineSchema = z.object({
  at: z.string(),
  kind: z.string(),
  text: z.string(),
  detail: objectSchema,
});

function incidentRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  const { store } = services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/incidents',
      summary: 'Incidents, newest first',
      answer: z.object({ incidents: z.array(incidentSchema) }),
    },
    async ({ actor, authorize: allow }) => {
      allow('read');
      return { incidents: (await store.incidents(actor.workspaceId)).map(incidentView) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/incidents/{id}',
      summary: 'An incident with its timeline and what was shared of it',
      params: idParams,
      answer: z.object({
        incident: incidentSchema,
        timeline: z.array(timelineSchema),
        shares: z.array(z.object({ id: z.string(), tlp: z.string(), at: z.string() })),
      }),
    },
    async ({ actor, params, authorize: allow }) => {
      const incident = await incidentFor(platform, actor, params.id);
      allow('read', { id: incident.id });
      const shares = await store.shares(incident.id);
      const lines = await store.timeline(incident.id);
      return {
        incident: incidentView(incident),
        timeline: lines.map(({ at, kind, text, detail }) => ({ at, kind, text, detail })),
        shares: shares.map(({ id, tlp, at }) => ({ id, tlp, at })),
      };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/incidents/{id}/close',
      summary: 'Close a contained incident',
      params: idParams,
      body: z.object({ comment: z.string().max(2000).default('') }),
      answer: incidentSchema,
    },
    async ({ actor, params, body, authorize: allow }) => {
      const incident = await incidentFor(platform, actor, params.id);
      allow('incident.manage', { id: incident.id });
      return incidentView(await closeIncident(services, actor, incident, body.comment));
    },
  );
  runRoute(app, platform);
  shareRoutes(app, platform);
}

function runRoute(app: App, platform: Platform): void {
  const { services, containment } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/incidents/{id}/run',
      summary: 'Run a playbook for an incident, or say what it would do',
      params: idParams,
      body: z.object({
        playbook: z.enum(playbookNames).nullable().default(null),
        dryRun: z.boolean().default(false),
      }),
      answer: z.object({
        playbook: z.enum(playbookNames),
        dryRun: z.boolean(),
        steps: z.array(
          z.object({ step: z.string(), name: z.string(), ok: z.boolean(), text: z.string() }),
        ),
      }),
    },
    async ({ actor, params, body, authorize: allow }) => {
      const incident = await incidentFor(platform, actor, params.id);
      allow('incident.manage', { id: incident.id });
      const { dryRun } = body;
      const asked = { actor, incident, wish: { playbook: body.playbook, dryRun } };
      const { playbook, steps } = await runByHand(services, containment, asked);
      return { playbook, dryRun, steps: [...steps] };
    },
  );
}

function shareRoutes(app: App, platform: Platform): void {
  const { services } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/incidents/{id}/share',
      summary: 'Export a closed incident as a STIX 2.1 bundle with a TLP 2.0 marking',
      params: idParams,
      body: z.object({
        tlp: z.enum(tlpLevels as unknown as [Tlp, ...Tlp[]]).default('amber'),
      }),
      answer: z.object({ id: z.string(), tlp: z.string(), bundle: objectSchema }),
      status: 201,
    },
    async ({ actor, params, body, authorize: allow }) => {
      const incident = await incidentFor(platform, actor, params.id);
      allow('incident.manage', { id: incident.id });
      if (!isTlp(body.tlp)) throw new PlatformError('bad-request', '"tlp" expected a TLP level');
      const share = await shareIncident(services, actor, incident, body.tlp);
      const bundle = JSON.parse(share.bundle) as Record<string, unknown>;
      return { id: share.id, tlp: share.tlp, bundle };
    },
  );
}

async function incidentFor(platform: Platform, actor: Actor, id: string): Promise<Incident> {
  const incident = await platform.services.store.incident(id);
  if (incident === null || incident.workspaceId !== actor.workspaceId) {
    throw new PlatformError('not-found', `there is no incident "${id}"`);
  }
  return incident;
}

function ledgerRoutes(app: App, platform: Platform): void {
  const { store, ledger } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/ledger/verify',
      summary: 'Recompute the ledger and compare it with its signed checkpoint',
      answer: z.object({
        size: z.number(),
        root: z.string(),
        valid: z.boolean(),
        faults: z.array(z.string()),
        verifierKey: z.string(),
      }),
    },
    async ({ authorize: allow }) => {
      allow('ledger.read');
      const report = await ledger.verify();
      return { ...report, faults: [...report.faults], verifierKey: ledger.verifierKey };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/ledger/entries',
      summary: 'Decisions in order',
      query: z.object({
        from: z.coerce.number().int().min(0).default(0),
        limit: z.coerce.number().int().min(1).max(1000).default(100),
      }),
      answer: z.object({
        size: z.number(),
        entries: z.array(z.object({ index: z.number(), leaf: z.string() })),
      }),
    },
    async ({ query, authorize: allow }) => {
      allow('ledger.read');
      const entries = await store.ledgerEntries(query.from, query.limit);
      return { size: await store.ledgerSize(), entries };
    },
  );
  proofRoutes(app, platform);
  app.get('/api/v1/ledger/checkpoint', async (context) => {
    authorize(platform, actorIn(context), 'ledger.read');
    const latest = await store.latestCheckpoint();
    if (latest === null) throw new PlatformError('not-found', 'the ledger is empty');
    return context.text(latest.text);
  });
  app.get('/api/v1/ledger/tile/*', async (context) => {
    authorize(platform, actorIn(context), 'ledger.read');
    const path = new URL(context.req.url).pathname.slice('/api/v1/ledger/'.length);
    const bytes = await ledger.tile(path);
    return context.body(bytes, 200, { 'content-type': 'application/octet-stream' });
  });
}

function proofRoutes(app: App, platform: Platform): void {
  const { ledger } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/ledger/prove',
      summary: 'Prove that a decision is in the ledger (C2SP tlog-proof)',
      query: z.object({ index: z.coerce.number().int().min(0) }),
      answer: z.object({
        index: z.number(),
        leaf: z.string(),
        proof: z.string(),
        verifierKey: z.string(),
      }),
    },
    async ({ query, authorize: allow }) => {
      allow('ledger.read');
      return { ...(await ledger.prove(query.index)), verifierKey: ledger.verifierKey };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/ledger/growth',
      summary: 'Prove that the ledger of an older size is a beginning of the one of today',
      query: z.object({ from: z.coerce.number().int().min(1) }),
      answer: z.object({
        olderSize: z.number(),
        size: z.number(),
        hashes: z.array(z.string()),
        checkpoint: z.string(),
        verifierKey: z.string(),
      }),
    },
    async ({ query, authorize: allow }) => {
      allow('ledger.read');
      const proof = await ledger.proveGrowth(query.from);
      return { ...proof, hashes: [...proof.hashes], verifierKey: ledger.verifierKey };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/ledger/cosign',
      summary: 'Keep what trusted witnesses signed below the latest checkpoint',
      body: z.object({ checkpoint: z.string().max(100_000) }),
      answer: z.object({ witnesses: z.array(z.string()) }),
    },
    async ({ body, authorize: allow }) => {
      allow('ledger.read');
      return { witnesses: await ledger.cosign(body.checkpoint) };
    },
  );
}

/** Live news by server-sent events: what changed, never its content. */
function streamRoute(app: App, platform: Platform): void {
  app.get('/api/v1/stream', (context) => {
    const actor = actorIn(context);
    authorize(platform, actor, 'read');
    return streamSSE(context, async (stream) => {
      const queue: News[] = [];
      let wake: () => void = () => undefined;
      const end = platform.services.bus.subscribe((news) => {
        if (news.workspaceId !== actor.workspaceId) return;
        queue.push(news);
        if (queue.length > 1000) queue.shift();
        wake();
      });
      stream.onAbort(() => {
        end();
        wake();
      });
      await stream.writeSSE({ event: 'hello', data: '{}' });
      while (!stream.aborted) {
        const news = queue.shift();
        if (news === undefined) {
          await new Promise<void>((resolve) => {
            wake = resolve;
          });
          continue;
        }
        await stream.writeSSE({ event: news.topic, data: JSON.stringify({ id: news.id }) });
      }
    });
  });
}
