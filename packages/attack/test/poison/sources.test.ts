/** Chances of sources beside whole numbers; a source that poisons is told from many that do not. */
import { seeded } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { sourceInfluence, spectralSignatures } from '../../src/index.ts';
import { hypergeometricTail } from '../../src/poison/sources.ts';
import { plantedRows, refused, vectors } from './tables.ts';

describe('the hypergeometric tail', () => {
  it.each(vectors.sources)('$seen of $drawn is as whole numbers tell', (own) => {
    const chance = hypergeometricTail(own.total, own.marked)(own.drawn, own.seen);
    expect(Math.abs(chance / own.chance - 1)).toBeLessThan(1e-8);
  });
  it('falls with what was seen, from 1 to 0', () => {
    const tail = hypergeometricTail(50, 20);
    const chances = Array.from({ length: 13 }, (_, seen) => tail(12, seen));
    expect(chances[0]).toBe(1);
    expect(chances).toEqual(chances.toSorted((a, b) => b - a));
    expect(tail(12, 13)).toBe(0);
  });
});

describe('influence of sources', () => {
  it('tells the one that poisons', () => {
    const table = plantedRows(3, 12);
    const random = seeded(3);
    const planted = new Set(table.planted);
    const sources = Array.from(table.labels, (_, row) =>
      planted.has(row) ? 'crawl' : (['crawl', 'partner', 'own'][random.integer(3)] ?? ''),
    );
    const { flagged } = spectralSignatures(table, { seed: 1 });
    const report = sourceInfluence(sources, flagged);
    expect(report).toMatchObject({ rows: 372, suspicious: flagged.length });
    expect(report.sources.filter(({ suspected }) => suspected)).toEqual([report.sources[0]]);
    expect(report.sources[0]).toMatchObject({ source: 'crawl', suspicious: flagged.length });
    expect(report.sources[0]?.shareOfAll).toBe(1);
    expect(report.sources[0]?.expected).toBeCloseTo(
      ((report.sources[0]?.rows ?? 0) * flagged.length) / 372,
      12,
    );
    expect(report.sources[0]?.pValue).toBeLessThan(1e-4);
  });
  it('suspects none of twenty where chance deals', () => {
    let suspected = 0;
    for (let seed = 0; seed < 50; seed++) {
      const random = seeded(seed);
      const sources = Array.from({ length: 1000 }, () => `s${random.integer(20)}`);
      const rows = random.permutation(1000).subarray(0, 60);
      suspected += sourceInfluence(sources, rows).sources.filter((own) => own.suspected).length;
    }
    expect(suspected).toBeLessThanOrEqual(2);
  });
  it('corrects as Holm does, and counts a row once', () => {
    const sources = ['a', 'a', 'a', 'b', 'b', 'b', 'c', 'c', 'c', 'c'];
    const report = sourceInfluence(sources, [0, 1, 2, 2], { level: 0.05 });
    expect(report.suspicious).toBe(3);
    // All three of a's rows: 1 of 120 ways; the others have none for certain.
    expect(report.sources.map(({ source, pValue }) => [source, pValue])).toEqual([
      ['a', expect.closeTo(1 / 120, 12)],
      ['b', 1],
      ['c', 1],
    ]);
    expect(report.sources[0]?.adjusted).toBeCloseTo(3 / 120, 12);
    expect(report.sources.map(({ suspected }) => suspected)).toEqual([true, false, false]);
  });
  it('has no suspects without suspicious rows', () => {
    const { sources } = sourceInfluence(['a', 'b'], []);
    expect(sources).toMatchObject([{ share: 0, shareOfAll: 0, pValue: 1, suspected: false }, {}]);
  });
  it('refuses rows that are not there, one source, and none', () => {
    const cases = [
      [[], [], 'sources of rows expected, got none'],
      [['a', 'a'], [0], 'two sources or more expected, got "a"'],
      [['a', 'b'], [2], 'suspicious rows expected positions below 2, got 2'],
      [['a', 'b'], [Number.NaN], 'suspicious rows expected positions below 2, got NaN'],
    ] as const;
    for (const [sources, rows, message] of cases) {
      refused(() => sourceInfluence(sources, rows), 'invalid-data', message);
    }
    const level = '"level" expected a number in (0, 1), got 0';
    refused(() => sourceInfluence(['a', 'b'], [], { level: 0 }), 'invalid-option', level);
  });
});
