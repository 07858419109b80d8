import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DataError } from '../../src/data/error.ts';
import { type ReadOptions, readDataset } from '../../src/data/read.ts';
import { readSchema } from '../../src/data/schema.ts';
import { bytesOf, idx, npy, zip } from './files.ts';

const root = join(import.meta.dirname, '../../../..');
const schema = readSchema(readFileSync(join(root, 'models/loans.schema.json')));
const digits = readSchema(readFileSync(join(root, 'models/digits-cnn.schema.json')));

const y = npy('<i8', [2], bytesOf(BigInt64Array.of(1n, 0n)));
const x = npy('<f4', [2, 3], bytesOf(Float32Array.of(1, 2, 3, 4, 5, 6)));

describe('readDataset on real data', () => {
  it('reads MNIST as images in [0,1] with ten balanced classes', () => {
    const file = readFileSync(join(root, 'data/mnist-test.npz'));
    const set = readDataset(file, { name: 'mnist-test.npz', schema: digits });
    expect(set.shape).toEqual([2000, 1, 28, 28]);
    expect(set.classes).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', '8', '9']);
    expect(Math.max(...set.x.subarray(0, 7840))).toBe(1);
    expect(set.labels.filter((label) => label === 3)).toHaveLength(200);
  });

  it('reads the loans with categories as positions', () => {
    const file = readFileSync(join(root, 'data/loans-test.csv'));
    const set = readDataset(file, { name: 'loans-test.csv', schema });
    expect(set.shape).toEqual([1994, 22]);
    expect(set.classes).toEqual(['good', 'bad']);
    expect(set.labels.reduce((sum, label) => sum + label, 0)).toBe(87);
    expect(set.features?.[1]?.categories).toEqual(['term_36', 'term_60']);
  });
});

describe('readDataset by format', () => {
  it('reads .npz, stored or deflated', () => {
    for (const stored of [true, false]) {
      const set = readDataset(zip({ 'x.npy': x, 'y.npy': y }, { stored }), { name: 'a.NPZ' });
      expect([...set.x]).toEqual([1, 2, 3, 4, 5, 6]);
      expect([...set.labels]).toEqual([1, 0]);
      expect(set.classes).toEqual(['0', '1']);
    }
  });

  it('reads column-major and big-endian arrays', () => {
    const turned = npy('<f4', [2, 3], bytesOf(Float32Array.of(1, 4, 2, 5, 3, 6)), true);
    const set = readDataset(turned, { format: 'npy', labelBytes: y });
    expect([...set.x]).toEqual([1, 2, 3, 4, 5, 6]);
    const big = npy('>i2', [2, 1], Uint8Array.of(1, 0, 0, 2));
    expect([...readDataset(big, { format: 'npy', labelBytes: y }).x]).toEqual([256, 2]);
  });

  it('reads IDX images and scales bytes', () => {
    const images = idx([2, 1, 2], Uint8Array.of(0, 51, 255, 102));
    const labels = idx([2], Uint8Array.of(0, 1));
    const set = readDataset(images, { name: 'train-images-idx3-ubyte', labelBytes: labels });
    expect(set.shape).toEqual([2, 1, 2]);
    expect([...set.x]).toEqual([0, 0.2, 1, 0.4].map(Math.fround));
  });

  it('reads quoted cells, line ends inside quotes, both line endings and a byte-order mark', () => {
    const text = '\ufeff"a","b, c",type\r\n1,2.5,"x ""1"""\r\n-3e2,.5,"two\nlines"\n';
    const set = readDataset(utf8(text), { name: 't.csv', label: 'type' });
    expect([...set.x]).toEqual([1, 2.5, -300, 0.5]);
    expect(set.classes).toEqual(['two\nlines', 'x "1"']);
    expect([...set.labels]).toEqual([1, 0]);
  });

  it('orders classes that are numbers as numbers', () => {
    const set = readDataset(utf8('a,y\n1,10\n2,9\n'), { name: 't.csv', label: 'y' });
    expect(set.classes).toEqual(['9', '10']);
  });
});

