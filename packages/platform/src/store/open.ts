/** A store over any Kysely database; the adapters only say how to connect. */
import type { Kysely } from 'kysely';
import { accessStore } from './access.ts';
import { artifactStore } from './artifacts.ts';
import { type Columns, plainColumns } from './columns.ts';
import { ledgerStore } from './ledger.ts';
import { noticeStore } from './notices.ts';
import type { Schema } from './schema.ts';
import type { Store } from './store.ts';
import { watchStore } from './watch.ts';
import { workStore } from './work.ts';

/** An open database: the store and the query builder that identity shares with it. */
export interface OpenDatabase {
  readonly store: Store;
  readonly db: Kysely<Schema>;
  readonly dialect: 'sqlite' | 'postgres';
  /** Encrypts the whole database under another key; null where the server keeps it. */
  readonly rekey: ((key: Uint8Array) => Promise<void>) | null;
}

/** Joins the parts; a store inside a transaction runs nested transactions as part of its own. */
export function openStore(
  db: Kysely<Schema>,
  columns: Columns = plainColumns,
  insideTransaction = false,
): Store {
  return {
    ...artifactStore(db, columns),
    ...workStore(db),
    ...accessStore(db),
    ...watchStore(db, columns),
    ...noticeStore(db),
    ...ledgerStore(db),
    ...metaQueries(db),
    transaction: (work) =>
      insideTransaction
        ? work(openStore(db, columns, true))
        : db.transaction().execute((tx) => work(openStore(tx, columns, true))),
    close: () => db.destroy(),
  };
}

function metaQueries(
  db: Kysely<Schema>,
): Pick<Store, 'meta' | 'setMeta' | 'tourState' | 'setTourState'> {
  return {
    meta: async (key) => {
      const query = db.selectFrom('meta').select('value').where('key', '=', key);
      return (await query.executeTakeFirst())?.value ?? null;
    },
    setMeta: async (key, value) => {
      await db
        .insertInto('meta')
        .values({ key, value })
        .onConflict((conflict) => conflict.column('key').doUpdateSet({ value }))
        .execute();
    },
    tourState: async (id) => {
      const query = db.selectFrom('tours').select('state').where('id', '=', id);
      return (await query.executeTakeFirst())?.state ?? null;
    },
    setTourState: async (id, state, updatedAt) => {
      if (state === null) {
        await db.deleteFrom('tours').where('id', '=', id).execute();
        return;
      }
      await db
        .insertInto('tours')
        .values({ id, state, updatedAt })
        .onConflict((conflict) => conflict.column('id').doUpdateSet({ state, updatedAt }))
        .execute();
    },
  };
}
