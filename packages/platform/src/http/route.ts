/**
 * One way to define a route: its schemas validate what comes in and describe it in OpenAPI, so
 * that the two cannot drift apart.
 */
import { type OpenAPIHono, z } from '@hono/zod-openapi';
import type { Action, Resource } from '@merlon/access';
import type { Context } from 'hono';
import { PlatformError } from '../errors.ts';
import type { Actor } from '../model.ts';
import { principalOf } from '../people/people.ts';
import type { Platform } from '../platform.ts';

/** What routes find in the request's context. */
export interface Env {
  Variables: { actor: Actor | null };
}

/** The application that routes are added to. */
export type App = OpenAPIHono<Env>;

/** A request after validation. */
export interface Asked<P, Q, B> {
  readonly params: P;
  readonly query: Q;
  readonly body: B;
  /** Who asks; throws `not-signed-in` when nobody is. */
  readonly actor: Actor;
  readonly context: Context<Env>;
  /** Throws `forbidden` (or `not-found` across workspaces) unless the policies allow it. */
  authorize(action: Action, resource?: Partial<Resource>): void;
}

/** A route. */
export interface RouteSpec<P, Q, B, A> {
  readonly method: 'get' | 'post' | 'put' | 'delete';
  /** Path with `{name}` parameters. */
  readonly path: string;
  readonly summary: string;
  readonly params?: z.ZodType<P>;
  readonly query?: z.ZodType<Q>;
  readonly body?: z.ZodType<B>;
  readonly answer: z.ZodType<A>;
  readonly status?: 200 | 201 | 202;
}

const bodyBytesMax = 1 << 20;

/** Adds a route; the handler's answer is sent as JSON. */
export function addRoute<A, P = unknown, Q = unknown, B = unknown>(
  app: App,
  platform: Platform,
  spec: RouteSpec<P, Q, B, A>,
  handle: (asked: Asked<P, Q, B>) => Promise<A>,
): void {
  describe(app, spec);
  const path = spec.path.replace(/\{(\w+)\}/g, ':$1');
  app.on(spec.method, path, async (context) => {
    const params = parsed(spec.params, context.req.param(), 'path');
    const query = parsed(spec.query, context.req.query(), 'query');
    const body = spec.body === undefined ? undefined : await readJson(context);
    const answer = await handle({
      params,
      query,
      body: parsed(spec.body, body, 'body'),
      context,
      get actor() {
        return actorIn(context);
      },
      authorize: (action, resource) => authorize(platform, actorIn(context), action, resource),
    });
    return context.json(answer as object, spec.status ?? 200);
  });
}

/** Asks the policies; throws unless they allow. */
export function authorize(
  platform: Platform,
  actor: Actor,
  action: Action,
  resource: Partial<Resource> = {},
): void {
  const workspace = resource.workspace ?? actor.workspaceId;
  // Whether something exists in another workspace is itself none of the caller's business.
  if (workspace !== actor.workspaceId)
    throw new PlatformError('not-found', 'there is no such thing');
  const { allowed, because } = platform.decide(principalOf(actor), action, {
    id: resource.id ?? 'any',
    workspace,
    broughtBy: resource.broughtBy ?? '',
  });
  if (allowed) return;
  if (because.includes('people-need-a-second-factor')) {
    throw new PlatformError('second-factor-needed', 'a second factor is needed', {
      hint: 'set up an authenticator app or a passkey, then sign in with it',
    });
  }
  const why =
    because.length === 0 ? `the role "${actor.role}" does not include it` : because.join(', ');
  throw new PlatformError('forbidden', `"${action}" is refused: ${why}`, {
    hint: 'ask an owner of the workspace',
  });
}

/** The actor of a request; throws `not-signed-in`. */
export function actorIn(context: Context<Env>): Actor {
  const actor = context.get('actor');
  if (actor === null) {
    throw new PlatformError('not-signed-in', 'sign in or give an API key', {
      hint: 'send "Authorization: Bearer mrl_…" or sign in at the console',
    });
  }
  return actor;
}

async function readJson(context: Context<Env>): Promise<unknown> {
  const length = Number(context.req.header('content-length') ?? 0);
  if (length > bodyBytesMax) throw tooLarge();
  const text = await context.req.text();
  if (text.length > bodyBytesMax) throw tooLarge();
  if (text === '') return {};
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new PlatformError('bad-request', 'the body expected JSON', { cause });
  }
}

function tooLarge(): PlatformError {
  return new PlatformError('too-large', `the body expected at most ${bodyBytesMax} bytes`);
}

/** Validates one part of a request and tells all of its faults at once. */
function parsed<T>(schema: z.ZodType<T> | undefined, value: unknown, part: string): T {
  if (schema === undefined) return undefined as T;
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const faults = result.error.issues.map((issue) => {
    const where = issue.path.length === 0 ? part : issue.path.join('.');
    return `"${where}" ${issue.message.charAt(0).toLowerCase()}${issue.message.slice(1)}`;
  });
  throw new PlatformError('bad-request', faults.join('; '));
}

function describe<P, Q, B, A>(app: App, spec: RouteSpec<P, Q, B, A>): void {
  const { method, path, summary, params, query, body, answer, status } = spec;
  app.openAPIRegistry.registerPath({
    method,
    path,
    summary,
    request: {
      ...(params === undefined ? {} : { params: params as never }),
      ...(query === undefined ? {} : { query: query as never }),
      ...(body === undefined
        ? {}
        : { body: { content: { 'application/json': { schema: body } } } }),
    },
    responses: {
      [status ?? 200]: {
        description: 'done',
        content: { 'application/json': { schema: answer } },
      },
      default: {
        description: 'a problem',
        content: { 'application/problem+json': { schema: problemSchema } },
      },
    },
  });
}

const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string(),
  hint: z.string(),
});