const csv = (text: string): Uint8Array => utf8(text);
const loans = readFileSync(join(root, 'data/loans-test.csv'), 'utf8').split('\n').slice(0, 2);
const row = loans[1] ?? '';

const bad: readonly [string, Uint8Array, ReadOptions, string, RegExp][] = [
  ['no bytes', csv(''), { name: 'a.csv' }, 'empty-data', /got 0 bytes/],
  ['unknown format', csv('a'), { name: 'a.txt' }, 'unsupported-data', /"a.txt" is in no format/],
  ['header only', csv('a,y\n'), { name: 'a.csv', label: 'y' }, 'empty-data', /at least one row/],
  ['no label named', csv('a,y\n1,2\n'), { name: 'a.csv' }, 'column-not-found', /label column/],
  [
    'wrong label',
    csv('a,Class\n1,2\n'),
    { name: 'a.csv', label: 'klass' },
    'column-not-found',
    /column "klass" is not in the table \(did you mean "Class"\?\)/,
  ],
  [
    'NaN in a table',
    csv('a,b,y\n1,2,0\n1,NaN,0\n'),
    { name: 'a.csv', label: 'y' },
    'bad-value',
    /^row 2, column "b" expected a finite number, got "NaN"$/,
  ],
  [
    'empty cells are counted',
    csv(`a,y\n${',0\n'.repeat(9)}`),
    { name: 'a.csv', label: 'y' },
    'bad-value',
    /row 1, column "a" .* got an empty cell; .*and 6 more$/,
  ],
  ['ragged', csv('a,y\n1\n'), { name: 'a.csv', label: 'y' }, 'invalid-data', /row 1 expected 2/],
  ['open quote', csv('a,y\n"1,2\n'), { name: 'a.csv', label: 'y' }, 'truncated-data', /quote/],
  ['text after quote', csv('a,y\n"1"2,3'), { name: 'a.csv' }, 'invalid-data', /after a closing/],
  ['twice', csv('a,a\n1,2\n'), { name: 'a.csv', label: 'a' }, 'invalid-data', /"a" twice/],
  ['not UTF-8', Uint8Array.of(0x61, 0xff), { name: 'a.csv' }, 'invalid-data', /UTF-8/],
  [
    'unknown category',
    csv(`${loans[0]}\n${row.replace(/"term_../, '"trem_36')}\n`),
    { name: 'a.csv', schema },
    'bad-value',
    /row 1, column "term" expected a known category, got "trem_36" \(did you mean/,
  ],
  [
    'class unknown to the schema',
    csv(`${loans[0]}\n${row.replace(/"(good|bad)"$/, '"God"')}\n`),
    { name: 'a.csv', schema },
    'bad-value',
    /row 1, column "Class" expected a known class, got "God" \(did you mean "good"\?\)/,
  ],
  [
    'half an account',
    csv(`${loans[0]}\n${row.replace(/^\d+,/, '5000.5,')}\n`),
    { name: 'a.csv', schema },
    'bad-value',
    /column "funded_amnt" expected an integer, got 5000.5/,
  ],
  [
    'out of range',
    csv(`${loans[0]}\n${row.replace(/^\d+,/, '5000000,')}\n`),
    { name: 'a.csv', schema },
    'bad-value',
    /column "funded_amnt" expected a number in \[1000, 40000\], got 5000000/,
  ],
  [
    'image schema on a table',
    csv('a\n1'),
    { name: 'a.csv', schema: digits },
    'unsupported-data',
    /"features"/,
  ],
  ['no archive', csv('PK'), { name: 'a.npz' }, 'truncated-data', /end record/],
  [
    'no x',
    zip({ 'X_.npy': x, 'y.npy': y }),
    { name: 'a.npz' },
    'column-not-found',
    /array "x" is not in the archive \(did you mean "X_"\?\)/,
  ],
  [
    'Python objects',
    zip({ 'x.npy': npy('|O', [2], new Uint8Array(9)), 'y.npy': y }),
    { name: 'a.npz' },
    'unsupported-data',
    /"x" holds pickled Python objects/,
  ],
  [
    'complex',
    npy('<c8', [1, 1], new Uint8Array(8)),
    { format: 'npy', labelBytes: y },
    'unsupported-data',
    /"<c8"/,
  ],
  ['short', x.subarray(0, -1), { format: 'npy', labelBytes: y }, 'truncated-data', /cut short/],
  ['no labels', x, { name: 'a.npy' }, 'column-not-found', /file of labels/],
  [
    'labels of another length',
    x,
    { format: 'npy', labelBytes: npy('|u1', [3], new Uint8Array(3)) },
    'invalid-data',
    /labels expected shape \[2\], got shape \[3\]/,
  ],
  [
    'negative label',
    x,
    { format: 'npy', labelBytes: npy('|i1', [2], Uint8Array.of(0, 255)) },
    'bad-value',
    /label of row 2 expected an integer in \[0, 65536\), got -1/,
  ],
  [
    'infinity in an array',
    npy('<f4', [2, 2], bytesOf(Float32Array.of(1, 2, Number.POSITIVE_INFINITY, 4))),
    { format: 'npy', labelBytes: y },
    'bad-value',
    /x row 2, column 1 expected a finite number, got Infinity/,
  ],
  [
    'outside the range of the schema',
    npy('<f4', [2, 28, 28], bytesOf(new Float32Array(1568).fill(2))),
    { format: 'npy', labelBytes: y, schema: digits },
    'bad-value',
    /x row 1, column 1 expected a number in \[0, 1\], got 2; .*and 1565 more/,
  ],
  [
    'wrong shape',
    npy('<f4', [2, 28, 27], new Uint8Array(6048)),
    { format: 'npy', labelBytes: y, schema: digits },
    'invalid-data',
    /x expected shape \[N, 1, 28, 28\], got \[2, 28, 27\]/,
  ],
  ['too large', x, { format: 'npy', labelBytes: y, elementsMax: 5 }, 'too-large', /≤ 5 elements/],
  [
    'a bomb that states a small size',
    zip({ 'x.npy': npy('<f4', [2, 3], new Uint8Array(1e6)), 'y.npy': y }, { declared: 200 }),
    { name: 'a.npz' },
    'invalid-data',
    /damaged/,
  ],
  [
    'encrypted member',
    zip({ 'x.npy': x, 'y.npy': y }, { flags: 1 }),
    { name: 'a.npz' },
    'unsupported-data',
    /encrypted/,
  ],
];

describe('readDataset refuses', () => {
  it.each(bad)('%s', (_, bytes, options, code, message) => {
    let thrown: unknown;
    try {
      readDataset(bytes, options);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(DataError);
    expect((thrown as DataError).code).toBe(code);
    expect((thrown as DataError).message).toMatch(message);
  });

  it('every cut of an archive with an error of its own', () => {
    const whole = zip({ 'x.npy': x, 'y.npy': y });
    for (let length = 0; length < whole.length; length++) {
      expect(() => readDataset(whole.subarray(0, length), { format: 'npz' })).toThrow(DataError);
    }
  });

  it('never fails otherwise, whatever bit of any format is flipped', () => {
    const files = [
      ['npz', zip({ 'x.npy': x, 'y.npy': y })],
      ['npy', x],
      ['idx', idx([2, 1, 2], Uint8Array.of(0, 51, 255, 102))],
      ['csv', csv('a,"b",y\n1,2,0\n')],
    ] as const;
    const labelOf = { npz: undefined, npy: y, idx: idx([2], Uint8Array.of(0, 1)), csv: undefined };
    fc.assert(
      fc.property(fc.constantFrom(...files), fc.nat(), fc.nat(7), ([format, file], at, bit) => {
        const flipped = Uint8Array.from(file);
        flipped[at % file.length] = (flipped[at % file.length] ?? 0) ^ (1 << bit);
        const labelBytes = labelOf[format];
        try {
          readDataset(flipped, { format, label: 'y', ...(labelBytes && { labelBytes }) });
        } catch (error) {
          if (!(error instanceof DataError)) throw error;
        }
      }),
      { numRuns: 600, seed: 1 },
    );
  });
});
