/** The database at scale: PostgreSQL through pg; the same migrations and the same suite. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { migrate } from './migrations.ts';
import { type OpenDatabase, openStore } from './open.ts';
import type { Schema } from './schema.ts';

const int8 = 20;

/** Connects and brings the schema up to date; `url` is a `postgres://` address. */
export async function openPostgres(url: string, connectionsMax = 8): Promise<OpenDatabase> {
  const pool = new pg.Pool({
    connectionString: url,
    max: connectionsMax,
    // Sizes and counts stay far below 2^53, so numbers are exact.
    types: {
      getTypeParser: ((oid: number, format: 'text' | 'binary') =>
        oid === int8 && format !== 'binary'
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  await migrate(db, 'postgres');
  return { store: openStore(db), db, dialect: 'postgres', rekey: null };
}
