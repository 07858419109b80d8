/**
 * One guarded model on its own, without a home: the Open Inference Protocol over REST, behind keys
 * that are known when it starts. Order of a request: key → shape and type → guards → model →
 * guards → answer. Health is told to anybody, everything else asks for a key.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { utf8 } from '@merlon/core';
import { type Context, Hono } from 'hono';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { problemOf } from '../http/problem.ts';
import type { Answer } from '../serve/ask.ts';
import { describe, outputsOf } from './outputs.ts';
import { parseInfer } from './tensor.ts';
import { inferAnswer, readInferBody } from './wire.ts';

/** What is served, and to whom. */
export interface Standalone {
  readonly name: string;
  readonly version: string;
  /** Null while the model is not loaded. */
  loaded(): LoadedModel | null;
  /** Asks rows; throws `input-refused` by a guard, `unavailable` while the model is not loaded. */
  infer(x: Float32Array): Promise<Answer>;
  /** Keys that may ask; null lets anybody. */
  readonly keys: readonly string[] | null;
  readonly onFault: (error: unknown) => void;
}

/** Versions of a model on its own: there is one. */
const onlyVersion = '1';

/** The routes of a server with one model. */
export function standaloneApp(served: Standalone): Hono {
  const app = new Hono();
  const digests = served.keys?.map(digestOfKey) ?? null;
  const guarded = (work: (context: Context) => Response | Promise<Response>) => {
    return (context: Context) => told(served, context, digests, work);
  };
  const { name } = served;
  const metadata = (context: Context): Response => {
    named(context, name);
    return context.json({ name, versions: [onlyVersion], ...describe(modelOf(served)) });
  };
  const ready = (context: Context): Response => {
    named(context, name);
    const is = served.loaded() !== null;
    return context.json({ name, ready: is }, is ? 200 : 503);
  };
  app.get('/v2', (context) => {
    const extensions = ['binary_tensor_data', 'model_repository'];
    return context.json({ name: 'merlon', version: served.version, extensions });
  });
  app.get('/v2/health/live', (context) => context.json({ live: true }));
  app.get('/v2/health/ready', (context) => {
    const is = served.loaded() !== null;
    return context.json({ ready: is }, is ? 200 : 503);
  });
  app.post(
    '/v2/repository/index',
    guarded((context) => {
      const state = served.loaded() === null ? 'UNAVAILABLE' : 'READY';
      return context.json([{ name, version: onlyVersion, state, reason: '' }]);
    }),
  );
  for (const path of ['/v2/models/:name', `/v2/models/:name/versions/${onlyVersion}`]) {
    app.get(path, guarded(metadata));
    app.get(`${path}/ready`, guarded(ready));
    app.post(
      `${path}/infer`,
      guarded((context) => infer(served, context)),
    );
  }
  app.notFound((context) => context.json({ error: 'there is no such route' }, 404));
  return app;
}

async function infer(served: Standalone, context: Context): Promise<Response> {
  named(context, served.name);
  const model = modelOf(served);
  const body = await readInferBody(context.req.raw);
  const request = parseInfer(body, model);
  const answer = await served.infer(request.x);
  const head = {
    model_name: served.name,
    model_version: onlyVersion,
    ...(request.id === undefined ? {} : { id: request.id }),
  };
  return inferAnswer(head, outputsOf(model, request.rows, answer), body.json);
}

/** Errors of the protocol are `{"error": sentence}`. */
async function told(
  served: Standalone,
  context: Context,
  digests: readonly Uint8Array[] | null,
  work: (context: Context) => Response | Promise<Response>,
): Promise<Response> {
  try {
    if (digests !== null) requireKey(context, digests);
    return await work(context);
  } catch (thrown) {
    const { status, code, detail, hint } = problemOf(thrown);
    if (status >= 500 && status !== 503) served.onFault(thrown);
    const retry = status === 503 ? { 'retry-after': '1' } : undefined;
    return context.json({ error: detail, code, hint }, status as 500, retry);
  }
}

function requireKey(context: Context, digests: readonly Uint8Array[]): void {
  const key = keyOf(context.req.raw.headers);
  const given = key === null ? null : digestOfKey(key);
  // Every key is compared, and digests, so that the time tells nothing.
  const fits = digests.filter((digest) => given !== null && timingSafeEqual(digest, given));
  if (fits.length > 0) return;
  throw new PlatformError('not-signed-in', 'this needs a valid key', {
    hint: 'send "Authorization: Bearer …" with a key that the server was started with',
  });
}

/** Keys are whatever the key file holds, so that any text may be one. */
function keyOf(headers: Headers): string | null {
  const bearer = /^Bearer (\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  return bearer ?? headers.get('x-api-key');
}

function digestOfKey(key: string): Uint8Array {
  return createHash('sha256').update(utf8(key)).digest();
}

function named(context: Context, name: string): void {
  const asked = context.req.param('name') ?? '';
  if (asked === name) return;
  throw new PlatformError('not-found', `no model is served as "${asked.slice(0, 64)}"`, {
    hint: `the model is called "${name}"`,
  });
}

function modelOf(served: Standalone): LoadedModel {
  const model = served.loaded();
  if (model !== null) return model;
  throw new PlatformError('unavailable', 'the model is not loaded at the moment', {
    hint: 'try again in a moment',
  });
}
