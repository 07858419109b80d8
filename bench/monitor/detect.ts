/**
 * Detectors against sessions of attacks, of theft and of honest clients on models/digits-cnn.onnx,
 * row by row and without the gateway. Profiles are learnt from the training part; all sessions use
 * the test part. Prints one table in Markdown: share of sessions found (median query of the alarm).
 *
 *   node bench/monitor/detect.ts [--sessions 20] [--benign 200] [--only ATTACK]
 */
import { parseArgs } from 'node:util';
import { seeded } from '@merlon/core';
import type { Detector } from '@merlon/monitor';
import { contestants } from './contestants.ts';
import { attackSession, attacks, benignSession, openDigits, type Query } from './sessions.ts';
import { answered, hardBenign, thefts } from './theft.ts';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '20' },
    benign: { type: 'string', default: '200' },
    only: { type: 'string', default: '' },
  },
});
const sessions = Number(values.sessions);
const digits = await openDigits();
const numbers = (count: number): number[] => Array.from({ length: count }, (_, i) => i);
const honestOf = (session: number): Query[] => {
  const classes = [1, 2, 4, 10][session % 4] ?? 10;
  return benignSession(digits.test, seeded(5000 + session), { classes, queries: 500 });
};

/** Groups of sessions by name. */
const attacked = new Map<string, Query[][]>();
for (const name of Object.keys(attacks)) {
  if (values.only !== '' && name !== values.only) continue;
  const own: Query[][] = [];
  for (const session of numbers(sessions)) {
    const queries = await attackSession(name, digits, session);
    // Shorter ones had won or lost before anything could be told.
    if (queries.length >= 20) own.push(queries);
  }
  attacked.set(name, own);
}
for (const share of [4, 9]) {
  const own = (attacked.get('HopSkipJump') ?? []).map((queries, session) => {
    const among = numbers(10).flatMap((i) => honestOf(4 * (10 * session + i) + 3));
    return queries.flatMap((query, i) => [query, ...among.slice(i * share, (i + 1) * share)]);
  });
  attacked.set(`HopSkipJump among 1:${share} honest`, own);
}
for (const accounts of [8, 32]) {
  const own = (attacked.get('HopSkipJump') ?? []).map((queries) =>
    queries.map((query, i) => ({ ...query, key: `account ${i % accounts}` })),
  );
  attacked.set(`HopSkipJump over ${accounts} accounts`, own);
}
for (const [name, theft] of Object.entries(thefts)) {
  if (values.only !== '') continue;
  const own: Query[][] = [];
  for (const session of numbers(Math.min(sessions, 5))) {
    const random = seeded(9000 + session);
    own.push(await answered(digits.model, theft(digits.test, random, 1000)));
  }
  attacked.set(`theft: ${name}`, own);
}
const honest = numbers(Number(values.benign)).map(honestOf);
const unusual = new Map<string, Query[][]>();
for (const [name, change] of Object.entries(hardBenign)) {
  const own: Query[][] = [];
  for (const session of numbers(Math.min(40, honest.length))) {
    const random = seeded(7000 + session);
    const rows = (honest[session] ?? []).map(({ row }) => change(row, random));
    own.push(await answered(digits.model, rows));
  }
  unusual.set(name, own);
}

/** Alarms of one session, by query from 1. */
function alarms(detector: Detector, queries: readonly Query[]): number[] {
  return queries.flatMap((query, i) =>
    detector.observe({ atMs: i, key: 'k', ...query }) === null ? [] : [i + 1],
  );
}

const kinds = contestants(digits.train);
const table: string[][] = [['sessions', ...kinds.map(({ name }) => name)]];
const push = (name: string, cell: (make: () => Detector) => string): void => {
  table.push([name, ...kinds.map(({ make }) => cell(make))]);
};
for (const [name, own] of attacked) {
  push(`${name} (${own.length})`, (make) => {
    const at = own.flatMap((queries) => alarms(make(), queries).slice(0, 1));
    const share = Math.round((100 * at.length) / own.length);
    const median = at.sort((a, b) => a - b)[(at.length - 1) >> 1];
    return median === undefined ? '0 %' : `${share} % (${median})`;
  });
}
const rows = honest.reduce((sum, own) => sum + own.length, 0);
push(`honest: ${honest.length} sessions, ${rows} queries`, (make) => {
  const each = honest.map((queries) => alarms(make(), queries).length);
  const all = each.reduce((sum, count) => sum + count, 0);
  return `${each.filter((count) => count > 0).length} sessions, ${all} alarms`;
});
for (const [name, own] of unusual) {
  push(`honest, ${name} (${own.length})`, (make) => {
    const wrong = own.filter((queries) => alarms(make(), queries).length > 0);
    return `${wrong.length} sessions`;
  });
}
push('events/s', (make) => {
  const started = performance.now();
  const detector = make();
  const some = honest.slice(0, 40);
  for (const [i, queries] of some.entries()) {
    for (const query of queries) detector.observe({ atMs: 0, key: `k${i}`, ...query });
  }
  const events = some.reduce((sum, own) => sum + own.length, 0);
  return Math.round(events / ((performance.now() - started) / 1000)).toLocaleString('en');
});
const [head = [], ...body] = table;
for (const line of [head, head.map(() => '---'), ...body]) console.log(`| ${line.join(' | ')} |`);
await digits.close();
