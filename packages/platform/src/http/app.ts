/**
 * The HTTP layer: who asks, may they, and the routes. Requests whose Host or Origin is not ours
 * are refused first (DNS rebinding, cross-site requests).
 */
import { OpenAPIHono } from '@hono/zod-openapi';
import type { Context, Next } from 'hono';
import { PlatformError } from '../errors.ts';
import type { Figures } from '../gateway/figures.ts';
import type { Front } from '../gateway/front.ts';
import { restRoutes } from '../gateway/rest.ts';
import type { Actor } from '../model.ts';
import { keyActor, keyIn, validKey } from '../people/keys.ts';
import { actorOf } from '../people/people.ts';
import type { Platform } from '../platform.ts';
import { consoleRoutes } from './console.ts';
import { metricsText } from './metrics.ts';
import { answerProblem } from './problem.ts';
import type { App, Env } from './route.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { auditRoutes } from './routes/audits.ts';
import { findingRoutes } from './routes/findings.ts';
import { objectKeyRoutes } from './routes/object-keys.ts';
import { peopleRoutes } from './routes/people.ts';
import { personalRoutes } from './routes/personal.ts';
import { scheduleRoutes } from './routes/schedules.ts';
import { watchRoutes } from './routes/watch.ts';
import { workRoutes } from './routes/work.ts';

/** What the application needs besides the platform. */
export interface AppParts {
  /** The way in to what is served. */
  readonly front: Front;
  readonly figures: Figures;
  /** Told about faults of our own. */
  readonly onFault: (error: unknown) => void;
  /** Hosts that people may use, such as `localhost:7700`; null when behind a proxy. */
  readonly hosts: ReadonlySet<string> | null;
}

/** Builds the application. */
export function createApp(platform: Platform, parts: AppParts): App {
  const app: App = new OpenAPIHono<Env>();
  app.onError((error, context) => answerProblem(context, error, parts.onFault));
  app.notFound((context) =>
    answerProblem(
      context,
      new PlatformError('not-found', `there is nothing at ${context.req.path}`),
      parts.onFault,
    ),
  );
  app.use('*', (context, next) => sameSite(context, next, parts.hosts));
  app.use('*', securityHeaders);
  app.get('/livez', (context) => context.text('ok'));
  app.get('/readyz', (context) => context.text('ok'));
  app.get('/metrics', async (context) => context.text(await metricsText(platform, parts.figures)));
  app.on(['GET', 'POST'], '/api/v1/auth/*', (context) => platform.people.handle(context.req.raw));
  app.use('/api/v1/*', (context, next) => identify(context, next, platform));
  artifactRoutes(app, platform);
  objectKeyRoutes(app, platform);
  personalRoutes(app, platform);
  peopleRoutes(app, platform);
  workRoutes(app, platform);
  findingRoutes(app, platform);
  scheduleRoutes(app, platform);
  auditRoutes(app, platform);
  watchRoutes(app, platform);
  restRoutes(app, parts.front);
  const { version } = platform.settings;
  app.doc31('/api/v1/openapi.json', { openapi: '3.1.0', info: { title: 'Merlon', version } });
  consoleRoutes(app, platform.settings.consoleFolder);
  return app;
}

/** Puts the actor of a request into its context: a key's, a signed-in person's, or nobody. */
async function identify(context: Context<Env>, next: Next, platform: Platform): Promise<void> {
  context.set('actor', await findActor(context.req.raw.headers, platform));
  await next();
}

async function findActor(headers: Headers, platform: Platform): Promise<Actor | null> {
  const { store } = platform.services;
  const text = keyIn(headers);
  if (text !== null) {
    const key = await validKey(store, text);
    if (key === null) {
      throw new PlatformError('not-signed-in', 'the API key is not valid', {
        hint: 'it may have been revoked; ask an operator for a new one',
      });
    }
    return keyActor(key);
  }
  const session = await platform.people.session(headers);
  if (session === null) return null;
  const [membership] = await store.membersOf(session.userId);
  if (membership === undefined) return null;
  return actorOf(session, membership.workspaceId, membership.role);
}

const safeMethods = new Set(['GET', 'HEAD', 'OPTIONS']);

async function sameSite(
  context: Context<Env>,
  next: Next,
  hosts: ReadonlySet<string> | null,
): Promise<void> {
  const host = context.req.header('host') ?? '';
  if (hosts !== null && !hosts.has(host)) {
    throw new PlatformError('forbidden', `this server does not answer for "${host.slice(0, 80)}"`, {
      hint: 'use the address that was printed at the start',
    });
  }
  const origin = context.req.header('origin');
  const foreign = origin !== undefined && originHost(origin) !== host;
  if (foreign && !safeMethods.has(context.req.method)) {
    throw new PlatformError('forbidden', 'requests from other sites are refused');
  }
  await next();
}

function originHost(origin: string): string {
  return URL.canParse(origin) ? new URL(origin).host : '';
}

async function securityHeaders(context: Context<Env>, next: Next): Promise<void> {
  await next();
  const { headers } = context.res;
  headers.set('x-content-type-options', 'nosniff');
  headers.set('x-frame-options', 'DENY');
  headers.set('referrer-policy', 'same-origin');
  headers.set(
    'content-security-policy',
    "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; " +
      "frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
  );
  if (context.req.path.startsWith('/api/') && !headers.has('cache-control')) {
    headers.set('cache-control', 'no-store');
  }
}
