/**
 * Splits Lending Club into `loans-train.csv` and `loans-test.csv`, original columns and texts.
 *
 *     node data/make_loans.ts lending_club.csv
 *
 * The input is R's `modeldata::lending_club` as written by `write.csv(…, row.names = FALSE)`. Row i
 * (from 0, header not counted) is a test row when the first byte of SHA-256("merlon-loans:i") is
 * below 51 (51/256, about a fifth), so that the split depends on nothing but the row number.
 */
import { createHash } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const source = process.argv[2];
if (source === undefined) {
  process.stderr.write('usage: node data/make_loans.ts lending_club.csv\n');
  process.exit(2);
}

const lines = readFileSync(source, 'utf8').split('\n').filter((line) => line !== '');
const header = lines[0] ?? '';
const parts = { train: [header], test: [header] };
lines.slice(1).forEach((line, row) => {
  parts[isTestRow(row) ? 'test' : 'train'].push(line);
});
for (const [name, rows] of Object.entries(parts)) {
  writeFileSync(join(import.meta.dirname, `loans-${name}.csv`), `${rows.join('\n')}\n`);
  process.stdout.write(`loans-${name}.csv: ${rows.length - 1} rows\n`);
}

function isTestRow(row: number): boolean {
  return (createHash('sha256').update(`merlon-loans:${row}`).digest()[0] ?? 0) < 51;
}
