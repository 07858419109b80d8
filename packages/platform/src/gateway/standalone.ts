/**
 * One guarded model on its own, without a home: behind keys that are known when it starts. Order
 * of a request: key → shape and type → guards → model → guards → answer.
 */
import { createHash, timingSafeEqual } from 'node:crypto';
import { utf8 } from '@merlon/core';
import { Hono } from 'hono';
import type { LoadedModel } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import type { Answer, Question } from '../serve/ask.ts';
import {
  type Asking,
  type Front,
  type KnownModel,
  requireLoaded,
  requireVersion,
  wantedOf,
} from './front.ts';
import { restRoutes } from './rest.ts';

/** What is served, and to whom. */
export interface Standalone {
  readonly name: string;
  readonly version: string;
  /** Null while the model is not loaded. */
  loaded(): LoadedModel | null;
  /** Throws `input-refused` by a guard, `unavailable` while the model is not loaded. */
  infer(question: Question): Promise<Answer>;
  /** Keys that may ask; null lets anybody. */
  readonly keys: readonly string[] | null;
  readonly onFault: (error: unknown) => void;
}

/** Versions of a model on its own: there is one. */
const onlyVersion = '1';

/** The way in to a server with one model. */
export function standaloneFront(served: Standalone): Front {
  const digests = served.keys?.map(digestOfKey) ?? null;
  const { name, version, onFault } = served;
  const known = (): KnownModel => ({ name, version: onlyVersion, model: served.loaded() });
  const admitted = (asking: Asking): KnownModel => {
    requireKey(asking.key, digests);
    requireName(asking, name);
    requireVersion(asking, onlyVersion);
    return known();
  };
  return {
    version,
    onFault,
    isReady: () => served.loaded() !== null,
    find: async (asking) => admitted(asking),
    index: async (key) => {
      requireKey(key, digests);
      return [known()];
    },
    infer: async (asking, read) => {
      const request = await read(requireLoaded(admitted(asking)));
      const answer = await served.infer(request);
      return { name, version: onlyVersion, request, outputs: wantedOf(answer.outputs, request) };
    },
  };
}

/** The routes of a server with one model. */
export function standaloneApp(front: Front): Hono {
  const app = new Hono();
  restRoutes(app, front);
  app.notFound((context) => context.json({ error: 'there is no such route' }, 404));
  return app;
}

function requireKey(key: string | null, digests: readonly Uint8Array[] | null): void {
  if (digests === null) return;
  const given = key === null ? null : digestOfKey(key);
  // Every key is compared, and digests, so that the time tells nothing.
  const fits = digests.filter((digest) => given !== null && timingSafeEqual(digest, given));
  if (fits.length > 0) return;
  throw new PlatformError('not-signed-in', 'this needs a valid key', {
    hint: 'send "Authorization: Bearer …" with a key that the server was started with',
  });
}

function digestOfKey(key: string): Uint8Array {
  return createHash('sha256').update(utf8(key)).digest();
}

function requireName({ name: asked }: Asking, name: string): void {
  if (asked === name) return;
  throw new PlatformError('not-found', `no model is served as "${asked.slice(0, 64)}"`, {
    hint: `the model is called "${name}"`,
  });
}
