/** Archives written anew, and read back by the scanner. */
import { concat, memorySource } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytesOfPieces, plainArchive } from '../../src/index.ts';
import { findDirectories, readDirectory } from '../../src/zip/entry.ts';
import { bytes, type MemberPlan, scan, zip } from '../support.ts';

async function repair(content: Uint8Array) {
  const source = memorySource(content);
  const { changes, pieces } = await plainArchive(source);
  const parts: Uint8Array[] = [];
  for await (const part of bytesOfPieces(source, pieces)) parts.push(part);
  const file = concat(parts);
  const [directory] = await findDirectories(memorySource(file));
  if (directory === undefined) throw new Error('no directory');
  const { entries } = await readDirectory(memorySource(file), directory, 100);
  return { changes, file, names: entries.map(({ name }) => name) };
}

const plain: MemberPlan = { name: 'a.json', content: bytes('{"a": 1}') };
const packed: MemberPlan = { name: 'b.json', content: bytes('{"b": [1, 2]}'), deflate: true };

describe('an archive in plain form', () => {
  it('keeps members as they are', async () => {
    const { changes, file, names } = await repair(zip([plain, packed]));
    expect(changes).toEqual(['2 members written once each, with one directory']);
    expect(names).toEqual(['a.json', 'b.json']);
    expect((await scan(file, { path: 'x.zip' })).verdict).toBe('clean');
    expect(await repair(file)).toEqual({ changes, file, names });
  });
  it('loses what stands around it, links, dangerous names and doubles', async () => {
    const members: MemberPlan[] = [
      { name: '../up.json', content: bytes('{}') },
      { name: 'link', content: bytes('/etc/passwd'), attributes: 0xa1ff0000 },
      { name: 'a.json', content: bytes('{"a": 0}') },
      { ...plain, local: { name: 'other.json' } },
    ];
    const { changes, file, names } = await repair(concat([zip(members), bytes('trailing')]));
    expect(names).toEqual(['a.json']);
    expect(changes).toEqual([
      'bytes behind the archive left out',
      'member "../up.json" left out: it climbs out of its folder',
      'member "link" left out: it is a link',
      'an earlier member "a.json" left out',
      'member "a.json": name a.json in the directory, other.json at the member',
      '1 members written once each, with one directory',
    ]);
    const report = await scan(file, { path: 'x.zip' });
    expect([report.verdict, report.findings]).toEqual(['clean', []]);
  });
  it.each<[string, Uint8Array, string]>([
    ['no archive', bytes('PK nothing'), 'the archive has no directory'],
    [
      'a checksum that does not hold',
      zip([{ ...plain, central: { crc: 1 } }]),
      'the checksum of member "a.json" does not hold',
    ],
    ['a lock', zip([{ ...plain, central: { flags: 1 } }]), '"a.json" is encrypted'],
    ['a rare packing', zip([{ ...plain, central: { method: 14 } }]), 'is packed by method 14'],
    [
      'data that cannot be unpacked',
      zip([{ ...plain, central: { method: 8 } }]),
      'cannot be unpacked',
    ],
    ['links alone', zip([{ ...plain, attributes: 0xa1ff0000 }]), 'no member'],
  ])('refuses %s', async (_, content, message) => {
    await expect(repair(content)).rejects.toThrow(message);
  });
});
