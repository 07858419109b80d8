/** What has no place in an archive of weights, and what no loader of a name would open. */
import { deflateSync } from 'node:zlib';
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytes, callWithText, raw, rulesOf, scan, zip } from '../support.ts';

const safe = bytes('\x80\x02}.');
const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const note = utf8('x = 1\n');
const torch = (...more: string[]) =>
  zip([
    { name: 'a/data.pkl', content: safe },
    { name: 'a/version', content: utf8('3\n') },
    ...more.map((name) => ({ name, content: note })),
  ]);
const rulesFor = async (content: Uint8Array, path = 'model.pt') =>
  rulesOf(await scan(content, { path }));

describe('programs among weights', () => {
  it('are told', async () => {
    expect(await rulesFor(torch('a/extra/tool.py'))).toEqual(['MRL-ARC-012 medium']);
    const keras = zip([
      { name: 'metadata.json', content: utf8('{}') },
      { name: 'config.json', content: utf8('{}') },
      { name: 'assets/run.sh', content: note },
    ]);
    expect(await rulesFor(keras, 'm.keras')).toEqual(['MRL-ARC-012 medium']);
  });
  it('are ordinary in TorchScript, in packages and in plain archives', async () => {
    expect(await rulesFor(torch('a/code/__torch__.py'))).toEqual([]);
    expect(await rulesFor(torch('a/.data/extern_modules', 'a/net.py'))).toEqual([]);
    expect(await rulesFor(zip([{ name: 'net.py', content: note }]), 'a.zip')).toEqual([]);
  });
});

describe('members with rights of their owner', () => {
  it('are told', async () => {
    const member = (mode: number) =>
      zip([{ name: 'tool', content: note, attributes: mode * 65_536 }]);
    expect(await rulesFor(member(0o104755), 'a.zip')).toEqual(['MRL-ARC-011 medium']);
    expect(await rulesFor(member(0o100755), 'a.zip')).toEqual([]);
  });
});

describe('names and contents', () => {
  it('that no loader brings together are told', async () => {
    const packed = raw('7z\xbc\xaf\x27\x1c\0\x04');
    expect(await rulesFor(packed, 'pytorch_model.bin')).toEqual(['MRL-FIL-001 medium']);
    expect(await rulesFor(packed, 'models.7z')).toEqual([]);
    expect(await rulesFor(safe, 'weights.h5')).toEqual(['MRL-FIL-001 medium']);
    expect(await rulesFor(safe, 'weights.pkl')).toEqual([]);
  });
  it('packed by zlib are unpacked whatever the name', async () => {
    const packed = new Uint8Array(deflateSync(evil));
    expect(await rulesFor(packed, 'model.skops')).toContain('MRL-PKL-001 critical');
    expect(await rulesFor(packed, 'model')).toEqual(['MRL-PKL-001 critical']);
    expect(await rulesFor(new Uint8Array(deflateSync(safe)), 'model')).toEqual([]);
  });
});
