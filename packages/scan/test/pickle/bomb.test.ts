/** Small streams that cost their reader time or memory without bound. */
import { describe, expect, it } from 'vitest';
import { bytes, global, little, rulesOf, scan } from '../support.ts';

const proto = '\x80\x04';
const bomb = 'MRL-PKL-013 high';
const rulesFor = async (...parts: Parameters<typeof bytes>) =>
  rulesOf(await scan(bytes(proto, ...parts), { path: 'a.pkl' }));

/** A tuple of a tuple twice, again and again. */
const doubled = (levels: number) =>
  bytes('K\x01\x85\x94', ...Array.from({ length: levels }, (_, i) => bytes('h', i, '\x86\x94')));

describe('shared containers', () => {
  it('that double at every level are told', async () => {
    expect(await rulesFor(doubled(40), '.')).toEqual([bomb]);
    expect(await rulesFor('\x8f(', doubled(40), '\x90.')).toEqual([bomb]);
  });
  it('that are shared as models share them are not', async () => {
    expect(await rulesFor(doubled(10), '.')).toEqual([]);
    // A chain of tables, each with the one before it under two keys.
    const links = Array.from({ length: 40 }, (_, i) =>
      bytes('}\x94(\x8c\x01ah', i, '\x8c\x01bh', i, 'u'),
    );
    expect(await rulesFor('}\x94', ...links, '.')).toEqual([]);
  });
});

describe('nesting', () => {
  it('that no stack holds is told', async () => {
    expect(await rulesFor(']'.repeat(50_000), 'a'.repeat(49_999), '.')).toEqual([bomb]);
    expect(await rulesFor(']'.repeat(400), 'a'.repeat(399), '.')).toEqual([]);
  });
});

describe('ranges', () => {
  const range = (count: number) =>
    bytes(global('builtins', 'range'), 'J', little(count, 4), '\x85R');
  const long = bytes(global('builtins', 'range'), '\x8a\x08', little(2 ** 50, 8), '\x85R');
  it('that are written out without end are told', async () => {
    expect(await rulesFor(global('builtins', 'list'), long, '\x85R.')).toEqual([bomb]);
    expect(await rulesFor(global('builtins', 'set'), range(2 ** 30), '\x85R.')).toEqual([bomb]);
  });
  it('that are short, or stay ranges, are not', async () => {
    expect(await rulesFor(global('builtins', 'list'), range(1000), '\x85R.')).toEqual([]);
    expect(await rulesFor(long, '.')).toEqual([]);
  });
});

describe('instructions that no pickler writes', () => {
  it('are told: values that are thrown away', async () => {
    expect(await rulesFor(']0]1.'.replace('1', ''), '')).toEqual(['MRL-PKL-016 medium']);
  });
  it('but not what a recursive tuple needs', async () => {
    // ([()],) in itself: the tuple is taken back and fetched from the memo.
    expect(await rulesFor(']\x94h\x00\x85\x940h\x01.')).toEqual([]);
  });
  it('are told: a protocol that does not exist', async () => {
    const report = await scan(bytes('\x80\x09].'), { path: 'a.pkl' });
    expect(rulesOf(report)).toEqual(['MRL-PKL-007 medium']);
  });
});

describe('what surrounds a stream', () => {
  const noise = Uint8Array.from({ length: 2048 }, (_, i) => (i * 167 + (i >> 8) * 59) % 256);
  it('is told when it is scrambled, or lies outside', async () => {
    const report = await scan(bytes(proto, '].\xff', noise), { path: 'a.pkl' });
    expect(rulesOf(report)).toContain('MRL-PKL-015 medium');
    const zeros = await scan(bytes(proto, '].\xff', new Uint8Array(2048)), { path: 'a.pkl' });
    expect(rulesOf(zeros)).toContain('MRL-PKL-015 low');
    expect(await rulesFor('\x8c\x03abcQ.')).toEqual(['MRL-PKL-009 medium']);
  });
});
