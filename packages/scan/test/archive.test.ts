/** Compressed and packed files of every kind, made by the programs that define them. */
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { unpackBlock } from '../src/archive/lz4.ts';
import { raw, rulesOf, scan } from './support.ts';

const folder = join(import.meta.dirname, '../../../vectors/scan');
const manifest = join(folder, 'manifest.jsonl');
interface Row {
  readonly path: string;
  readonly expect: string;
}
const rows = readFileSync(manifest, 'utf8')
  .trim()
  .split('\n')
  .map((line) => JSON.parse(line) as Row);

describe('vectors', () => {
  it('are all listed', () => {
    const files = readdirSync(folder).filter((name) => !/\.(jsonl|py|md)$/.test(name));
    expect(files.sort()).toEqual(rows.map((row) => row.path).sort());
    expect(existsSync(manifest)).toBe(true);
  });
  it.each(rows)('$path is $expect', async ({ path, expect: expected }) => {
    const report = await scan(new Uint8Array(readFileSync(join(folder, path))), { path });
    const [worst = report.verdict] = rulesOf(report, 'medium');
    expect(worst).toBe(expected);
  });
  it.each(rows.filter((row) => /\.(7z|xz|lzma|bz2|lz4|joblib|h5|rds)$/.test(row.path)))(
    '$path that is cut short is never clean',
    async ({ path }) => {
      const whole = new Uint8Array(readFileSync(join(folder, path)));
      for (const part of [0.2, 0.5, 0.9]) {
        const cut = whole.slice(0, Math.floor(whole.length * part));
        expect((await scan(cut, { path })).verdict, `${part}`).not.toBe('clean');
      }
    },
  );
});

describe('what cannot be unpacked', () => {
  it.each([
    ['evil.ppmd.7z', 'members packed with PPMd cannot be unpacked'],
    ['evil.brotli.7z', 'members packed with Brotli cannot be unpacked'],
    ['good.arm.7z', 'the filter ARM of 7z is not undone'],
  ])('%s is told by name', async (path, reason) => {
    const report = await scan(new Uint8Array(readFileSync(join(folder, path))), { path });
    expect(report).toMatchObject({ verdict: 'incomplete', coverage: { incomplete: [{ reason }] } });
  });
  it.each(['Rar!\x1a\x07\0', 'Rar!\x1a\x07\x01\0'])('RAR is never clean', async (magic) => {
    const report = await scan(raw(`${magic}${'\0\x03\xfe'.repeat(40)}`), { path: 'm.rar' });
    expect(report).toMatchObject({ formats: ['rar'], verdict: 'incomplete' });
    expect(report.coverage.incomplete).toEqual([
      { member: '', reason: 'RAR archives are not unpacked; unpack it and scan what comes out' },
    ]);
  });
});

describe('LZ4 blocks', () => {
  it('copy from what came before, also from themselves', () => {
    const block = unpackBlock(raw('\x12a\x01\x00\x10b'), 64, new Uint8Array(0));
    expect(Buffer.from(block).toString()).toBe('aaaaaaab');
  });
  it('that refer to nothing are refused', () => {
    const refer = () => unpackBlock(raw('\x10a\x05\x00'), 64, new Uint8Array(0));
    expect(refer).toThrow('refers to nothing');
  });
});
