/** The ledger: proofs that an outsider verifies, witnesses, and edits by hand that are noticed. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromBase64, systemClock, utf8 } from '@merlon/core';
import {
  checkProof,
  checkTree,
  cosignCheckpoint,
  generateNoteKey,
  localProvider,
  openCheckpoint,
  readCosignatures,
  witnessKeyOf,
} from '@merlon/vault';
import { sql } from 'kysely';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findProgram, runProgram } from '../../vault/test/support.ts';
import { type Ledger, ledgerOrigin, openLedger } from '../src/ledger/ledger.ts';
import { platformActor } from '../src/people/people.ts';
import type { OpenDatabase } from '../src/store/open.ts';
import { openSqlite } from '../src/store/sqlite.ts';

const go = findProgram('go', 'GO');
if (go === null) console.warn('skipped: no "go" command on PATH or in GO');
const actor = platformActor('workspace');
const witness = generateNoteKey('witness.example/w1');
const witnessKey = witnessKeyOf(witness.signerKey);

let folder = '';
let database: OpenDatabase;
let ledger: Ledger;
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'merlon-ledger-'));
  database = await openSqlite(join(folder, 'l.db'), new Uint8Array(32).fill(1));
  const rootKey = localProvider('test', new Uint8Array(32).fill(2));
  const witnessKeys = [witnessKey];
  ledger = await openLedger({ store: database.store, rootKey, clock: systemClock, witnessKeys });
});
afterEach(async () => {
  await database.store.close();
  rmSync(folder, { recursive: true, force: true });
});

async function grow(by: number, at = 0): Promise<void> {
  const decisions = Array.from({ length: by }, (_, i) => {
    return { action: 'test', resource: `thing/${at + i}` };
  });
  await database.store.transaction((tx) => ledger.appendAll(tx, actor, decisions));
}

const alone = (i: number) => ({ action: 'test', resource: `thing/${i}` });

describe('decisions that stand alone', () => {
  it('share a checkpoint when they come together, and are there when told so', async () => {
    const first = ledger.record(actor, alone(0));
    await first;
    expect(await database.store.ledgerSize()).toBe(1);
    await Promise.all(Array.from({ length: 1200 }, (_, i) => ledger.record(actor, alone(i + 1))));
    expect(await ledger.verify()).toMatchObject({ valid: true, size: 1201 });
    const { rows } = await sql<{ n: number }>`SELECT count(*) AS n FROM ledgerCheckpoints`.execute(
      database.db,
    );
    expect(rows[0]?.n).toBe(4);
  });
  it('keep the order in which they came, beside transactions of others', async () => {
    const all = Array.from({ length: 30 }, (_, i) => ledger.record(actor, alone(i)));
    await Promise.all([...all, grow(3, 100), ledger.record(actor, alone(30))]);
    const entries = await database.store.ledgerEntries(0, 100);
    const own = entries
      .map(({ leaf }) => Number(/thing\/(\d+)/.exec(leaf)?.[1]))
      .filter((i) => i < 100);
    expect(own).toEqual(Array.from({ length: 31 }, (_, i) => i));
    expect(await ledger.verify()).toMatchObject({ valid: true, size: 34 });
  });
  it('that cannot be written are told to all who wait; the next ones are written', async () => {
    await sql`ALTER TABLE ledgerHashes RENAME TO away`.execute(database.db);
    const lost = await Promise.allSettled([0, 1, 2].map((i) => ledger.record(actor, alone(i))));
    expect(lost.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected']);
    await sql`ALTER TABLE away RENAME TO ledgerHashes`.execute(database.db);
    await ledger.record(actor, alone(3));
    expect(await ledger.verify()).toMatchObject({ valid: true, size: 1 });
  });
});

const log = () => ({ origin: ledgerOrigin, verifierKeys: [ledger.verifierKey] });

describe('proofs', () => {
  it('hold for every decision, alone or in batches, and for nothing else', async () => {
    for (const by of [1, 1, 7, 1, 20, 3]) await grow(by, await database.store.ledgerSize());
    const size = await database.store.ledgerSize();
    expect(await ledger.verify()).toMatchObject({ valid: true, size: 33 });
    for (let index = 0; index < size; index++) {
      const { leaf, proof } = await ledger.prove(index);
      expect(checkProof(proof, utf8(leaf), log()).size).toBe(size);
      expect(() => checkProof(proof, utf8(`${leaf} `), log())).toThrow('proof');
      const moved = proof.replace(`index ${index}`, `index ${(index + 1) % size}`);
      expect(() => checkProof(moved, utf8(leaf), log())).toThrow('proof');
    }
    await expect(ledger.prove(size)).rejects.toMatchObject({ code: 'not-found' });
  });

  it('show that a ledger only grew', async () => {
    await grow(5);
    const older = await database.store.latestCheckpoint();
    await grow(9, 5);
    const grown = await ledger.proveGrowth(5);
    const [a, b] = [older?.text ?? '', grown.checkpoint].map((text) => openCheckpoint(text, log()));
    if (a === undefined || b === undefined) throw new Error('no checkpoint');
    const claim = {
      newer: b.size,
      newerRoot: b.root,
      older: a.size,
      olderRoot: a.root,
      proof: grown.hashes.map(fromBase64),
    };
    checkTree(claim);
    expect(() => checkTree({ ...claim, olderRoot: b.root })).toThrow();
    await expect(ledger.proveGrowth(99)).rejects.toMatchObject({ code: 'not-found' });
  });

  it.skipIf(go === null)(
    "are accepted by Go's sumdb, witnesses too",
    { timeout: 120_000 },
    async () => {
      const cwd = join(import.meta.dirname, '../../vault/test/oracle');
      const program = join(folder, 'oracle');
      const built = runProgram(go ?? 'go', ['build', '-o', program, '.'], { cwd });
      if (built.status !== 0) {
        console.warn(`skipped: the Go oracle does not build: ${built.stderr.slice(0, 200)}`);
        return;
      }
      await grow(45);
      const ask = (claim: object): string => {
        const result = runProgram(program, ['single'], { input: utf8(JSON.stringify(claim)) });
        return `${new TextDecoder().decode(result.stdout)}${result.stderr}`.trim();
      };
      const { verifierKey } = ledger;
      for (const index of [0, 1, 31, 32, 44]) {
        const { proof, leaf } = await ledger.prove(index);
        expect(ask({ proof, leaf, verifierKey })).toBe('ok');
        expect(ask({ proof, leaf: `${leaf}x`, verifierKey })).not.toBe('ok');
      }
      const latest = (await database.store.latestCheckpoint())?.text ?? '';
      await ledger.cosign(cosignCheckpoint(latest, witness.signerKey, 1_700_000_000));
      const { proof, leaf } = await ledger.prove(3);
      expect(ask({ proof, leaf, verifierKey, witnessKey })).toBe('ok');
    },
  );
});

describe('witnesses', () => {
  it('are kept under the checkpoint that they signed', async () => {
    await grow(3);
    const latest = (await database.store.latestCheckpoint())?.text ?? '';
    const cosigned = cosignCheckpoint(latest, witness.signerKey, 1_700_000_000);
    expect(await ledger.cosign(cosigned)).toEqual([witness.verifierKey.split('+')[0]]);
    await ledger.cosign(cosigned);
    const kept = (await database.store.latestCheckpoint())?.text ?? '';
    expect(readCosignatures(kept, [witnessKey])).toEqual([
      { name: 'witness.example/w1', time: 1_700_000_000 },
    ]);
    expect(kept.split('witness.example').length).toBe(2);
    expect((await ledger.verify()).valid).toBe(true);
  });

  it('that are unknown, wrong or late are not', async () => {
    await grow(3);
    const latest = (await database.store.latestCheckpoint())?.text ?? '';
    const stranger = generateNoteKey('stranger.example/w');
    expect(await ledger.cosign(cosignCheckpoint(latest, stranger.signerKey, 1))).toEqual([]);
    const cosigned = cosignCheckpoint(latest, witness.signerKey, 1_700_000_000);
    const at = cosigned.lastIndexOf('w1 ') + 30;
    const other = cosigned[at] === 'A' ? 'B' : 'A';
    const wrong = cosigned.slice(0, at) + other + cosigned.slice(at + 1);
    await expect(ledger.cosign(wrong)).rejects.toMatchObject({ code: 'bad-note' });
    await grow(1, 3);
    await expect(ledger.cosign(cosigned)).rejects.toMatchObject({ code: 'conflict' });
    expect(() => readCosignatures(latest, ['nonsense'])).toThrow('witness key expected');
  });
});

describe('a database edited by hand', () => {
  const edits: [string, string, RegExp][] = [
    ['a changed decision', `update "ledgerEntries" set "leaf" = '{}' where "index" = 4`, /hash/],
    ['a removed one', 'delete from "ledgerEntries" where "index" = 4', /entry 5 does not follow/],
    [
      'the last one removed',
      'delete from "ledgerEntries" where "index" = 9',
      /checkpoint signs 10/,
    ],
    ['one added', `insert into "ledgerEntries" values (10, '{}')`, /checkpoint signs 10/],
    [
      'two that changed places',
      'update "ledgerEntries" set "index" = case "index" when 2 then -1 else "index" end',
      /entry/,
    ],
    [
      'a changed hash',
      `update "ledgerHashes" set "hash" = zeroblob(32) where "index" = 3`,
      /hash 3/,
    ],
    ['a removed hash', 'delete from "ledgerHashes" where "index" = 3', /hash 3/],
    ['a changed checkpoint', `update "ledgerCheckpoints" set "text" = "text" || 'x'`, /checkpoint/],
    ['no checkpoint', 'delete from "ledgerCheckpoints"', /no checkpoint/],
  ];
  it.each(edits)('%s is noticed', async (_, statement, said) => {
    await grow(10);
    expect((await ledger.verify()).valid).toBe(true);
    await sql.raw(statement).execute(database.db);
    const { valid, faults } = await ledger.verify();
    expect(valid).toBe(false);
    expect(faults.join('; ')).toMatch(said);
  });
});
