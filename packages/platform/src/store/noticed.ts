/** A store that tells when API keys or deployments have changed. */
import type { Store } from './store.ts';

/** Tells after each such write, and after the commit of the transaction that it is part of. */
export function noticedStore(store: Store, onChange: () => void): Store {
  const change = <A extends unknown[], R>(write: (...given: A) => Promise<R>) => {
    return async (...given: A): Promise<R> => {
      const written = await write(...given);
      onChange();
      return written;
    };
  };
  return {
    ...store,
    addApiKey: change(store.addApiKey),
    revokeApiKey: change(store.revokeApiKey),
    addDeployment: change(store.addDeployment),
    updateDeployment: change(store.updateDeployment),
    transaction: async (work) => {
      let changed = false;
      const notice = (): void => {
        changed = true;
        onChange();
      };
      const done = await store.transaction((tx) => work(noticedStore(tx, notice)));
      // Whoever read in between has read what was true before.
      if (changed) onChange();
      return done;
    },
  };
}
