/**
 * Keys, deployments and decisions as the gateway looked them up last. What this process changes is
 * seen by the next request; what another process changes on the same database, a second later.
 */
import type { ApiKey, Deployment } from '../model.ts';
import { hashOf } from '../people/keys.ts';
import type { Store } from '../store/store.ts';

/** Remembered lookups. */
export interface Recall {
  /** Null for a key that is unknown or revoked. */
  key(text: string): Promise<ApiKey | null>;
  /** The deployment that answers under a name. */
  deployment(name: string): Promise<Deployment | null>;
  /** Whether a key may ask a deployment; decided anew when either may have changed. */
  allowed(key: ApiKey, resourceId: string, decide: () => boolean): boolean;
  /** Everything is looked up anew from now on. */
  forget(): void;
}

interface Entry<T> {
  readonly value: T;
  readonly atMs: number;
  readonly generation: number;
}

const freshMs = 1000;
const entriesMax = 10_000;

/** Remembers only what was found, so that nobody fills it with names of nothing. */
export function recall(store: Pick<Store, 'apiKeyByHash' | 'activeDeployment'>): Recall {
  let generation = 0;
  const remembered = <T>(look: (name: string) => Promise<T | null>) => {
    const entries = new Map<string, Entry<T>>();
    return async (name: string): Promise<T | null> => {
      const atMs = performance.now();
      const found = entries.get(name);
      const isFresh = found?.generation === generation && atMs - found.atMs < freshMs;
      if (found !== undefined && isFresh) return found.value;
      // Of the time before the look: what changes while it is under way counts as later.
      const before = generation;
      const value = await look(name);
      if (entries.size >= entriesMax) entries.clear();
      if (value === null) entries.delete(name);
      else entries.set(name, { value, atMs, generation: before });
      return value;
    };
  };
  const keyOf = remembered(async (hash) => {
    const key = await store.apiKeyByHash(hash);
    return key === null || key.revokedAt !== null ? null : key;
  });
  const decisions = new Map<string, Entry<boolean>>();
  return {
    allowed: (key, resourceId, decide) => {
      const atMs = performance.now();
      const name = `${key.id} ${resourceId}`;
      const found = decisions.get(name);
      if (found?.generation === generation && atMs - found.atMs < freshMs) return found.value;
      const value = decide();
      if (decisions.size >= entriesMax) decisions.clear();
      // Only what is allowed: refusals are for names of anything.
      if (value) decisions.set(name, { value, atMs, generation });
      return value;
    },
    key: (text) => keyOf(hashOf(text)),
    deployment: remembered((name) => store.activeDeployment(name)),
    forget: () => {
      generation++;
    },
  };
}
