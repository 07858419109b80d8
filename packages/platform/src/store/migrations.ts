/** The database from nothing to now, the same steps on SQLite and PostgreSQL. */
import { type ColumnDataType, type Kysely, sql } from 'kysely';
import { type Migration, Migrator } from 'kysely/migration';
import { PlatformError } from '../errors.ts';
import type { Schema } from './schema.ts';

/** What differs between the databases. */
export type Dialect = 'sqlite' | 'postgres';

type Column = readonly [name: string, type: ColumnDataType, ...flags: ('null' | 'key')[]];

interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  readonly unique?: readonly (readonly string[])[];
  readonly indexes?: readonly (readonly string[])[];
}

/** Who may do what, and with which key. */
const accessTables = (binary: ColumnDataType): readonly Table[] => [
  {
    name: 'meta',
    columns: [
      ['key', 'text', 'key'],
      ['value', 'text'],
    ],
  },
  { name: 'workspaces', columns: texts('id*', 'name', 'createdAt'), unique: [['name']] },
  {
    name: 'members',
    columns: texts('userId', 'workspaceId', 'role'),
    unique: [['userId', 'workspaceId']],
  },
  {
    name: 'invites',
    columns: texts('id*', 'workspaceId', 'role', 'tokenHash', 'expiresAt', 'usedAt?', 'createdBy'),
    unique: [['tokenHash']],
  },
  {
    name: 'apiKeys',
    columns: [
      ...texts('id*', 'workspaceId', 'name', 'scope', 'role', 'prefix', 'hash', 'createdBy'),
      ...texts('createdAt', 'revokedAt?', 'revokedWhy?'),
      ['budgetRows', 'integer'],
    ],
    unique: [['hash']],
  },
  {
    name: 'wrappedKeys',
    columns: [
      ...texts('id*', 'workspaceId', 'purpose', 'publicKey', 'createdAt', 'destroyedAt?'),
      ['wrapped', binary],
    ],
  },
  { name: 'tours', columns: texts('id*', 'state', 'updatedAt') },
];

/** What came in and where it stands. */
const artifactTables = (binary: ColumnDataType): readonly Table[] => [
  {
    name: 'artifacts',
    columns: texts('id*', 'workspaceId', 'kind', 'name', 'createdBy', 'createdAt'),
    unique: [['workspaceId', 'kind', 'name']],
  },
  {
    name: 'versions',
    columns: [
      ...texts('id*', 'workspaceId', 'artifactId', 'parentId?', 'state', 'digest?', 'broughtBy'),
      ['createdAt', 'text'],
      ['number', 'integer'],
      ['bytes', 'bigint'],
    ],
    unique: [['artifactId', 'number']],
  },
  {
    name: 'versionFiles',
    columns: [...texts('versionId', 'path', 'digest', 'blob', 'keyId'), ['bytes', 'bigint']],
    unique: [['versionId', 'path']],
  },
  {
    name: 'dataLinks',
    columns: texts('versionId', 'dataVersionId', 'use'),
    unique: [['versionId', 'use']],
  },
  {
    name: 'steps',
    columns: texts('versionId', 'step', 'state', 'startedAt', 'finishedAt?', 'result'),
    unique: [['versionId', 'step']],
  },
  {
    name: 'jobs',
    columns: [
      ...texts('id*', 'workspaceId', 'versionId', 'kind', 'state', 'input', 'progress', 'error?'),
      ...texts('owner?', 'createdBy', 'createdAt', 'finishedAt?'),
      ['attempts', 'integer'],
    ],
    indexes: [['state'], ['versionId']],
  },
  {
    name: 'findings',
    columns: texts('id*', 'versionId', 'state', 'rule', 'severity', 'createdAt', 'body'),
    indexes: [['versionId']],
  },
  {
    name: 'pictures',
    columns: [...texts('versionId', 'name', 'caption'), ['png', binary]],
    unique: [['versionId', 'name']],
  },
  {
    name: 'approvals',
    columns: texts('id*', 'versionId', 'userId', 'userName', 'comment', 'at'),
    unique: [['versionId', 'userId']],
  },
];

/** What happened to served models, and the ledger. */
const watchTables = (binary: ColumnDataType): readonly Table[] => [
  {
    name: 'deployments',
    columns: texts('id*', 'workspaceId', 'name', 'versionId', 'guards', 'state', 'startedAt'),
    indexes: [['name']],
  },
  {
    name: 'alerts',
    columns: [
      ...texts('id*', 'workspaceId', 'versionId', 'deploymentId', 'keyId?', 'detector', 'at'),
      ...texts('detail', 'incidentId?'),
      ['statistic', 'double precision'],
      ['threshold', 'double precision'],
    ],
    indexes: [['versionId']],
  },
  {
    name: 'incidents',
    columns: [
      ...texts('id*', 'workspaceId', 'versionId', 'title', 'severity', 'technique', 'state'),
      ...texts('startedAt', 'detectedAt', 'containedAt?', 'closedAt?', 'detail'),
    ],
  },
  {
    name: 'timeline',
    columns: texts('id*', 'incidentId', 'at', 'kind', 'text', 'detail'),
    indexes: [['incidentId']],
  },
  { name: 'shares', columns: texts('id*', 'incidentId', 'tlp', 'bundle', 'at') },
  {
    name: 'ledgerEntries',
    columns: [
      ['index', 'integer', 'key'],
      ['leaf', 'text'],
    ],
  },
  {
    name: 'ledgerHashes',
    columns: [
      ['index', 'integer', 'key'],
      ['hash', binary],
    ],
  },
  {
    name: 'ledgerCheckpoints',
    columns: [
      ['size', 'integer', 'key'],
      ['text', 'text'],
    ],
  },
];

