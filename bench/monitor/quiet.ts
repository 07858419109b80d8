/**
 * False alarms over many honest queries: sessions of test rows of 1, 2, 4 and 10 classes, each of
 * at most 500 queries in an order of its own, shown to one detector under a key each.
 *
 *   node bench/monitor/quiet.ts [--queries 500000]
 */
import { parseArgs } from 'node:util';
import { seeded } from '@merlon/core';
import { contestants } from './contestants.ts';
import { benignSession, openDigits } from './sessions.ts';

const { values } = parseArgs({ options: { queries: { type: 'string', default: '500000' } } });
const digits = await openDigits();
for (const { name, make } of contestants(digits.train).slice(2)) {
  const detector = make();
  let queries = 0;
  let alarms = 0;
  const keys = new Set<string>();
  for (let session = 0; queries < Number(values.queries); session++) {
    const classes = [1, 2, 4, 10][session % 4] ?? 10;
    const random = seeded(100_000 + session);
    for (const query of benignSession(digits.test, random, { classes, queries: 500 })) {
      queries++;
      if (detector.observe({ atMs: queries, key: `key ${session}`, ...query }) === null) continue;
      alarms++;
      keys.add(String(session));
    }
  }
  console.log(`${name}: ${alarms} alarms in ${queries} queries, ${keys.size} sessions`);
}
await digits.close();
