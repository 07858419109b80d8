/** safetensors by their header. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytes, little, rulesOf, scan } from '../support.ts';

const tensor = (begin: number, end: number, shape = [(end - begin) / 4]) => ({
  dtype: 'F32',
  shape,
  data_offsets: [begin, end],
});

function file(header: unknown, dataBytes = 16): Uint8Array {
  const text = utf8(typeof header === 'string' ? header : JSON.stringify(header));
  return bytes(little(text.length, 8), text, new Uint8Array(dataBytes));
}

const rules = async (content: Uint8Array) =>
  rulesOf(await scan(content, { path: 'model.safetensors' }));

describe('safetensors', () => {
  it('that are well-formed are clean', async () => {
    const header = {
      __metadata__: { format: 'pt', url: 'https://x.example' },
      a: tensor(0, 8),
      b: tensor(8, 16),
    };
    const report = await scan(file(header), { path: 'model.safetensors' });
    expect(report).toMatchObject({ formats: ['safetensors'], verdict: 'clean', findings: [] });
    expect(report.coverage.dataBytes).toBe(16);
    expect(await rules(file({}, 0))).toEqual([]);
  });

  it.each<[string, unknown, string]>([
    ['a gap', { a: tensor(0, 4), b: tensor(8, 16) }, 'MRL-SFT-002 medium'],
    ['an overlap', { a: tensor(0, 12), b: tensor(8, 16) }, 'MRL-SFT-002 medium'],
    ['tensors outside the file', { a: tensor(0, 32) }, 'MRL-SFT-002 medium'],
    ['bytes of no tensor', { a: tensor(0, 8) }, 'MRL-SFT-003 medium'],
    ['a wrong shape', { a: tensor(0, 16, [3]) }, 'MRL-SFT-001 medium'],
    ['an unknown type', { a: { ...tensor(0, 16), dtype: 'X' } }, 'MRL-SFT-001 medium'],
    ['negative offsets', { a: { ...tensor(0, 16), data_offsets: [-1, 15] } }, 'MRL-SFT-001 medium'],
    [
      'offsets in reverse',
      { a: { ...tensor(0, 16), data_offsets: [16, 0] } },
      'MRL-SFT-001 medium',
    ],
    ['a huge shape', { a: tensor(0, 16, [2 ** 60, 2 ** 60]) }, 'MRL-SFT-001 medium'],
    [
      'metadata that is no text',
      { __metadata__: { a: 1 }, a: tensor(0, 16) },
      'MRL-SFT-001 medium',
    ],
    [
      'code in the metadata',
      { __metadata__: { a: 'import os; os.system("x")' }, a: tensor(0, 16) },
      'MRL-SFT-004 medium',
    ],
    [
      'a template in the metadata',
      { __metadata__: { a: '{{ x.__class__ }}' }, a: tensor(0, 16) },
      'MRL-TPL-001 critical',
    ],
    ['no object', '{"a":1', 'MRL-SFT-001 medium'],
    [
      'a key twice',
      `{"a":${JSON.stringify(tensor(0, 16))},"a":${JSON.stringify(tensor(0, 16))}}`,
      'MRL-SFT-001 medium',
    ],
  ])('with %s are flagged', async (_, header, expected) => {
    expect(await rules(file(header))).toContain(expected);
  });

  it('with a header longer than the file are flagged and incomplete', async () => {
    const whole = file({ a: tensor(0, 16) });
    expect(await rules(whole.slice(0, 30))).toContain('MRL-SFT-001 medium');
    const cut = await scan(whole.slice(0, -4));
    expect(cut.verdict).toBe('flagged');
    expect(cut.coverage.incomplete[0]?.reason).toBe('the file ends before its tensors do');
  });

  it('are never read beyond their header', async () => {
    const text = utf8(JSON.stringify({ a: tensor(0, 4_000_000_000) }));
    const head = bytes(little(text.length, 8), text);
    const size = head.length + 4_000_000_000;
    let furthest = 0;
    const source = {
      size,
      read: async (offset: number, length: number) => {
        if (offset < size - 100_000) furthest = Math.max(furthest, offset + length);
        const out = new Uint8Array(Math.max(0, Math.min(length, size - offset)));
        if (offset < head.length) out.set(head.subarray(offset, offset + out.length));
        return out;
      },
    };
    const { scanSource } = await import('../../src/index.ts');
    const report = await scanSource(source, { path: 'big.safetensors', profile: 'ml' });
    expect(report.verdict).toBe('clean');
    expect(furthest).toBeLessThan(1_000_000);
  });
});
