/** Containers of data sets: whole ones are clean, and nothing hides behind their marks. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bytes, callWithText, little, rulesOf, scan, zip } from '../support.ts';

const vector = (name: string) =>
  new Uint8Array(readFileSync(new URL(`../../../../vectors/data/${name}`, import.meta.url)));
const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const big = (value: number) => Uint8Array.of(...little(value, 4)).reverse();

describe('Parquet', () => {
  it.each(['loans-none', 'loans-zstd', 'nested', 'empty'])('%s is clean', async (name) => {
    const report = await scan(vector(`${name}.parquet`), { path: 'a.parquet' });
    expect(report).toMatchObject({ formats: ['parquet'], verdict: 'clean', findings: [] });
  });
  it('that was cut, or whose footer lies outside, is incomplete', async () => {
    const whole = vector('kinds.parquet');
    const outside = whole.slice();
    outside.set(little(whole.length, 4), whole.length - 8);
    for (const broken of [whole.slice(0, -1), whole.slice(0, 6), outside]) {
      expect((await scan(broken, { path: 'a.parquet' })).verdict).toBe('incomplete');
    }
  });
  it('with an archive behind it is no table alone', async () => {
    const both = bytes(vector('kinds.parquet'), zip([{ name: 'a.pkl', content: evil }]));
    expect(rulesOf(await scan(both, { path: 'a.parquet' }))).toContain('MRL-PKL-001 critical');
  });
  it('by name only is told', async () => {
    const rules = rulesOf(await scan(evil, { path: 'a.parquet' }));
    expect(rules).toContain('MRL-PKL-001 critical');
    expect(rules.some((rule) => rule.startsWith('MRL-FIL-'))).toBe(true);
  });
});

describe('Arrow', () => {
  it('is clean with both marks, incomplete with one', async () => {
    const arrow = bytes('ARROW1\0\0', new Uint8Array(64), little(0, 4), 'ARROW1');
    expect((await scan(arrow, { path: 'a.arrow' })).verdict).toBe('clean');
    expect((await scan(arrow.slice(0, -1), { path: 'a.arrow' })).verdict).toBe('incomplete');
  });
});

describe('IDX', () => {
  const idx = (type: number, dims: number[], data: number) =>
    bytes(Uint8Array.of(0, 0, type, dims.length), ...dims.map(big), new Uint8Array(data));
  it.each([
    ['labels', idx(8, [100], 100)],
    ['pictures', idx(8, [3, 28, 28], 3 * 28 * 28)],
    ['numbers', idx(14, [5, 2], 80)],
  ])('of %s is clean', async (_, content) => {
    const report = await scan(content, { path: 'train-images-idx3-ubyte' });
    expect(report).toMatchObject({ formats: ['idx'], verdict: 'clean', findings: [] });
  });
  it.each([
    ['one byte too many', idx(8, [100], 101)],
    ['one too few', idx(8, [100], 99)],
    ['an unknown type', idx(7, [100], 100)],
  ])('with %s is not taken for one', async (_, content) => {
    expect((await scan(content)).formats).not.toContain('idx');
  });
});
