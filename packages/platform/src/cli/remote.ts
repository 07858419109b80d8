/** The API of a running platform, as verbs ask it. */
import { isJsonObject, type JsonObject, MerlonError, messageOf } from '@merlon/core';
import { controlStatus } from '../control.ts';
import { PlatformError } from '../errors.ts';
import { type Arguments, homeOf, type OptionSpec, usage } from './usage.ts';

/** Options that every verb has which asks a platform. */
export const remoteOptions: Readonly<Record<string, OptionSpec>> = {
  url: { type: 'string', help: 'the platform (default: the one that runs in --home)' },
  'api-key': { type: 'string', help: 'API key; better in the environment as MERLON_API_KEY' },
};

/** The API over HTTP. */
export interface Api {
  ask(method: string, path: string, body?: unknown): Promise<JsonObject>;
}

/** Finds the platform and the key; throws what is missing. */
export async function openApi(args: Arguments): Promise<Api> {
  const { MERLON_URL, MERLON_API_KEY } = process.env;
  const given = args.text('url') ?? MERLON_URL;
  const base = given ?? (await controlStatus(homeOf(args)))?.origin;
  if (base === undefined) {
    throw new PlatformError('unavailable', 'no platform runs in this home', {
      hint: 'start one with "merlon start", or name one with --url',
    });
  }
  if (!URL.canParse(base)) throw usage(`"--url" expected an address, got "${base}"`);
  const key = args.text('api-key') ?? MERLON_API_KEY;
  if (key === undefined) {
    throw new PlatformError('not-signed-in', 'an API key is needed', {
      hint: 'make one at the console under Keys (scope platform) and set MERLON_API_KEY',
    });
  }
  return { ask: (method, path, body) => ask({ base, key }, method, path, body) };
}

async function ask(
  { base, key }: { readonly base: string; readonly key: string },
  method: string,
  path: string,
  body: unknown,
): Promise<JsonObject> {
  const raw = body instanceof Uint8Array;
  const headers: Record<string, string> = { authorization: `Bearer ${key}` };
  if (body !== undefined && !raw) headers['content-type'] = 'application/json';
  const payload = raw ? new Uint8Array(body) : JSON.stringify(body);
  const init = body === undefined ? { method, headers } : { method, headers, body: payload };
  const response = await fetch(new URL(path, base), init).catch((cause: unknown) => {
    throw new PlatformError('unavailable', `${base} does not answer: ${messageOf(cause)}`, {
      hint: 'start it with merlon start, or give its address with --url',
      cause,
    });
  });
  const answer: unknown = await response.json().catch(() => ({}));
  const object = isJsonObject(answer) ? answer : {};
  if (response.ok) return object;
  const message = String(object.detail ?? `the platform answered ${response.status}`);
  throw new MerlonError(String(object.code ?? 'internal'), message, {
    hint: String(object.hint ?? ''),
  });
}

/** The objects in a list; anything else is left out. */
export function objects(value: unknown): JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
