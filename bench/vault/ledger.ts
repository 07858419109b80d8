/**
 * Appends to the ledger of an embedded, encrypted database: one a transaction, by callers at
 * the same time, and in batches.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemClock } from '@merlon/core';
import { localProvider, newRootKey } from '@merlon/vault';
import { openLedger } from '../../packages/platform/src/ledger/ledger.ts';
import { platformActor } from '../../packages/platform/src/people/people.ts';
import { openSqlite } from '../../packages/platform/src/store/sqlite.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-bench-'));
const { store } = await openSqlite(join(folder, 'bench.db'), newRootKey());
const rootKey = localProvider('bench', newRootKey());
const ledger = await openLedger({ store, rootKey, clock: systemClock });
const actor = platformActor('workspace');
const decision = (i: number) => ({ action: 'bench', resource: `thing/${i}`, detail: { i } });

const singles = 2000;
let started = performance.now();
for (let i = 0; i < singles; i++) {
  await store.transaction((tx) => ledger.append(tx, actor, decision(i)));
}
const alone = singles / ((performance.now() - started) / 1000);
console.log(`one a transaction: ${alone.toFixed(0)} appends/s`);

const [callers, turns] = [64, 200];
started = performance.now();
await Promise.all(
  Array.from({ length: callers }, async (_, caller) => {
    for (let i = 0; i < turns; i++) await ledger.record(actor, decision(caller * turns + i));
  }),
);
const grouped = (callers * turns) / ((performance.now() - started) / 1000);
console.log(`${callers} callers, each waiting for its own: ${grouped.toFixed(0)} appends/s`);

const [batches, each] = [200, 100];
started = performance.now();
for (let i = 0; i < batches; i++) {
  const decisions = Array.from({ length: each }, (_, j) => decision(i * each + j));
  await store.transaction((tx) => ledger.appendAll(tx, actor, decisions));
}
const batched = (batches * each) / ((performance.now() - started) / 1000);
console.log(`${each} a transaction: ${batched.toFixed(0)} appends/s`);

started = performance.now();
const report = await ledger.verify();
const seconds = (performance.now() - started) / 1000;
console.log(`verify ${report.size} entries: ${report.valid}, ${seconds.toFixed(2)} s`);
await store.close();
rmSync(folder, { recursive: true, force: true });
