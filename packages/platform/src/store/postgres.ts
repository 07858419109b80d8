/** The database at scale: PostgreSQL through pg; the same migrations and the same suite. */
import { Kysely, PostgresDialect } from 'kysely';
import pg from 'pg';
import { PlatformError } from '../errors.ts';
import { sealedColumns } from './columns.ts';
import { migrate } from './migrations.ts';
import { type OpenDatabase, openStore } from './open.ts';
import type { Schema } from './schema.ts';

const int8 = 20;

/** How to connect. */
export interface PostgresOptions {
  /** Seals what tells of people, payloads and evidence. */
  readonly columnKey: Uint8Array;
  readonly connectionsMax?: number;
  /** Told of connections that the server ended while nothing was asked. */
  readonly onLost?: (error: Error) => void;
}

/**
 * Connects and brings the schema up to date; `url` is a `postgres://` address. Anything but the
 * machine itself is reached by TLS with a verified certificate only; throws `unsafe` otherwise.
 */
export async function openPostgres(url: string, options: PostgresOptions): Promise<OpenDatabase> {
  const { connectionsMax = 8, columnKey } = options;
  const pool = new pg.Pool({
    connectionString: withTls(url),
    max: connectionsMax,
    // Sizes and counts stay far below 2^53, so numbers are exact.
    types: {
      getTypeParser: ((oid: number, format: 'text' | 'binary') =>
        oid === int8 && format !== 'binary'
          ? Number
          : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
    },
  });
  // A server that restarts ends idle connections too. The pool drops them, and whatever is asked
  // next connects anew or tells its own error; unheard, this one would end the process.
  pool.on('error', options.onLost ?? (() => undefined));
  const db = new Kysely<Schema>({ dialect: new PostgresDialect({ pool }) });
  await migrate(db, 'postgres');
  const store = openStore(db, sealedColumns(columnKey));
  return { store, db, dialect: 'postgres', rekey: null };
}

/** The address with full verification where the server is another machine. */
function withTls(text: string): string {
  // A socket of this machine: a path is no host, so such addresses are no URLs.
  if (/^postgres(ql)?:\/\/.*[?&]host=(\/|%2F)/i.test(text)) return text;
  if (!URL.canParse(text)) {
    throw new PlatformError('bad-request', 'expected postgres://… as address of the database', {
      hint: 'such as postgres://merlon@db.example:5432/merlon?sslrootcert=/etc/ca.pem',
    });
  }
  const url = new URL(text);
  if (['localhost', '127.0.0.1', '[::1]'].includes(url.hostname)) return text;
  const mode = url.searchParams.get('sslmode') ?? 'verify-full';
  if (mode !== 'verify-full') {
    throw new PlatformError('unsafe', `the database expected TLS with verify-full, got "${mode}"`, {
      hint: 'leave sslmode out, and name the authority with sslrootcert=FILE',
    });
  }
  url.searchParams.set('sslmode', mode);
  return url.href;
}
