/** Objects of other languages, text in other encodings, pickles inside of texts and tensors. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytes, callWithText, little, raw, rulesOf, scan, zip } from '../support.ts';

const safe = bytes('\x80\x04}\x8c\x14', 'k'.repeat(20), ']s.');
const evil = bytes('\x80\x04', callWithText('os', 'system', 'echo inert'), '.');
const base64 = (content: Uint8Array) => Buffer.from(content).toString('base64');
const rulesFor = async (content: Uint8Array | string, path = 'model') =>
  rulesOf(await scan(typeof content === 'string' ? utf8(content) : content, { path }));

describe('objects of Java', () => {
  const named = (name: string) =>
    bytes('\xac\xed\0\x05sr\0', name.length, name, new Uint8Array(8), '\x02\0\0xp');
  it('that attacks chain together are told', async () => {
    const chained = named('org.apache.commons.collections4.functors.InvokerTransformer');
    expect(await rulesFor(chained)).toEqual(['MRL-JAV-001 high']);
  });
  it('of a model are noted, and never called clean', async () => {
    const report = await scan(named('weka.classifiers.bayes.NaiveBayes'), { path: 'nb.model' });
    expect(rulesOf(report, 'note')).toEqual(['MRL-JAV-002 note']);
    expect(report.verdict).toBe('not-understood');
  });
});

describe('BSON', () => {
  const document = (...elements: Uint8Array[]) => {
    const content = bytes(...elements, 0);
    return bytes(little(content.length + 4, 4), content);
  };
  const string = (name: string, value: string) =>
    bytes(2, name, 0, little(value.length + 1, 4), value, 0);
  it('that holds code is told', async () => {
    const inner = document(string('tag', 'anonymous'));
    expect(await rulesFor(document(bytes(3, 'f', 0, inner)))).toEqual(['MRL-BSN-001 high']);
    expect(await rulesFor(document(string('f', 'Base.run(`true`)')))).toEqual(['MRL-BSN-001 high']);
  });
  it('of arrays is clean', async () => {
    const array = document(
      string('tag', 'array'),
      bytes(5, 'data', 0, little(8, 4), 0, new Uint8Array(8)),
      bytes(16, 'size', 0, little(2, 4)),
    );
    const report = await scan(document(bytes(3, 'w', 0, array)), { path: 'm.bson' });
    expect(report).toMatchObject({ formats: ['bson'], verdict: 'clean', findings: [] });
  });
  it('that breaks is told', async () => {
    expect(await rulesFor(document(bytes(2, 'a', 0, little(9999, 4), 'x')))).toEqual([
      'MRL-MSG-001 medium',
    ]);
  });
});

describe('compiled Lua', () => {
  it('that names what starts programs is told', async () => {
    const dump = (...names: string[]) => bytes('\x08\0\0\0\x01\0\0\0\x1bLJ\x02\0', ...names);
    expect(await rulesFor(dump('\x03os\x08execute\0'), 'm.t7')).toEqual(['MRL-BIN-001 high']);
    expect(await rulesFor(dump('\x05math\x04floor\0'), 'm.t7')).toEqual([]);
  });
});

describe('pickles in base64', () => {
  const json = (content: Uint8Array) => JSON.stringify({ a: { ':serialized:': base64(content) } });
  it('are audited in JSON, also in an archive, and in files of their own', async () => {
    expect(await rulesFor(json(evil), 'data.json')).toContain('MRL-PKL-001 critical');
    const archive = zip([{ name: 'data', content: utf8(json(evil)) }]);
    expect(await rulesFor(archive, 'agent.zip')).toContain('MRL-PKL-001 critical');
    const lines = base64(evil).replace(/(.{20})/g, '$1\n');
    expect(await rulesFor(lines, 'm.b64')).toEqual(['MRL-PKL-001 critical']);
    expect(await rulesFor(`state: ${base64(evil)}\n`, 'a.yaml')).toEqual(['MRL-PKL-001 critical']);
  });
  it('that are harmless are told where a loader unpickles them', async () => {
    expect(await rulesFor(json(safe), 'data.json')).toEqual(['MRL-JSN-004 medium']);
  });
  it('are not seen in other texts of that alphabet', async () => {
    const noise = base64(Uint8Array.from({ length: 90 }, (_, i) => (i * 89) % 256));
    expect(
      await rulesFor(JSON.stringify({ a: noise, b: `gAS${'A'.repeat(40)}` }), 'a.json'),
    ).toEqual([]);
  });
});

describe('tensors of bytes', () => {
  const file = (content: Uint8Array) => {
    const tensor = { dtype: 'U8', shape: [content.length], data_offsets: [0, content.length] };
    const header = JSON.stringify({ a: tensor });
    return bytes(little(header.length, 8), header, content);
  };
  it('that are a whole pickle are audited, and no others', async () => {
    expect(await rulesFor(file(evil), 'm.safetensors')).toEqual(['MRL-SFT-005 high']);
    expect(await rulesFor(file(safe), 'm.safetensors')).toEqual([]);
    expect(await rulesFor(file(bytes(evil, 'x')), 'm.safetensors')).toEqual([]);
  });
  it('behind a header that nobody can hold are told', async () => {
    const forged = bytes(little(2 ** 40, 8), '{"a":{"dtype":"F32"');
    expect(await rulesFor(forged, 'm.safetensors')).toEqual(['MRL-SFT-001 high']);
    // A text whose ninth sign is a bracket.
    const plain = await scan(utf8('{"data":{"a":1}}'), { path: 'a.json' });
    expect(plain).toMatchObject({ formats: ['json'], verdict: 'clean' });
    const cut = bytes(little(4000, 8), '{"a":{"dtype":"F32"');
    expect(await rulesFor(cut, 'm.safetensors')).toEqual(['MRL-SFT-001 medium']);
  });
});

describe('XML', () => {
  const wide = (text: string) => bytes('\xff\xfe', new Uint8Array(Buffer.from(text, 'utf16le')));
  const head = '<?xml version="1.0" encoding="UTF-16"?>';
  it('in UTF-16 is read', async () => {
    const outside = `${head}<!DOCTYPE P [<!ENTITY x SYSTEM "file:///x">]><PMML>&x;</PMML>`;
    expect(await rulesFor(wide(outside), 'm.pmml')).toEqual(['MRL-XML-001 high']);
    const big = new Uint8Array(Buffer.from(`\ufeff${outside}`, 'utf16le').swap16());
    expect(await rulesFor(big, 'm.pmml')).toEqual(['MRL-XML-001 high']);
    const plain = await scan(wide(`${head}<PMML><Header/></PMML>`), { path: 'm.pmml' });
    expect(plain).toMatchObject({ formats: ['xml'], verdict: 'clean', findings: [] });
  });
  it('whose entities grow is told', async () => {
    const entity = (i: number) => `<!ENTITY e${i} "${`&e${i - 1};`.repeat(10)}">`;
    const bomb = (levels: number) => {
      const entities = Array.from({ length: levels }, (_, i) => entity(i + 1)).join('');
      return `<!DOCTYPE P [<!ENTITY e0 "lol">${entities}]><PMML/>`;
    };
    expect(await rulesFor(bomb(9), 'm.pmml')).toEqual(['MRL-XML-002 high']);
    expect(await rulesFor(bomb(2), 'm.pmml')).toEqual(['MRL-XML-002 medium']);
    const itself = '<!DOCTYPE P [<!ENTITY a "&b;"><!ENTITY b "&a;">]><PMML/>';
    expect(await rulesFor(itself, 'm.pmml')).toEqual(['MRL-XML-002 high']);
  });
  it('of OpenVINO that points outside of its weights is told', async () => {
    const network = (offset: string) => {
      const data = `<data offset="${offset}" size="256"/>`;
      const layer = `<layer id="0" name="w" type="Const" version="opset1">${data}</layer>`;
      return `<net name="m" version="11"><layers>${layer}</layers></net>`;
    };
    expect(await rulesFor(network('18446744073709551000'), 'm.xml')).toEqual(['MRL-XML-004 high']);
    expect(await rulesFor(network('4096'), 'm.xml')).toEqual([]);
  });
});

describe('raw text', () => {
  it('with zeros is no UTF-16 by that alone', async () => {
    expect((await scan(raw('a\0b\0c\0d\0'), { path: 'a.txt' })).verdict).toBe('not-understood');
  });
});