/** Migrations by name; names sort in the order in which they run. */
function migrations(dialect: Dialect): Record<string, Migration> {
  return {
    '0001-frame': {
      up: async (db: Kysely<unknown>) => {
        const binary = dialect === 'sqlite' ? 'blob' : 'bytea';
        for (const tables of [accessTables, artifactTables, watchTables]) {
          for (const table of tables(binary)) await createTable(db, table);
        }
        await createEvents(db, dialect);
      },
    },
    '0002-workspace-keys': {
      up: async (db: Kysely<unknown>) => {
        await db.schema.alterTable('wrappedKeys').addColumn('wrappedBy', 'text').execute();
      },
    },
    '0003-tracked-findings': {
      up: async (db: Kysely<unknown>) => {
        for (const column of ['trackId', 'digest', 'goneAt']) {
          await db.schema.alterTable('findings').addColumn(column, 'text').execute();
        }
        await db.schema.alterTable('findings').dropColumn('state').execute();
        await createTable(db, {
          name: 'tracks',
          columns: [
            ...texts('id*', 'workspaceId', 'artifactId', 'key', 'source', 'rule', 'severity'),
            ...texts('versionId', 'state', 'resolvedIn?', 'acceptance?', 'createdAt', 'changedAt'),
          ],
          unique: [['artifactId', 'key']],
        });
      },
    },
    '0004-shared-objects': {
      up: async (db: Kysely<unknown>) => {
        await db.schema.alterTable('versionFiles').addColumn('header', 'text').execute();
        for (const column of ['retainUntil', 'destroyedAt']) {
          await db.schema.alterTable('versions').addColumn(column, 'text').execute();
        }
        // Before, destruction was seen at the keys alone.
        await sql`update "versions" set "destroyedAt" = (
          select max("wrappedKeys"."destroyedAt") from "versionFiles"
          join "wrappedKeys" on "wrappedKeys"."id" = "versionFiles"."keyId"
          where "versionFiles"."versionId" = "versions"."id"
        ) where "state" = 'retired'`.execute(db);
        for (const column of ['blob', 'digest']) {
          const index = db.schema.createIndex(`versionFilesBy${column}`).on('versionFiles');
          await index.columns([column]).execute();
        }
      },
    },
    '0005-notices': {
      up: async (db: Kysely<unknown>) => {
        await createTable(db, {
          name: 'notices',
          columns: [
            ...texts('id*', 'workspaceId', 'incidentId', 'channel', 'event', 'dueAt', 'createdAt'),
            ['attempts', 'integer'],
          ],
          unique: [['incidentId', 'channel', 'event']],
        });
      },
    },
  };
}

/** Brings the database up to date; refuses one that a newer Merlon has written. */
export async function migrate(db: Kysely<Schema>, dialect: Dialect): Promise<void> {
  const known = migrations(dialect);
  const migrator = new Migrator({
    db,
    provider: { getMigrations: async () => known },
    migrationTableName: 'merlonMigrations',
    migrationLockTableName: 'merlonMigrationLock',
  });
  const { error } = await migrator.migrateToLatest();
  if (error === undefined) return;
  if (String(error).includes('previously executed migration')) {
    throw new PlatformError('newer-home', 'this home was written by a newer Merlon', {
      hint: 'start the newer version, or restore a backup into another --home',
      cause: error,
    });
  }
  throw error;
}

/** `id*` is the primary key, `x?` may be null, all others are required texts. */
function texts(...names: readonly string[]): Column[] {
  return names.map((name): Column => {
    if (name.endsWith('*')) return [name.slice(0, -1), 'text', 'key'];
    if (name.endsWith('?')) return [name.slice(0, -1), 'text', 'null'];
    return [name, 'text'];
  });
}

async function createTable(db: Kysely<unknown>, table: Table): Promise<void> {
  let builder = db.schema.createTable(table.name);
  for (const [name, type, flag] of table.columns) {
    builder = builder.addColumn(name, type, (column) => {
      if (flag === 'key') return column.primaryKey();
      return flag === 'null' ? column : column.notNull();
    });
  }
  for (const columns of table.unique ?? []) {
    const name = `${table.name}Unique${columns.join('')}`;
    builder = builder.addUniqueConstraint(name, columns as never);
  }
  await builder.execute();
  for (const columns of table.indexes ?? []) {
    await db.schema
      .createIndex(`${table.name}By${columns.join('')}`)
      .on(table.name)
      .columns([...columns])
      .execute();
  }
}

/** Events count themselves, so that readers can follow them in order. */
async function createEvents(db: Kysely<unknown>, dialect: Dialect): Promise<void> {
  const sequence = sql.raw(
    dialect === 'sqlite' ? 'integer primary key autoincrement' : 'bigserial primary key',
  );
  const binary = sql.raw(dialect === 'sqlite' ? 'blob' : 'bytea');
  await sql`create table "events" (
    "seq" ${sequence}, "id" text not null unique, "workspaceId" text not null,
    "deploymentId" text not null, "versionId" text not null, "keyId" text, "at" text not null,
    "decision" text not null, "reason" text not null, "rows" integer not null,
    "latencyMs" double precision not null, "labels" text not null, "input" ${binary}
  )`.execute(db);
  await sql`create index "eventsByVersion" on "events" ("versionId", "seq")`.execute(db);
  await sql`create index "eventsByKey" on "events" ("keyId", "at")`.execute(db);
}
