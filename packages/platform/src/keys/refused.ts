/**
 * Objects that did not open: whoever asked learns one thing, the ledger learns which of the two it
 * was. A key that opens nothing points at a swapped object, damage at a disk.
 */

import type { Ledger } from '../ledger/ledger.ts';
import { platformActor } from '../people/people.ts';
import type { Store } from '../store/store.ts';
import type { KeyringParts } from './keyring.ts';

/** Writes each of them down as `object.wrong-key` or `object.damaged`. */
export function refusalsTo(ledger: Ledger, store: Store): NonNullable<KeyringParts['onRefused']> {
  return async (file, fault) => {
    const workspaceId = (await store.version(file.versionId))?.workspaceId ?? '';
    await ledger.record(platformActor(workspaceId), {
      action: `object.${fault}`,
      resource: `version/${file.versionId}`,
      detail: { path: file.path.slice(0, 200), object: file.blob },
    });
  };
}
