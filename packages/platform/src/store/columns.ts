/**
 * Columns that tell of people, payloads or evidence, where the database is a server that others
 * run: each value is sealed under a key of its own row and bound to its place, so that one that was
 * moved to another row or column does not open.
 */
import { base64, fromBase64, fromUtf8, utf8, wipe } from '@merlon/core';
import { unwrapKey, wrapKey } from '@merlon/vault';

/** Where a value stands: `table/column`, and the id of its row. */
export interface Place {
  readonly column: string;
  readonly row: string;
}

/** Turns values into what is stored, and back. */
export interface Columns {
  seal(place: Place, text: string): string;
  /** Throws `cannot-open` for a value that is not the one sealed for this place. */
  open(place: Place, stored: string): string;
  sealBytes(place: Place, bytes: Uint8Array): Uint8Array;
  openBytes(place: Place, stored: Uint8Array): Uint8Array;
}

/** For the embedded database, all of which is encrypted. */
export const plainColumns: Columns = {
  seal: (_, text) => text,
  open: (_, stored) => stored,
  sealBytes: (_, bytes) => bytes,
  openBytes: (_, stored) => stored,
};

/** Sealed under a key; each value has a data key of its own, from 32 random bytes beside it. */
export function sealedColumns(key: Uint8Array): Columns {
  const context = ({ column, row }: Place): string => `column/${column}/${row}`;
  const sealBytes: Columns['sealBytes'] = (place, bytes) => wrapKey(key, bytes, context(place));
  const openBytes: Columns['openBytes'] = (place, stored) => unwrapKey(key, stored, context(place));
  return {
    sealBytes,
    openBytes,
    seal: (place, text) => {
      const bytes = utf8(text);
      const sealed = base64(sealBytes(place, bytes));
      wipe(bytes);
      return sealed;
    },
    open: (place, stored) => {
      // What is no base64 was never sealed; it is refused like anything else that is not ours.
      const sealed = /^[A-Za-z0-9+/]+={0,2}$/.test(stored) ? fromBase64(stored) : new Uint8Array();
      return fromUtf8(openBytes(place, sealed));
    },
  };
}
