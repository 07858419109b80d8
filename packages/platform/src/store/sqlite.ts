/** The embedded database: libsql with encryption at rest (AES-256, key of 32 bytes). */
import { existsSync } from 'node:fs';
import { hex, messageOf } from '@merlon/core';
import { Kysely, SqliteDialect } from 'kysely';
import Database from 'libsql';
import { PlatformError } from '../errors.ts';
import { migrate } from './migrations.ts';
import { type OpenDatabase, openStore } from './open.ts';
import type { Schema } from './schema.ts';

/**
 * Opens (or makes) the encrypted database file. WAL keeps readers and the writer apart; a killed
 * process loses nothing that was committed. Throws `wrong-passphrase` when the key does not fit.
 */
export async function openSqlite(path: string, key: Uint8Array): Promise<OpenDatabase> {
  const existed = existsSync(path);
  const options = { encryptionCipher: 'aes256cbc', encryptionKey: hex(key) };
  let database: Database.Database;
  try {
    database = new Database(path, options as Database.Options);
    database.pragma('journal_mode = WAL');
    database.pragma('synchronous = NORMAL');
    database.pragma('foreign_keys = ON');
    // What is overwritten or deleted, destroyed keys above all, leaves no trace in free pages.
    database.pragma('secure_delete = ON');
  } catch (cause) {
    throw openFault(path, existed, cause);
  }
  // Kysely asks for the better-sqlite3 interface, which libsql keeps apart from its own typing.
  const dialect = new SqliteDialect({ database: database as never });
  const db = new Kysely<Schema>({ dialect });
  await migrate(db, 'sqlite');
  // The connection is asked for, so that nothing else is in the middle of a transaction.
  const rekey = (next: Uint8Array): Promise<void> =>
    db.connection().execute(async () => changeKey(database, next));
  return { store: openStore(db), db, dialect: 'sqlite', rekey };
}

/** Pages are encrypted one by one under a rollback journal: a killed process undoes all of it. */
function changeKey(database: Database.Database, key: Uint8Array): void {
  try {
    database.pragma('journal_mode = DELETE');
  } catch (cause) {
    throw new PlatformError('unavailable', 'the database is in use by another process', {
      hint: 'wait until a running backup has ended, then try again',
      cause,
    });
  }
  try {
    database.exec(`PRAGMA rekey = '${hex(key)}'`);
  } finally {
    database.pragma('journal_mode = WAL');
  }
}

/** Writes a copy of a database as it is now, under the same key, while others may use it. */
export async function snapshotSqlite(path: string, key: Uint8Array, to: string): Promise<void> {
  const options = { encryptionCipher: 'aes256cbc', encryptionKey: hex(key) };
  let database: Database.Database | undefined;
  try {
    database = new Database(path, options as Database.Options);
    database.prepare('vacuum into ?').run(to);
  } catch (cause) {
    throw openFault(path, true, cause);
  } finally {
    database?.close();
  }
}

function openFault(path: string, existed: boolean, cause: unknown): PlatformError {
  const message = messageOf(cause);
  if (existed && /not a database|NOTADB/i.test(message)) {
    return new PlatformError('wrong-passphrase', 'the root key does not open this home', {
      hint: 'give the passphrase or key file that this home was made with',
      cause,
    });
  }
  return new PlatformError('home-unusable', `cannot open the database "${path}": ${message}`, {
    hint: 'check that the folder is writable and the disk is not full',
    cause,
  });
}
