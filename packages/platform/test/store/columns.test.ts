/** PostgreSQL as a server that others run: what they read, and what they can move about. */
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import { sql } from 'kysely';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeCertificate, openssl } from '../../../vault/test/sign/certificates.ts';
import { plainColumns, sealedColumns } from '../../src/store/columns.ts';
import type { OpenDatabase } from '../../src/store/open.ts';
import { openPostgres } from '../../src/store/postgres.ts';
import { type PostgresServer, postgresPrograms, startPostgres } from '../support/postgres.ts';

const key = new Uint8Array(32).fill(9);
const programs = postgresPrograms();
if (programs === null) console.warn('skipped: PostgreSQL server programs are not installed');

describe('sealed columns', () => {
  const columns = sealedColumns(key);
  const place = { column: 'incidents/detail', row: 'a' };
  it('open in their place alone', () => {
    const sealed = columns.seal(place, 'what happened');
    expect(sealed).not.toBe(columns.seal(place, 'what happened'));
    expect(columns.open(place, sealed)).toBe('what happened');
    const refusal = expect.objectContaining({ code: 'cannot-open' });
    for (const other of [
      { ...place, row: 'b' },
      { ...place, column: 'alerts/detail' },
    ]) {
      expect(() => columns.open(other, sealed)).toThrow(refusal);
    }
    for (const text of ['', 'clear words', '{"a":1}', sealed.slice(0, -4)]) {
      expect(() => columns.open(place, text)).toThrow(refusal);
    }
    expect(() => sealedColumns(new Uint8Array(32)).open(place, sealed)).toThrow(refusal);
    expect(plainColumns.open(place, 'clear')).toBe('clear');
  });
});

describe.skipIf(programs === null)('a database server', () => {
  let server: PostgresServer;
  let database: OpenDatabase;
  beforeAll(async () => {
    server = await startPostgres(programs ?? '');
    database = await openPostgres(server.url, { columnKey: key });
  });
  afterAll(async () => {
    await database?.store.close();
    await server?.stop();
  });
  it('may end a connection that nobody uses: the next question makes a new one', async () => {
    const { promise, resolve } = Promise.withResolvers<Error>();
    const own = await openPostgres(server.url, {
      columnKey: key,
      connectionsMax: 1,
      onLost: resolve,
    });
    const process = async (): Promise<number | undefined> =>
      (await sql<{ pid: number }>`select pg_backend_pid() as "pid"`.execute(own.db)).rows[0]?.pid;
    const before = await process();
    await sql`select pg_terminate_backend(${before})`.execute(database.db);
    expect((await promise).message).toMatch(/terminating connection/);
    expect(await process()).not.toBe(before);
    await own.store.close();
  });
  const base = { workspaceId: 'w', versionId: 'v', at: '2026-01-01T00:00:00Z' };
  const event = (id: string, text: string) => ({
    ...base,
    id,
    deploymentId: 'd',
    keyId: null,
    decision: 'answered' as const,
    reason: '',
    rows: 1,
    latencyMs: 1,
    labels: [1],
    input: utf8(text),
  });

  it('sees no payload, and a value moved to another row does not open', async () => {
    const { store, db } = database;
    await store.addEvents([event('e1', 'salary 1000'), event('e2', 'salary 9999')]);
    const [row] = await db.selectFrom('events').select('input').where('id', '=', 'e1').execute();
    expect(Buffer.from(row?.input ?? []).includes('salary')).toBe(false);
    const read = await store.events({ versionId: 'v', limit: 10 });
    expect(read.map(({ input }) => Buffer.from(input ?? []).toString())).toEqual([
      'salary 9999',
      'salary 1000',
    ]);
    const other = sql`(select "input" from "events" where "id" = 'e2')`;
    await sql`update "events" set "input" = ${other} where "id" = 'e1'`.execute(db);
    const moved = store.events({ versionId: 'v', limit: 10 });
    await expect(moved).rejects.toMatchObject({ code: 'cannot-open' });
  });

  it('elsewhere is reached by verified TLS only', async () => {
    const options = { columnKey: key };
    for (const mode of ['disable', 'allow', 'prefer', 'require', 'no-verify']) {
      const opening = openPostgres(`postgres://m@db.example/m?sslmode=${mode}`, options);
      await expect(opening).rejects.toMatchObject({ code: 'unsafe' });
    }
    await expect(openPostgres('nonsense', options)).rejects.toMatchObject({ code: 'bad-request' });
  });
});

const testTls = programs !== null && openssl !== null;
describe.skipIf(!testTls)('a database server with TLS', () => {
  it('is taken with its certificate, and refused with another', { timeout: 60_000 }, async () => {
    const folder = mkdtempSync(join(tmpdir(), 'merlon-tls-'));
    const authority = ['basicConstraints=critical,CA:TRUE', 'keyUsage=critical,keyCertSign'];
    makeCertificate(folder, { name: 'ca', extensions: authority });
    makeCertificate(folder, { name: 'stranger', extensions: authority });
    const names = ['subjectAltName=DNS:localhost', 'extendedKeyUsage=serverAuth'];
    makeCertificate(folder, { name: 'server', issuer: 'ca', extensions: names });
    const at = (name: string): string => join(folder, name);
    chmodSync(at('server.key'), 0o600);
    chmodSync(folder, 0o755);
    const server = await startPostgres(programs ?? '', {
      tls: { certificate: at('server.pem'), key: at('server.key') },
    });
    const address = (root: string): string =>
      `postgres://merlon@localhost:${server.port}/postgres?sslmode=verify-full&sslrootcert=${at(root)}`;
    const database = await openPostgres(address('ca.pem'), { columnKey: key });
    const { rows } = await sql<{ ssl: boolean }>`
      select "ssl" from pg_stat_ssl where "pid" = pg_backend_pid()`.execute(database.db);
    expect(rows).toEqual([{ ssl: true }]);
    await database.store.close();
    await expect(openPostgres(address('stranger.pem'), { columnKey: key })).rejects.toThrow(
      /certificate/,
    );
    await server.stop();
    rmSync(folder, { recursive: true, force: true });
  });
});
