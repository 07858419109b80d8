/** The Open Inference Protocol v2 over REST, for whatever stands behind it. */
import { isJsonObject } from '@merlon/core';
import type { Context, Env, Hono } from 'hono';
import { PlatformError } from '../errors.ts';
import { isOurs, problemOf } from '../http/problem.ts';
import { badTensor } from './elements.ts';
import {
  type Asking,
  extensions,
  type Front,
  indexEntry,
  modelPlatform,
  requireLoaded,
} from './front.ts';
import { requestFor } from './request.ts';
import { type RestReply, restAnswer } from './rest-answer.ts';
import { type RestRequest, readRest } from './rest-request.ts';
import { bytesOf, type HeaderOf, inferBody, readOptionalBody } from './wire.ts';

export type { RestReply } from './rest-answer.ts';

/** Seconds after which a caller may try again. */
const retryAfter: Readonly<Record<number, string>> = { 429: '60', 503: '1' };

/** Adds the routes below `/v2`. */
export function restRoutes<E extends Env>(app: Hono<E>, front: Front): void {
  type Work = (context: Context<E>) => Response | Promise<Response>;
  const told = (work: Work) => async (context: Context<E>) => {
    try {
      return await work(context);
    } catch (thrown) {
      return responseOf(failure(thrown, front));
    }
  };
  app.get('/v2', (context) =>
    context.json({ name: 'merlon', version: front.version, extensions: [...extensions] }),
  );
  app.get('/v2/health/live', (context) => context.json({ live: true }));
  app.get('/v2/health/ready', (context) => {
    const ready = front.isReady();
    return context.json({ ready }, ready ? 200 : 503);
  });
  app.post(
    '/v2/repository/index',
    told((context) => index(context, front)),
  );
  for (const path of ['/v2/models/:name', '/v2/models/:name/versions/:version'] as const) {
    app.get(
      path,
      told((context) => metadata(context, front)),
    );
    app.get(
      `${path}/ready`,
      told((context) => ready(context, front)),
    );
    app.post(
      `${path}/infer`,
      told((context) => infer(context, front)),
    );
  }
  app.all(
    '/v2/*',
    told(() => {
      throw new PlatformError('not-found', 'there is no such route', {
        hint: 'GET /v2 tells what the server can do',
      });
    }),
  );
}

/** A question to a model, from whichever server took it. */
export interface RestQuestion {
  readonly name: string;
  readonly version: string | null;
  readonly header: HeaderOf;
  /** Throws `too-large`. */
  readonly body: () => Promise<Uint8Array>;
}

/** Asks a model; what goes wrong is told in the reply. */
export async function inferReply(front: Front, question: RestQuestion): Promise<RestReply> {
  const { name, version, header } = question;
  const read: { rest: RestRequest | null } = { rest: null };
  try {
    const asking = { key: keyOf(header), name, version };
    const inferred = await front.infer(asking, async (model) => {
      read.rest = readRest(await inferBody(await question.body(), header));
      return requestFor(model, read.rest);
    });
    return { status: 200, ...restAnswer(inferred, { binary: read.rest?.binary ?? false }) };
  } catch (thrown) {
    return failure(thrown, front);
  }
}

/** Errors of the protocol are `{"error": sentence}`. */
function failure(thrown: unknown, { onFault }: Front): RestReply {
  const { status, code, detail, hint } = problemOf(thrown);
  if (isOurs(status)) onFault(thrown);
  const retry = retryAfter[status];
  return {
    status,
    headers: {
      'content-type': 'application/json',
      ...(retry !== undefined && { 'retry-after': retry }),
    },
    body: Buffer.from(JSON.stringify({ error: detail, code, hint })),
  };
}

function responseOf({ status, headers, body }: RestReply): Response {
  return new Response(body, { status, headers });
}

function headerOf({ headers }: Request): HeaderOf {
  return (name) => headers.get(name);
}

function asking(context: Context): Asking {
  const { name = '', version = null } = context.req.param() as Record<string, string | undefined>;
  return { key: keyOf(headerOf(context.req.raw)), name, version };
}

/** Keys of a file may be any text, so that whoever knows them judges their form. */
function keyOf(header: HeaderOf): string | null {
  const bearer = /^Bearer (\S+)$/i.exec(header('authorization') ?? '')?.[1];
  return bearer ?? header('x-api-key');
}

async function metadata(context: Context, front: Front): Promise<Response> {
  const known = await front.find(asking(context));
  const { inputs, outputs } = requireLoaded(known);
  const told = [inputs, outputs].map((ports) =>
    ports.map(({ labels, ...port }) => ({ ...port, ...(labels && { parameters: { labels } }) })),
  );
  return context.json({
    name: known.name,
    versions: [known.version],
    platform: modelPlatform,
    inputs: told[0],
    outputs: told[1],
  });
}

async function ready(context: Context, front: Front): Promise<Response> {
  const { name, model } = await front.find(asking(context));
  return context.json({ name, ready: model !== null }, model === null ? 503 : 200);
}

async function index(context: Context, front: Front): Promise<Response> {
  // The key comes first: nobody's body is read for nothing.
  const known = await front.index(keyOf(headerOf(context.req.raw)));
  const body = await readOptionalBody(context.req.raw);
  const wish = isJsonObject(body) ? (body.ready ?? false) : null;
  if (typeof wish !== 'boolean') {
    throw badTensor('the body expected nothing, or {"ready": true} for what is loaded');
  }
  return context.json(known.filter(({ model }) => !wish || model !== null).map(indexEntry));
}

async function infer(context: Context, front: Front): Promise<Response> {
  const { raw } = context.req;
  const { name, version } = asking(context);
  const question = { name, version, header: headerOf(raw), body: () => bytesOf(raw) };
  return responseOf(await inferReply(front, question));
}
