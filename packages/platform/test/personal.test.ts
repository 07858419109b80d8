/** Personal data and secrets: what is found, what only looks so, and that samples are masked. */
import { readFileSync } from 'node:fs';
import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { inPieces } from '../../vault/test/support.ts';
import { findPersonal } from '../src/personal/kinds.ts';
import { scanTable } from '../src/personal/table.ts';
import { startTest, type TestPlatform } from './support/platform.ts';
import { sealedVersion } from './support/sealed.ts';

/** Published examples of each scheme; the second of a pair has one character wrong. */
const cases: [string, string, string][] = [
  ['e-mail', 'jane.doe+x@mail.example.org', 'jane.doe at example.org'],
  ['iban', 'DE89370400440532013000', 'DE89370400440532013001'],
  ['iban', 'GB29NWBK60161331926819', 'GB28NWBK60161331926819'],
  ['card', '4111 1111 1111 1111', '4111 1111 1111 1112'],
  ['card', '5500005555555559', '5500005555555558'],
  ['national-id', '219-09-9999', '000-09-9999'],
  ['national-id', '12345678Z', '12345678A'],
  ['national-id', 'X1234567L', 'X1234567M'],
  ['national-id', 'RSSMRA85T10A562S', 'RSSMRA85T10A562T'],
  ['national-id', '86095742719', '86095742718'],
  ['national-id', '255081416802538', '255081416802539'],
  ['phone', '+49 30 901820', '49 30 901820'],
  ['ip-address', '192.168.10.255', '192.168.10.256'],
  ['token', `ghp_${'a1B2'.repeat(9)}`, 'ghp_short'],
  ['token', 'AKIAIOSFODNN7EXAMPLE', 'AKIAIOSFODNN7'],
  ['private-key', '-----BEGIN EC PRIVATE KEY-----', '-----BEGIN PUBLIC KEY-----'],
];

describe('personal data', () => {
  it.each(cases)('%s: %s, and not %s', (kind, real, other) => {
    const kindsIn = (text: string): string[] => findPersonal(text).map((find) => find.kind);
    expect(kindsIn(`before ${real} behind`)).toEqual([kind]);
    expect(kindsIn(`before ${other} behind`)).toEqual([]);
    const [find] = findPersonal(real);
    expect(find?.masked).not.toContain(real.slice(2, -2));
  });

  it('is not seen in plain numbers', () => {
    for (const text of ['0.123456789012', '1700000000', '12.5;99', '2026-11-25', '123456']) {
      expect(findPersonal(text)).toEqual([]);
    }
  });

  it.each([1, 7, 10_000])('is told by column (pieces of %i)', async (piece) => {
    const csv = [
      'id,contact,amount,note',
      '1,jane@example.org,10,"hello, ""you"""',
      '2,bob@example.org,20,"pay DE89 3704 0044 0532 0130 00\nor jane@example.org"',
      '3,jane@example.org,30,',
    ].join('\r\n');
    const report = await scanTable(inPieces(utf8(csv), piece), { csv: true });
    expect([report.rows, report.columns]).toEqual([3, 4]);
    expect(report.found.map(({ column, kind, cells }) => [column, kind, cells])).toEqual([
      ['contact', 'e-mail', 3],
      ['note', 'e-mail', 1],
      ['note', 'iban', 1],
    ]);
    // Equal values are seen to be equal, and nothing more.
    expect(report.found[0]?.samples.length).toBe(2);
    expect(JSON.stringify(report)).not.toMatch(/jane|bob|3704/);
  });
});

describe('the data of a platform', () => {
  let platform: TestPlatform;
  beforeAll(async () => {
    platform = await startTest();
  }, 60_000);
  afterAll(() => platform.close());
  it('is scanned through its seal', async () => {
    const { client } = await platform.person('owner');
    const vector = (name: string) =>
      new Uint8Array(readFileSync(new URL(`../../../vectors/data/${name}`, import.meta.url)));
    const files = {
      'people.csv': utf8('name,mail\nJane,jane@example.org\n'),
      'people.parquet': vector('people.parquet'),
      'nested.parquet': vector('nested.parquet'),
    };
    const version = await sealedVersion(platform, client, { name: 'people', files, kind: 'data' });
    const path = `/api/v1/versions/${version.id}/personal-data`;
    expect(await client.ask('GET', path)).toEqual({
      files: [
        {
          path: 'people.csv',
          rows: 1,
          columns: 2,
          found: [
            { column: 'mail', kind: 'e-mail', cells: 1, samples: [expect.stringMatching(/^j…g/)] },
          ],
        },
        {
          path: 'people.parquet',
          rows: 3,
          columns: 4,
          found: [
            { column: 'mail', kind: 'e-mail', cells: 2, samples: Array(2).fill(expect.anything()) },
            // The second card's check digit is wrong.
            { column: 'card', kind: 'card', cells: 1, samples: [expect.stringMatching(/^4…1/)] },
          ],
        },
      ],
      unread: [
        { path: 'nested.parquet', why: expect.stringContaining('column "a" expected one value') },
      ],
    });
  });
});
