/** Rows of the ledger in SQL. */
import type { Kysely } from 'kysely';
import { PlatformError } from '../errors.ts';
import { binary } from './row.ts';
import type { Schema } from './schema.ts';
import type { LedgerStore } from './store.ts';

/** The part of the store that keeps the ledger's leaves, hashes and checkpoints. */
export function ledgerStore(db: Kysely<Schema>): LedgerStore {
  return {
    ledgerSize: async () => {
      const row = await db
        .selectFrom('ledgerEntries')
        .select(({ fn }) => fn.max('index').as('last'))
        .executeTakeFirst();
      return row === undefined || row.last === null ? 0 : Number(row.last) + 1;
    },
    addLedgerEntries: async (entries) => {
      await db
        .insertInto('ledgerEntries')
        .values([...entries])
        .execute();
    },
    ledgerEntries: (from, limit) =>
      db
        .selectFrom('ledgerEntries')
        .selectAll()
        .where('index', '>=', from)
        .orderBy('index')
        .limit(limit)
        .execute(),
    putLedgerHashes: async (start, hashes) => {
      const rows = hashes.map((hash, i) => ({ index: start + i, hash }));
      await db.insertInto('ledgerHashes').values(rows).execute();
    },
    ledgerHashes: async (indexes) => {
      if (indexes.length === 0) return [];
      const rows = await db
        .selectFrom('ledgerHashes')
        .selectAll()
        .where('index', 'in', [...indexes])
        .execute();
      const byIndex = new Map(rows.map((row) => [Number(row.index), binary(row.hash)]));
      return indexes.map((index) => {
        const hash = byIndex.get(index);
        if (hash === undefined) {
          throw new PlatformError('internal', `ledger hash ${index} is missing`);
        }
        return hash;
      });
    },
    putCheckpoint: async (size, text) => {
      await db
        .insertInto('ledgerCheckpoints')
        .values({ size, text })
        .onConflict((conflict) => conflict.column('size').doUpdateSet({ text }))
        .execute();
    },
    latestCheckpoint: async () => {
      const row = await db
        .selectFrom('ledgerCheckpoints')
        .selectAll()
        .orderBy('size', 'desc')
        .executeTakeFirst();
      return row ?? null;
    },
  };
}
