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

/** Remembers only what was found or allowed, so that nobody fills it with names of nothing. */
export function recall(store: Pick<Store, 'apiKeyByHash' | 'activeDeployment'>): Recall {
  let generation = 0;
  const memory = <T>() => {
    const entries = new Map<string, Entry<T>>();
    return {
      get: (name: string): T | undefined => {
        const found = entries.get(name);
        const isFresh =
          found?.generation === generation && performance.now() - found.atMs < freshMs;
        return isFresh ? found.value : undefined;
      },
      /** `of` is the generation before the look: what changed meanwhile counts as later. */
      keep: (name: string, value: T, of: number): void => {
        if (entries.size >= entriesMax) entries.clear();
        entries.set(name, { value, atMs: performance.now(), generation: of });
      },
    };
  };
  const remembered = <T>(look: (name: string) => Promise<T | null>) => {
    const kept = memory<T>();
    return async (name: string): Promise<T | null> => {
      const known = kept.get(name);
      if (known !== undefined) return known;
      const before = generation;
      const value = await look(name);
      if (value !== null) kept.keep(name, value, before);
      return value;
    };
  };
  const keyOf = remembered(async (hash) => {
    const key = await store.apiKeyByHash(hash);
    return key === null || key.revokedAt !== null ? null : key;
  });
  const allowed = memory<true>();
  return {
    allowed: (key, resourceId, decide) => {
      const name = `${key.id} ${resourceId}`;
      if (allowed.get(name) === true) return true;
      if (!decide()) return false;
      allowed.keep(name, true, generation);
      return true;
    },
    key: (text) => keyOf(hashOf(text)),
    deployment: remembered((name) => store.activeDeployment(name)),
    forget: () => {
      generation++;
    },
  };
}
