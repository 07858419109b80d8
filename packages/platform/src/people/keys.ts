/** API keys: 256 random bits, shown once, kept only as a digest. */
import { createHash } from 'node:crypto';
import { base64, secureBytes } from '@merlon/core';
import type { Actor, ApiKey } from '../model.ts';
import type { Store } from '../store/store.ts';

/** A fresh key: the text to hand out, and what is stored of it. */
export interface FreshKey {
  readonly text: string;
  readonly prefix: string;
  readonly hash: string;
}

const marker = 'mrl_';

/** Makes a key. */
export function freshKey(): FreshKey {
  const text = marker + urlSafe(secureBytes(32));
  return { text, prefix: text.slice(0, marker.length + 6), hash: hashOf(text) };
}

/** A one-time token for links. */
export function freshToken(): { text: string; hash: string } {
  const text = urlSafe(secureBytes(32));
  return { text, hash: hashOf(text) };
}

/** The stored digest of a key or token; plain SHA-256 is enough for 256 random bits. */
export function hashOf(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}

/** The key in an `Authorization: Bearer` or `X-API-Key` header, or null. */
export function keyIn(headers: Headers): string | null {
  const bearer = /^Bearer (\S+)$/i.exec(headers.get('authorization') ?? '')?.[1];
  return keyText(bearer ?? headers.get('x-api-key'));
}

/** The text when it looks like a key, or null. */
export function keyText(text: string | null): string | null {
  return text?.startsWith(marker) ? text : null;
}

/** The stored key of a text, or null when it is unknown or revoked. */
export async function validKey(store: Store, text: string): Promise<ApiKey | null> {
  const key = await store.apiKeyByHash(hashOf(text));
  return key === null || key.revokedAt !== null ? null : key;
}

/** The actor that a key is. */
export function keyActor(key: ApiKey): Actor {
  return {
    kind: 'key',
    id: key.id,
    name: key.name,
    workspaceId: key.workspaceId,
    role: key.role,
    secondFactor: false,
    scope: key.scope,
  };
}

function urlSafe(bytes: Uint8Array): string {
  return base64(bytes).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '');
}
