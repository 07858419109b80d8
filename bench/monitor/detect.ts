/**
 * Detectors against sessions of attacks and of honest clients on models/digits-cnn.onnx, row by
 * row and without the gateway. Profiles are learnt from the training part; attacks and honest
 * sessions use the test part.
 *
 *   node bench/monitor/detect.ts [--sessions 20] [--benign 400]
 */
import { parseArgs } from 'node:util';
import { seeded } from '@merlon/core';
import { contestants } from './contestants.ts';
import { attackSession, attacks, benignSession, openDigits, type Query } from './sessions.ts';

const { values } = parseArgs({
  options: {
    sessions: { type: 'string', default: '20' },
    benign: { type: 'string', default: '400' },
  },
});
const sessions = Number(values.sessions);
const digits = await openDigits();
const played = new Map<string, Query[][]>();
for (const name of Object.keys(attacks)) {
  const own: Query[][] = [];
  for (let session = 0; session < sessions; session++) {
    const queries = await attackSession(name, digits, session);
    // Shorter ones had won or lost before anything could be told.
    if (queries.length >= 20) own.push(queries);
  }
  played.set(name, own);
}
const honest = Array.from({ length: Number(values.benign) }, (_, session) => {
  const random = seeded(5000 + session);
  const classes = [1, 2, 4, 10][session % 4] ?? 10;
  return benignSession(digits.test, random, { classes, queries: 500 });
});

for (const { name, make } of contestants(digits.train)) {
  const alarmAt = (queries: readonly Query[]): number => {
    const detector = make();
    const at = queries.findIndex(
      ({ row, label }, i) => detector.observe({ atMs: i, key: 'k', row, label }) !== null,
    );
    return at < 0 ? Number.POSITIVE_INFINITY : at + 1;
  };
  const cells = [...played].map(([attack, own]) => {
    const at = own.map(alarmAt);
    const found = at.filter(Number.isFinite).sort((a, b) => a - b);
    const share = Math.round((100 * found.length) / own.length);
    return `${attack} ${share} % of ${own.length} (${found[found.length >> 1] ?? '–'})`;
  });
  const started = performance.now();
  const events = honest.reduce((sum, own) => sum + own.length, 0);
  const alarms = honest.map((own) => {
    const detector = make();
    return own.filter(
      ({ row, label }, i) => detector.observe({ atMs: i, key: 'k', row, label }) !== null,
    ).length;
  });
  const rate = Math.round(events / ((performance.now() - started) / 1000));
  const wrong = alarms.filter((count) => count > 0).length;
  const rows = alarms.reduce((sum, count) => sum + count, 0);
  console.log(`\n${name}: ${rate.toLocaleString('en')} events/s`);
  console.log(`  false: ${wrong} of ${honest.length} sessions, ${rows} of ${events} queries`);
  for (const cell of cells) console.log(`  ${cell}`);
}
await digits.close();
