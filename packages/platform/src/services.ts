/** What every step of the journey is given: interfaces only, joined in `main.ts`. */
import type { Clock } from '@merlon/core';
import type { BlobStore } from './blob/blob.ts';
import type { Bus } from './bus/bus.ts';
import type { ConfinedWorker, ConfineLimits } from './confine/worker.ts';
import type { Keyring } from './keys/keyring.ts';
import type { Ledger } from './ledger/ledger.ts';
import type { Outbox } from './notify/outbox.ts';
import type { Store } from './store/store.ts';

/** The platform's inner services. */
export interface Services {
  readonly store: Store;
  readonly blobs: BlobStore;
  readonly keys: Keyring;
  readonly ledger: Ledger;
  readonly bus: Bus;
  readonly outbox: Outbox;
  readonly clock: Clock;
  readonly startWorker: (limits?: Partial<ConfineLimits>) => ConfinedWorker;
}
