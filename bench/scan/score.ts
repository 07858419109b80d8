/**
 * Scores the scanner on a labelled set: a folder with `manifest.jsonl`, one line a file with `path`,
 * `verdict` (malicious, suspicious, benign) and, where it was held out, `"held": true`.
 *
 *     node bench/scan/score.ts FOLDER [--misses] [--half tuned|held]
 */
import { existsSync, readFileSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { ByteSource, Severity } from '../../packages/core/src/index.ts';
import { type FileReport, scanSource } from '../../packages/scan/src/index.ts';

interface Row {
  readonly path: string;
  readonly verdict: 'malicious' | 'suspicious' | 'benign';
  readonly held?: boolean;
}

const [folder = '', ...flags] = process.argv.slice(2);
const half = flags.includes('--half') ? flags[flags.indexOf('--half') + 1] : undefined;
const rank: readonly Severity[] = ['note', 'low', 'medium', 'high', 'critical'];
const slowMs = 2000;

async function report(path: string): Promise<FileReport> {
  const file = await open(join(folder, path));
  try {
    const { size } = await file.stat();
    const source: ByteSource = {
      size,
      read: async (offset, length) => {
        const wanted = Math.max(0, Math.min(length, size - offset));
        const { bytesRead, buffer } = await file.read(Buffer.alloc(wanted), 0, wanted, offset);
        return new Uint8Array(buffer.buffer, buffer.byteOffset, bytesRead);
      },
    };
    return await scanSource(source, { path, profile: 'ml' });
  } finally {
    await file.close();
  }
}

function worstOf(found: FileReport): number {
  return Math.max(-1, ...found.findings.map(({ severity }) => rank.indexOf(severity)));
}

const rows = readFileSync(join(folder, 'manifest.jsonl'), 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row)
  .filter((row) => half === undefined || (half === 'held') === (row.held === true));
const counts: Record<string, Record<string, number>> = {};
const count = (verdict: string, what: string): void => {
  counts[verdict] ??= {};
  const row = counts[verdict];
  row[what] = (row[what] ?? 0) + 1;
};
for (const row of rows) {
  if (!existsSync(join(folder, row.path))) throw new Error(`${row.path} is missing`);
  const started = performance.now();
  const found = await report(row.path);
  const ms = performance.now() - started;
  const worst = worstOf(found);
  count(row.verdict, 'files');
  count(row.verdict, found.verdict);
  if (worst >= 2) count(row.verdict, 'medium or worse');
  if (worst >= 3) count(row.verdict, 'high or worse');
  if (ms > slowMs) count(row.verdict, `slower than ${slowMs} ms`);
  const right =
    row.verdict === 'malicious'
      ? worst >= 3
      : row.verdict === 'suspicious'
        ? worst >= 2
        : worst < 2 && found.verdict === 'clean';
  if (right || !flags.includes('--misses')) continue;
  const { findings, coverage, verdict, formats } = found;
  const [first] = findings;
  const skipped = [...coverage.incomplete, ...coverage.notUnderstood][0];
  console.log(
    `${row.verdict} ${row.path} → ${verdict} [${formats.join(' ')}]`,
    first === undefined ? '' : `${first.severity} ${first.rule} ${first.evidence.slice(0, 110)}`,
    skipped === undefined ? '' : `| not read: ${skipped.member} ${skipped.reason}`,
  );
}
console.table(counts);
