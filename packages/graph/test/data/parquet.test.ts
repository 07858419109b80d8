/** Parquet as Apache Arrow writes it, beside the same rows as comma-separated text. */
import { readFileSync } from 'node:fs';
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { readParquet } from '../../src/data/parquet.ts';
import { DataError, readAnyDataset, readDataset, readSchema } from '../../src/index.ts';

const root = new URL('../../../../', import.meta.url);
const file = (path: string): Uint8Array => new Uint8Array(readFileSync(new URL(path, root)));
const vector = (name: string): Uint8Array => file(`vectors/data/${name}.parquet`);
const limits = { rowsMax: 1000, cellsMax: 100_000 };
const schema = readSchema(file('models/loans.schema.json'));

describe('tables in Parquet', () => {
  const text = new TextDecoder().decode(file('data/loans-test.csv')).split('\n').slice(0, 41);
  const expected = readDataset(new TextEncoder().encode(text.join('\n')), {
    name: 'loans.csv',
    schema,
  });
  it.each(['none', 'snappy', 'gzip', 'brotli', 'zstd', 'pages-v2'])(
    'packed by %s have the rows of the same table as text',
    async (how) => {
      const bytes = vector(`loans-${how}`);
      expect(await readAnyDataset(bytes, { name: 'loans.parquet', schema })).toEqual(expected);
    },
  );
  it('turn numbers, truth, texts and times into texts; what is missing is empty', async () => {
    expect(await readParquet(vector('kinds'), limits)).toEqual({
      columns: ['whole', 'flag', 'text', 'half', 'day', 'y'],
      rows: [
        ['1', '1', 'a', '0.5', '1970-01-01T00:00:00.000Z', 'no'],
        ['2', '0', 'b', '1.5', '1970-01-01T00:00:00.001Z', 'yes'],
        ['', '1', 'ä', '2.5', '1970-01-01T00:00:00.002Z', 'no'],
      ],
    });
  });
  it.each<[string, Uint8Array, string, string]>([
    ['nested columns', vector('nested'), 'unsupported-data', 'column "a" expected one value'],
    ['a rare packing', vector('loans-lz4'), 'unsupported-data', 'cannot be read'],
    ['no rows', vector('empty'), 'empty-data', 'at least one row'],
    ['a cut file', vector('kinds').subarray(0, 900), 'truncated-data', 'cannot be read'],
    ['something else', file('package.json'), 'truncated-data', 'cannot be read'],
    ['nothing', new Uint8Array(0), 'empty-data', 'got 0 bytes'],
  ])('%s: refused', async (_, bytes, code, message) => {
    const found = readAnyDataset(bytes, { name: 'x.parquet', label: 'y' });
    await expect(found).rejects.toMatchObject({ code, message: expect.stringContaining(message) });
  });
  it('too many rows are refused before they are read', async () => {
    const found = readParquet(vector('loans-zstd'), { ...limits, rowsMax: 39 });
    await expect(found).rejects.toMatchObject({ code: 'too-large' });
  });
  it('changed bytes are read or refused', async () => {
    const random = seeded(8);
    const names = ['kinds', 'loans-zstd', 'loans-snappy', 'loans-pages-v2'];
    let refused = 0;
    for (let round = 0; round < 200; round++) {
      const bytes = vector(names[round % names.length] ?? '');
      bytes[random.integer(bytes.length)] = random.integer(256);
      try {
        await readParquet(bytes, limits);
      } catch (error) {
        if (!(error instanceof DataError)) throw error;
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(20);
  });
  it('a reader that cannot wait says so', () => {
    expect(() => readDataset(vector('kinds'), { name: 'x.parquet' })).toThrow('may wait');
  });
});
