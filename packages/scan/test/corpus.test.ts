/**
 * The public fixtures of other scanners, where they are at hand: how many are found and how many
 * harmless ones are flagged. The floors are what was measured, so that no change lowers them.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { atLeast, memorySource } from '@merlon/core';
import { afterAll, describe, expect, it } from 'vitest';
import { type FileReport, scanSource } from '../src/index.ts';

const archive =
  ['../../../..', '../../../../..']
    .map((up) => join(import.meta.dirname, up, 'shared/corpus/scanner-fixtures.tar.zst'))
    .find((path) => existsSync(path)) ?? '';
const present = archive !== '';
if (!present) console.warn('skipped: no corpus of scanner fixtures beside the repository');

/** Measured: 171 of 171 malicious high or worse, 26 of 26 suspicious, 0 of 45 harmless flagged. */
const floors = { malicious: 1, maliciousCritical: 0.91, suspicious: 1, benignFlagged: 0 };

interface Row {
  path: string;
  verdict: 'malicious' | 'suspicious' | 'benign';
}

const folder = present ? mkdtempSync(join(tmpdir(), 'merlon-corpus-')) : '';
afterAll(() => {
  if (folder !== '') rmSync(folder, { recursive: true, force: true });
});

async function scanAll(): Promise<(Row & { report: FileReport })[]> {
  const unpacked = spawnSync('tar', ['--zstd', '-xf', archive, '-C', folder]);
  if (unpacked.status !== 0) throw new Error(String(unpacked.stderr));
  const lines = readFileSync(join(folder, 'manifest.jsonl'), 'utf8').trim().split('\n');
  const rows = lines.map((line) => JSON.parse(line) as Row);
  const out: (Row & { report: FileReport })[] = [];
  for (const row of rows) {
    const content = new Uint8Array(readFileSync(join(folder, row.path)));
    const report = await scanSource(memorySource(content), { path: row.path, profile: 'ml' });
    out.push({ ...row, report });
  }
  return out;
}

describe.skipIf(!present)('the fixtures of other scanners', () => {
  it('are found, and harmless ones are let through', async () => {
    const rows = await scanAll();
    const rate = (verdict: Row['verdict'], test: (report: FileReport) => boolean): number => {
      const of = rows.filter((row) => row.verdict === verdict);
      return of.filter((row) => test(row.report)).length / of.length;
    };
    const flagged = (report: FileReport): boolean => report.verdict === 'flagged';
    const grave = (report: FileReport): boolean => report.findings.some((f) => atLeast(f, 'high'));
    const critical = (report: FileReport): boolean => report.findings[0]?.severity === 'critical';
    expect(rows.length).toBeGreaterThan(200);
    expect(rate('malicious', grave)).toBeGreaterThanOrEqual(floors.malicious);
    expect(rate('malicious', critical)).toBeGreaterThanOrEqual(floors.maliciousCritical);
    expect(rate('suspicious', flagged)).toBeGreaterThanOrEqual(floors.suspicious);
    expect(rate('benign', flagged)).toBeLessThanOrEqual(floors.benignFlagged);
  });
});
