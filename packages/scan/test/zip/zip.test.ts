/** Archives as every reader could see them. */
import { concat, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytes, callWithText, little, type MemberPlan, rulesOf, scan, zip } from '../support.ts';

const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const safe = bytes('\x80\x02}.');
const critical = 'MRL-PKL-001 critical';
const member = (plan: Partial<MemberPlan>): MemberPlan => ({
  name: 'archive/data.pkl',
  content: evil,
  ...plan,
});

const rare = {
  bzip2: [
    '425a68393141592653593e56d11100000ed3c05010400110400a639c2042002000229a00d34c',
    '99a85309a680d3128528ca798c6ba670ecb877b550714104f8bb9229c28481f2b68888',
  ].join(''),
  lzma: [
    '090405005d000001000040008803bc30bd34de2f5e26d069fb36a79d86ef9c16627b30aa528b',
    '743913f72af416bfffeb198000',
  ].join(''),
};

async function rules(members: MemberPlan[], prefix = bytes()): Promise<string[]> {
  return rulesOf(await scan(zip(members, prefix), { path: 'model.pt' }));
}

describe('contradictions', () => {
  it.each<[string, Partial<MemberPlan>]>([
    ['CVE-2025-1944: two names', { local: { name: 'archive/other.txt' } }],
    ['CVE-2025-1945: the encryption bit', { local: { flags: 1 } }],
    ['CVE-2025-1945: the patch bit', { local: { flags: 0x20 } }],
    ['CVE-2025-1945: the strong encryption bit', { central: { flags: 0x40 } }],
    ['two methods', { local: { method: 8 } }],
    ['two sizes', { local: { size: 1 } }],
  ])('%s', async (_, plan) => {
    const found = await rules([member(plan)]);
    expect(found).toContain(critical);
    expect(found).toContain('MRL-ARC-001 high');
  });

  it('CVE-2025-10156: a wrong checksum hides nothing', async () => {
    expect(await rules([member({ local: { crc: 1 }, central: { crc: 1 } })])).toEqual([
      critical,
      'MRL-ARC-009 medium',
    ]);
  });

  it('members that the directory leaves out', async () => {
    const found = await rules([member({ content: safe }), member({ name: 'x.pkl', hidden: true })]);
    expect(found).toContain(critical);
    expect(found).toContain('MRL-ARC-001 high');
  });

  it('two members of one name', async () => {
    const found = await rules([member({ content: safe }), member({})]);
    expect(found).toEqual([critical, 'MRL-ARC-002 medium']);
    expect(
      await rules([member({ content: safe }), member({ name: 'ARCHIVE/data.pkl', content: safe })]),
    ).toEqual(['MRL-ARC-002 medium']);
  });

  it('two directories', async () => {
    const both = concat([zip([member({})]), zip([member({ content: safe })])]);
    expect(rulesOf(await scan(both))).toContain('MRL-ARC-001 high');
    expect(rulesOf(await scan(both))).toContain(critical);
  });

  it('members that share bytes', async () => {
    const archive = zip([
      member({ name: 'a', content: safe }),
      member({ name: 'b', content: safe }),
    ]);
    const second = archive.findLastIndex(
      (byte, i) => byte === 0x50 && archive[i + 1] === 0x4b && archive[i + 2] === 1,
    );
    const changed = archive.slice();
    changed.set(little(0, 4), second + 42);
    expect(rulesOf(await scan(changed))).toContain('MRL-ARC-003 high');
  });

  it('many members that share the same bytes are not each unpacked', async () => {
    const names = Array.from({ length: 40 }, (_, i) => `m${i}`);
    const changed = zip(names.map((name) => member({ name, content: safe }))).slice();
    for (let i = 0; i < changed.length - 46; i++) {
      const isEntry = changed[i] === 0x50 && changed[i + 1] === 0x4b && changed[i + 2] === 1;
      if (isEntry) changed.set(little(0, 4), i + 42);
    }
    const report = await scan(changed);
    expect(rulesOf(report)).toContain('MRL-ARC-003 high');
    expect(JSON.stringify(report)).toContain('35 members that overlap others');
  });
});

describe('packed by rarer methods', () => {
  // `echo inert` in a pickle, packed by the raw streams of Python's bz2 and zipfile's LZMA.
  it('are found in the members', async () => {
    const { bzip2, lzma } = rare;
    const packed = (method: number, hex: string): MemberPlan =>
      member({
        ...{ content: Uint8Array.from(Buffer.from(hex, 'hex')) },
        ...{ local: { method }, central: { method } },
      });
    expect(await rules([packed(12, bzip2)])).toContain(critical);
    expect(await rules([packed(14, lzma)])).toContain(critical);
  });
});

