import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openPostgres } from '../../src/store/postgres.ts';
import { openSqlite } from '../../src/store/sqlite.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';
import { storeSuite } from './suite.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-store-'));
const key = new Uint8Array(32).fill(7);
const programs = postgresPrograms();
let server: PostgresServer | null = null;

beforeAll(async () => {
  if (programs !== null) server = await startPostgres(programs);
});
afterAll(async () => {
  await server?.stop();
  rmSync(folder, { recursive: true, force: true });
});

storeSuite('libsql', async () => (await openSqlite(join(folder, 'suite.db'), key)).store);
if (programs === null) console.warn('skipped: PostgreSQL server programs are not installed');
describe.skipIf(programs === null)('PostgreSQL', () => {
  storeSuite(
    'PostgreSQL',
    async () => (await openPostgres(server?.url ?? '', { columnKey: key })).store,
  );
});

describe('the embedded database', () => {
  it('is encrypted at rest and opens with its own key only', async () => {
    const path = join(folder, 'secret.db');
    const { store } = await openSqlite(path, key);
    await store.setMeta('plain', 'correct horse battery staple');
    const wal = readFileSync(`${path}-wal`);
    await store.close();
    for (const bytes of [readFileSync(path), wal]) {
      expect(bytes.includes('correct horse')).toBe(false);
      expect(bytes.includes('merlonMigrations')).toBe(false);
    }
    await expect(openSqlite(path, new Uint8Array(32))).rejects.toMatchObject({
      code: 'wrong-passphrase',
    });
    const again = await openSqlite(path, key);
    expect(await again.store.meta('plain')).toBe('correct horse battery staple');
    await again.store.close();
  });

  it('brings a home up to date that was written before findings were followed', async () => {
    const path = join(folder, 'older.db');
    const { store, db } = await openSqlite(path, key);
    for (const column of ['trackId', 'digest', 'goneAt']) {
      await db.schema.alterTable('findings').dropColumn(column).execute();
    }
    await db.schema.alterTable('findings').addColumn('state', 'text').execute();
    await db.schema.dropTable('tracks').execute();
    await db.schema.dropTable('notices').execute();
    const gone = { id: 'gone', workspaceId: 'w', artifactId: 'a', number: 1, state: 'retired' };
    const rest = { digest: 'd', broughtBy: 'p', createdAt: 'c', bytes: 1, parentId: null };
    for (const index of ['versionFilesByblob', 'versionFilesBydigest']) {
      await db.schema.dropIndex(index).execute();
    }
    await db.schema.alterTable('versionFiles').dropColumn('header').execute();
    for (const column of ['retainUntil', 'destroyedAt']) {
      await db.schema.alterTable('versions').dropColumn(column).execute();
    }
    await db
      .insertInto('versions')
      .values({ ...gone, ...rest } as never)
      .execute();
    await db
      .insertInto('versionFiles')
      .values({
        versionId: 'gone',
        path: 'a',
        digest: 'd',
        bytes: 1,
        blob: 'b',
        keyId: 'k',
      } as never)
      .execute();
    await store.addWrappedKey({
      ...{ id: 'k', workspaceId: 'w', purpose: 'version', publicKey: '', wrappedBy: null },
      ...{ wrapped: new Uint8Array(0), createdAt: 'c', destroyedAt: '2026-11-02T00:00:00Z' },
    });
    const [frame, row] = ['merlonMigrations', { id: 'old', versionId: 'v', state: 'open' }];
    const old = { rule: 'MRL-PKL-001', severity: 'high', createdAt: '2026-11-01T00:00:00Z' };
    const body = JSON.stringify({ rule: 'MRL-PKL-001', severity: 'high', title: 'calls' });
    await db
      .deleteFrom(frame as never)
      .where('name' as never, '>=', '0003' as never)
      .execute();
    await db
      .insertInto('findings')
      .values({ ...row, ...old, body } as never)
      .execute();
    await store.close();
    const again = await openSqlite(path, key);
    expect(await again.store.sightings('v')).toEqual([
      {
        ...{ id: 'old', versionId: 'v', trackId: null, digest: null, goneAt: null, ...old },
        title: 'calls',
      },
    ]);
    expect(await again.store.version('gone')).toMatchObject({
      ...{ state: 'retired', retainUntil: null, destroyedAt: '2026-11-02T00:00:00Z' },
    });
    expect(await again.store.allFiles()).toEqual([]);
    await again.store.close();
  });

  it('refuses a home of a newer version', async () => {
    const path = join(folder, 'newer.db');
    const { store, db } = await openSqlite(path, key);
    await db
      .insertInto('merlonMigrations' as never)
      .values({ name: '9999-future', timestamp: '2030-01-01' } as never)
      .execute();
    await store.close();
    await expect(openSqlite(path, key)).rejects.toMatchObject({
      code: 'newer-home',
      message: 'this home was written by a newer Merlon',
    });
  });
});
