/** Arrays, GGUF, tar, pictures, compressed files, SavedModels, HDF5, programs. */
import { deflateSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { bytes, callWithText, field, little, raw, rulesOf, scan } from '../support.ts';

const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const critical = 'MRL-PKL-001 critical';

function npy(descr: string, shape: string, data: Uint8Array): Uint8Array {
  const header = `{'descr': ${descr}, 'fortran_order': False, 'shape': ${shape}, }\n`;
  return bytes('\x93NUMPY\x01\x00', little(header.length, 2), header, data);
}

describe('NumPy arrays', () => {
  it('of numbers are clean', async () => {
    const report = await scan(npy("'<f4'", '(2, 3)', new Uint8Array(24)), { path: 'a.npy' });
    expect(report).toMatchObject({ formats: ['npy'], verdict: 'clean', findings: [] });
    expect((await scan(npy("'<f8'", '()', new Uint8Array(8)))).verdict).toBe('clean');
  });
  it('of objects are read as pickles', async () => {
    const report = await scan(npy("'|O'", '(1,)', evil));
    expect(rulesOf(report, 'note')).toEqual([critical, 'MRL-NPY-002 note']);
    expect(rulesOf(await scan(npy("[('a', '|O')]", '(1,)', evil)))).toEqual([critical]);
  });
  it('of another length than they say are told', async () => {
    expect(rulesOf(await scan(npy("'<f4'", '(2,)', new Uint8Array(9))))).toEqual([
      'MRL-FIL-005 medium',
    ]);
    const forged = await scan(npy("'<f8'", `(${2 ** 50},)`, new Uint8Array(16)));
    expect(rulesOf(forged)).toEqual(['MRL-NPY-001 high']);
    const cut = await scan(npy("'<f4'", '(2,)', new Uint8Array(7)));
    expect(rulesOf(cut)).toEqual(['MRL-NPY-001 medium']);
    expect(cut.coverage.incomplete[0]?.reason).toBe('the array ends early');
  });
  it('whose header is an expression are flagged', async () => {
    const called = await scan(npy("dict(a=1) or '<f8'", '(3,)', new Uint8Array(24)));
    expect(rulesOf(called)).toEqual(['MRL-NPY-001 high']);
    const computed = await scan(npy("'<f8'", '(int(3),)', new Uint8Array(24)));
    expect(rulesOf(computed)).toEqual(['MRL-NPY-001 high']);
  });
  it('with a broken header are flagged', async () => {
    expect(rulesOf(await scan(raw('\x93NUMPY\x01\x00\xff\xff{')))).toEqual(['MRL-NPY-001 medium']);
  });
});

describe('GGUF', () => {
  const pair = (key: string, type: number, value: Uint8Array) =>
    bytes(little(key.length, 8), key, little(type, 4), value);
  const string = (value: string) => bytes(little(value.length, 8), value);
  const gguf = (pairs: Uint8Array[], tensors: Uint8Array[] = []) =>
    bytes(
      'GGUF',
      little(3, 4),
      little(tensors.length, 8),
      little(pairs.length, 8),
      ...pairs,
      ...tensors,
    );
  const read = (content: Uint8Array) => scan(content, { path: 'm.gguf' });

  it('with a plain template is clean', async () => {
    const template = string("{% for m in messages %}{{ m['content'] }}{% endfor %}");
    const list = bytes(little(8, 4), little(2, 8), string('a'), string('b'));
    const numbers = bytes(little(4, 4), little(3, 8), new Uint8Array(12));
    const tensor = bytes(string('w'), little(1, 4), little(4, 8), little(0, 4), little(0, 8));
    const pairs = [
      pair('tokens', 9, list),
      pair('n', 9, numbers),
      pair('tokenizer.chat_template', 8, template),
    ];
    const report = await read(gguf(pairs, [tensor]));
    expect(report).toMatchObject({ formats: ['gguf'], verdict: 'clean', findings: [] });
  });
  it('CVE-2024-34359: a template that reaches for Python', async () => {
    const template = string("{{ ''.__class__.__mro__[1].__subclasses__() }}");
    const report = await read(gguf([pair('tokenizer.chat_template', 8, template)]));
    expect(rulesOf(report)).toEqual(['MRL-TPL-001 critical']);
  });
  it('that lies about its lengths is flagged', async () => {
    expect(rulesOf(await read(gguf([pair('k', 8, little(2 ** 40, 8))])))).toEqual([
      'MRL-GGF-001 high',
    ]);
    expect(
      rulesOf(await read(bytes('GGUF', little(3, 4), little(2 ** 50, 8), little(0, 8)))),
    ).toEqual(['MRL-GGF-001 high']);
    expect(rulesOf(await read(raw('GGUF\x03')))).toEqual(['MRL-GGF-001 medium']);
  });
});

describe('tar archives', () => {
  function entry(name: string, content: Uint8Array, type = '0', mode = 0o644): Uint8Array {
    const header = new Uint8Array(512);
    header.set(raw(name));
    header.set(raw(`${mode.toString(8).padStart(7, '0')}\0`), 100);
    header.set(raw(`${content.length.toString(8).padStart(11, '0')}\0`), 124);
    header.set(raw('        '), 148);
    header.set(raw(type), 156);
    const sum = header.reduce((total, byte) => total + byte, 0);
    header.set(raw(`${sum.toString(8).padStart(6, '0')}\0 `), 148);
    return bytes(header, content, new Uint8Array((512 - (content.length % 512)) % 512));
  }
  const tar = (...entries: Uint8Array[]) => bytes(...entries, new Uint8Array(1024));

  it('are read member by member', async () => {
    const report = await scan(tar(entry('a.txt', raw('text')), entry('m.pkl', evil)), {
      path: 'x.tar',
    });
    expect(report).toMatchObject({
      formats: ['tar'],
      findings: [{ location: { member: 'm.pkl' } }],
    });
    expect(rulesOf(report)).toEqual([critical]);
  });
  it('with links and paths that climb are flagged', async () => {
    const links = await scan(tar(entry('a', new Uint8Array(0), '2'), entry('../b', raw('x'))));
    expect(rulesOf(links)).toEqual(['MRL-ARC-008 high', 'MRL-ARC-004 high']);
  });
  it('that were cut are incomplete', async () => {
    expect(
      (await scan(tar(entry('a', new Uint8Array(5000).fill(97))).slice(0, 2000))).verdict,
    ).toBe('incomplete');
  });
  it('with members that run as their owner are told', async () => {
    const end = new Uint8Array(1024);
    const tar = (mode: number) => bytes(entry('tool', raw('data\n'), '0', mode), end);
    expect(rulesOf(await scan(tar(0o4755), { path: 'a.tar' }))).toEqual(['MRL-ARC-011 medium']);
    expect(rulesOf(await scan(tar(0o755), { path: 'a.tar' }))).toEqual([]);
  });
});

describe('compressed files', () => {
  it.each([
    ['gzip', (content: Uint8Array) => gzipSync(content), 'm.pkl.gz'],
    ['zlib', (content: Uint8Array) => deflateSync(content), 'm.joblib'],
    ['zstd', (content: Uint8Array) => zstdCompressSync(content), 'm.zst'],
  ])('%s is unpacked', async (format, pack, path) => {
    const report = await scan(new Uint8Array(pack(evil)), { path });
    expect(report.formats).toEqual([format]);
    expect(rulesOf(report)).toEqual([critical]);
  });
  it('that end early keep what came out', async () => {
    const packed = new Uint8Array(gzipSync(bytes(evil, new Uint8Array(100_000)), { level: 0 }));
    const report = await scan(packed.slice(0, 50_000), { path: 'm.pkl.gz' });
    expect(rulesOf(report)).toContain(critical);
    expect(report.coverage.incomplete.length).toBeGreaterThan(0);
  });
  it('of large results are unpacked again, not kept', async () => {
    const filler = new Uint8Array(20_000_000).fill(0x4e);
    const stream = bytes(
      '\x80\x04(',
      filler.subarray(0, 1_000_000),
      '1B',
      little(18_000_000, 4),
      filler.subarray(0, 18_000_000),
      '0',
      evil.slice(2),
    );
    const report = await scan(new Uint8Array(gzipSync(stream, { level: 1 })), { path: 'm.pkl.gz' });
    expect(rulesOf(report)).toContain(critical);
  });
  it.each([
    ['7z', '7z\xbc\xaf\x27\x1c\0\x04'],
    ['xz', '\xfd7zXZ\0\0\x04'],
    ['bzip2', 'BZh91AY&SY..'],
    ['lz4', '\x04"M\x18\x64\x40'],
    ['lzma', '\x5d\0\0\x80\0\xff\xff\xff\xff\xff\xff\xff\xff\0....'],
  ])('%s that is cut short is recognised and never clean', async (format, content) => {
    const report = await scan(raw(content), { path: 'packed' });
    expect(report).toMatchObject({ formats: [format], verdict: 'incomplete' });
  });
});

describe('pictures', () => {
  const chunk = (type: string, data: Uint8Array) =>
    bytes(little(data.length, 4).reverse(), type, data, new Uint8Array(4));
  const png = bytes(
    '\x89PNG\r\n\x1a\n',
    chunk('IHDR', new Uint8Array(13)),
    chunk('IDAT', raw('abc')),
    chunk('IEND', new Uint8Array(0)),
  );
  it('PNG is walked to its end', async () => {
    expect(await scan(png, { path: 'a.png' })).toMatchObject({
      formats: ['png'],
      verdict: 'clean',
    });
    expect(rulesOf(await scan(bytes(png, evil)))).toContain('MRL-FIL-005 medium');
    expect((await scan(png.slice(0, -6))).verdict).toBe('incomplete');
  });
  it('JPEG must have its end mark', async () => {
    expect((await scan(raw('\xff\xd8\xff\xe0aaa\xff\xd9'))).verdict).toBe('clean');
    expect((await scan(raw('\xff\xd8\xff\xe0aaa'))).verdict).toBe('incomplete');
  });
});

describe('other models', () => {
  it('SavedModels are walked node by node', async () => {
    const model = (operator: string) =>
      field(2, field(2, field(1, bytes(field(1, 'n'), field(2, operator)))));
    expect(rulesOf(await scan(model('PyFunc'), { path: 'saved_model.pb' }))).toEqual([
      'MRL-TFS-001 high',
    ]);
    expect(rulesOf(await scan(model('WriteFile')))).toEqual(['MRL-TFS-001 high']);
    expect(rulesOf(await scan(model('MatchingFiles')))).toEqual(['MRL-TFS-001 medium']);
    expect(await scan(model('Relu'))).toMatchObject({
      formats: ['saved-model'],
      verdict: 'clean',
    });
  });
  it('programs are told', async () => {
    expect(rulesOf(await scan(raw('\x7fELF\x02\x01\x01\0')))).toEqual(['MRL-FIL-003 high']);
    const exe = new Uint8Array(200);
    exe.set(raw('MZ'));
    exe.set(little(128, 4), 60);
    exe.set(raw('PE\0\0'), 128);
    expect(rulesOf(await scan(exe, { path: 'model.onnx' }))).toEqual([
      'MRL-FIL-003 high',
      'MRL-FIL-001 medium',
    ]);
  });
  it('unknown content is never clean', async () => {
    const report = await scan(raw('\x01\x02\x03\xfe\xff'.repeat(20)));
    expect(report).toMatchObject({ formats: [], verdict: 'not-understood' });
    expect(report.coverage.notUnderstood).toEqual([{ member: '', reason: 'unknown content' }]);
  });
  it('an empty file is clean, and says that it is empty', async () => {
    expect(await scan(new Uint8Array(0))).toMatchObject({ formats: ['empty'], verdict: 'clean' });
  });
});