describe('surroundings', () => {
  it('bytes before the archive are audited too', async () => {
    const found = await rules([member({ content: safe })], evil);
    expect(found).toContain(critical);
    expect(found).toContain('MRL-FIL-002 medium');
  });
  it('bytes behind it are told', async () => {
    const archive = concat([zip([member({ content: safe })]), utf8('more')]);
    expect(rulesOf(await scan(archive))).toEqual(['MRL-ARC-007 medium']);
  });
  it('a cut archive is not clean', async () => {
    const archive = zip([member({ content: safe }), member({ name: 'b', content: safe })]);
    for (let length = 4; length < archive.length; length++) {
      expect((await scan(archive.slice(0, length))).verdict, String(length)).not.toBe('clean');
    }
  });
  it('a cut archive still shows its members', async () => {
    expect(rulesOf(await scan(zip([member({})]).slice(0, -30)))).toContain(critical);
  });
});

describe('members', () => {
  it.each(['../evil', '/etc/x', 'a/../../b', 'C:\\x', '..\\x', 'a\0b'])(
    'named %j',
    async (name) => {
      expect(await rules([member({ name, content: safe })])).toContain('MRL-ARC-004 high');
    },
  );
  it('that are links', async () => {
    const link = member({ content: utf8('/etc/passwd'), attributes: 0xa1ff0000 });
    expect(await rules([link])).toContain('MRL-ARC-008 high');
  });
  it('that are compressed', async () => {
    expect(await rules([member({ deflate: true })])).toEqual([critical]);
  });
  it('that are encrypted', async () => {
    const noise = Uint8Array.from({ length: 50 }, (_, i) => (i * 197 + 131) & 255);
    const found = await rules([
      member({ content: noise, local: { flags: 1 }, central: { flags: 1 } }),
    ]);
    expect(found).toEqual(['MRL-ARC-006 medium']);
  });
  it('by an unknown method are not clean', async () => {
    const plan = member({ content: safe, local: { method: 99 }, central: { method: 99 } });
    const report = await scan(zip([plan]));
    expect(report.verdict).toBe('not-understood');
    expect(report.coverage.notUnderstood).toEqual([
      { member: 'archive/data.pkl', reason: 'compression method 99' },
    ]);
  });
  it('of archives in archives are named outermost first', async () => {
    const inner = zip([member({ name: 'in.pkl' })]);
    const report = await scan(zip([member({ name: 'out.zip', content: inner })]));
    expect(report.findings[0]).toMatchObject({
      rule: 'MRL-PKL-001',
      location: { member: 'out.zip!in.pkl', offset: 26 },
    });
  });
});

describe('limits', () => {
  it('nesting', async () => {
    let archive = zip([member({})]);
    for (let i = 0; i < 12; i++) archive = zip([member({ name: 'a.zip', content: archive })]);
    const report = await scan(archive);
    expect(rulesOf(report)).toEqual(['MRL-ARC-010 medium']);
    expect(report.coverage.incomplete[0]?.reason).toBe('nested too deeply');
    let shallow = zip([member({ content: safe })]);
    for (let i = 0; i < 4; i++) shallow = zip([member({ name: 'a.zip', content: shallow })]);
    expect((await scan(shallow)).findings).toEqual([]);
  });
  it('bombs', async () => {
    const zeros = member({ name: 'zeros', content: new Uint8Array(3_000_000), deflate: true });
    const report = await scan(zip([zeros]), { limits: { inflatedBytesMax: 1_000_000 } });
    expect(rulesOf(report)).toEqual(['MRL-ARC-005 medium']);
    expect(report.coverage.incomplete[0]?.reason).toBe('unpacks to more than the limit');
  });
  it('bombs end early, whatever the limit', async () => {
    const zeros = member({ name: 'zeros', content: new Uint8Array(2 ** 27 + 1), deflate: true });
    const report = await scan(zip([zeros]));
    expect(rulesOf(report)).toEqual(['MRL-ARC-005 high']);
    const small = member({ name: 'zeros', content: new Uint8Array(2 ** 22), deflate: true });
    expect((await scan(zip([small]))).findings).toEqual([]);
  });
  it('members', async () => {
    const many = Array.from({ length: 50 }, (_, i) => member({ name: `m${i}`, content: safe }));
    const report = await scan(zip(many), { limits: { membersMax: 10 } });
    expect(report.verdict).not.toBe('clean');
  });
});
