/**
 * Events on their way to the store. Those that come together are written together; an answer goes
 * out once its event is safe. While the store cannot take them they are kept in the spool, sealed,
 * and written when it can again: neither are answers held up, nor are events lost.
 */
import type { ServeEvent } from '../model.ts';
import type { Store } from '../store/store.ts';
import type { Spool } from './spool.ts';

/** Takes events. */
export interface EventLog {
  /** Ends when the event is safe; throws when neither store nor spool can take it. */
  add(event: ServeEvent): Promise<void>;
  /** Writes what the spool holds; faults are told, and what is left stays there. */
  replay(): Promise<void>;
}

interface Waiting {
  readonly event: ServeEvent;
  readonly resolve: () => void;
  readonly reject: (error: unknown) => void;
}

const batchMax = 256;
/** Between attempts to write to a store that failed. */
const retryMs = 1000;

/** A log before a store. */
export function eventLog(of: {
  readonly store: Pick<Store, 'addEvents'>;
  readonly spool: Spool;
  readonly onFault: (error: unknown) => void;
}): EventLog {
  const { store, spool, onFault } = of;
  const queue: Waiting[] = [];
  let writing = false;
  let failedMs = Number.NEGATIVE_INFINITY;
  const replay = async (): Promise<void> => {
    try {
      await spool.drain((events) => store.addEvents(events));
    } catch (error) {
      onFault(error);
    }
  };
  const keep = async (events: readonly ServeEvent[]): Promise<void> => {
    if (performance.now() - failedMs >= retryMs) {
      try {
        await store.addEvents(events);
        failedMs = Number.NEGATIVE_INFINITY;
        if (spool.holds()) await replay();
        return;
      } catch (error) {
        failedMs = performance.now();
        onFault(error);
      }
    }
    await spool.append(events);
  };
  const write = async (): Promise<void> => {
    writing = true;
    while (queue.length > 0) {
      const batch = queue.splice(0, batchMax);
      try {
        await keep(batch.map(({ event }) => event));
        for (const { resolve } of batch) resolve();
      } catch (error) {
        for (const { reject } of batch) reject(error);
      }
    }
    writing = false;
  };
  return {
    replay,
    add: (event) =>
      new Promise((resolve, reject) => {
        queue.push({ event, resolve, reject });
        // After what else has come in this turn of the loop.
        if (!writing) setImmediate(() => writing || void write());
      }),
  };
}
