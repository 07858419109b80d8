/** The key of the embedded database: changed while it is in use, and resumed after any death. */
import { cpSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openHome, readHomeFile, writeHomeFile } from '../src/home.ts';
import { databaseKeyOf } from '../src/keys/database-key.ts';
import { start } from '../src/main.ts';
import { openSqlite } from '../src/store/sqlite.ts';
import { freshHome, startTest, type TestPlatform } from './support/platform.ts';

let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTest();
}, 60_000);
afterAll(() => platform.close());

describe('rekey', () => {
  it('happens while requests come, and the old key opens nothing', async () => {
    const { client } = await platform.person('owner');
    const { store } = platform.running.platform.services;
    const rekeyed = client.ask('POST', '/api/v1/database/rekey');
    const writes = Array.from({ length: 20 }, (_, i) => store.setMeta(`during/${i}`, String(i)));
    expect(await rekeyed).toEqual({ databaseKey: 1 });
    await Promise.all(writes);
    expect(await store.meta('during/19')).toBe('19');
    const { rootKey, databasePath } = platform.running.home;
    const copy = freshHome();
    cpSync(databasePath, join(copy, 'merlon.db'));
    for (const [number, opens] of [
      [0, false],
      [1, true],
    ] as const) {
      const opening = openSqlite(join(copy, 'merlon.db'), await databaseKeyOf(rootKey, number));
      if (opens) await (await opening).store.close();
      else await expect(opening).rejects.toMatchObject({ code: 'wrong-passphrase' });
    }
    rmSync(copy, { recursive: true });
  });

  it('is resumed, whether the process died before or after the change', async () => {
    for (const died of ['before', 'after'] as const) {
      const made = freshHome();
      const first = await start({ home: made, port: 0, onFault: () => undefined });
      await first.platform.services.store.setMeta('kept', died);
      await first.close();
      // The library lets go of files late; a copy is what the next process would find.
      const home = freshHome();
      cpSync(made, home, { recursive: true, filter: (path) => !path.endsWith('.sock') });
      rmSync(made, { recursive: true });
      const { rootKey, databasePath } = await openHome(home);
      writeHomeFile(home, { ...readHomeFile(home), databaseKeyNext: 1 });
      if (died === 'after') {
        const beside = join(home, 'beside.db');
        cpSync(databasePath, beside);
        const database = await openSqlite(beside, await databaseKeyOf(rootKey, 0));
        await database.rekey?.(await databaseKeyOf(rootKey, 1));
        await database.store.close();
        cpSync(beside, databasePath);
      }
      const again = await start({ home, port: 0, onFault: () => undefined });
      expect(await again.platform.services.store.meta('kept')).toBe(died);
      await again.close();
      expect(readHomeFile(home)).toMatchObject({ databaseKey: 1, databaseKeyNext: null });
      expect(readFileSync(databasePath).includes('merlonMigrations')).toBe(false);
      rmSync(home, { recursive: true });
    }
  });
});
