/** ONNX models by their structure. */
import { describe, expect, it } from 'vitest';
import { bytes, field, rulesOf, scan, varints } from '../support.ts';

const opset = field(8, bytes(field(1, ''), field(2, 17)));
const tensor = (extra: Uint8Array = new Uint8Array(0)) =>
  bytes(field(1, 2), field(2, 1), field(8, 'w'), extra);
const entry = (key: string, value: string) => field(13, bytes(field(1, key), field(2, value)));
const nodeOf = (type: string, domain = '', attribute: Uint8Array = new Uint8Array(0)) =>
  bytes(field(1, 'x'), field(2, 'y'), field(4, type), field(7, domain), attribute);
const node = (...of: Parameters<typeof nodeOf>) => field(1, nodeOf(...of));
const model = (...graph: Uint8Array[]) =>
  bytes(field(1, 8), field(2, 'maker'), field(7, bytes(...graph, field(2, 'g'))), opset);

const read = async (content: Uint8Array) => scan(content, { path: 'model.onnx' });

describe('ONNX', () => {
  it('that stands for itself is clean', async () => {
    const weights = field(5, tensor(field(9, new Uint8Array(100_000))));
    const report = await read(model(node('Relu'), weights));
    expect(report).toMatchObject({ formats: ['onnx'], verdict: 'clean', findings: [] });
  });

  it.each(['../w.bin', '/etc/passwd', 'C:\\w', 'a/../../w', '\\\\host\\w', 'https://x/w'])(
    'with weights at %s is flagged',
    async (location) => {
      const report = await read(model(field(5, tensor(entry('location', location)))));
      expect(rulesOf(report)).toEqual(['MRL-ONX-001 high']);
      expect(report.findings[0]).toMatchObject({ cve: expect.arrayContaining(['CVE-2024-27318']) });
    },
  );

  it('with weights beside it says where', async () => {
    const ranges = [
      ['offset', '-4096'],
      ['length', '4611686018427387904'],
    ] as const;
    for (const [key, value] of ranges) {
      const forged = await read(model(field(5, tensor(entry(key, value)))));
      expect(rulesOf(forged)).toContain('MRL-ONX-005 high');
    }
    const report = await read(model(field(5, tensor(entry('location', 'weights.bin')))));
    expect(report).toMatchObject({
      verdict: 'clean',
      findings: [{ rule: 'MRL-ONX-002', severity: 'note', evidence: 'weights.bin' }],
    });
  });

  it('is walked into attributes, subgraphs and functions', async () => {
    const hidden = field(5, tensor(entry('location', '../w')));
    const subgraph = field(5, bytes(field(1, 'body'), field(6, hidden)));
    expect(rulesOf(await read(model(node('Loop', '', subgraph))))).toEqual(['MRL-ONX-001 high']);
    const constant = field(5, bytes(field(1, 'value'), field(5, tensor(entry('location', '/w')))));
    expect(rulesOf(await read(model(node('Constant', '', constant))))).toEqual([
      'MRL-ONX-001 high',
    ]);
    const helper = field(
      25,
      bytes(field(1, 'f'), field(7, nodeOf('Op', 'evil.ops')), field(10, 'o')),
    );
    expect(rulesOf(await read(bytes(model(node('Relu')), helper)))).toEqual(['MRL-ONX-003 medium']);
  });

  it('with operators of a custom library is flagged, of its own or the runtime not', async () => {
    expect(rulesOf(await read(model(node('Op', 'evil.ops'))))).toEqual(['MRL-ONX-003 medium']);
    expect((await read(model(node('FusedConv', 'com.microsoft')))).verdict).toBe('clean');
    const own = field(25, bytes(field(1, 'Op'), field(10, 'my.own')));
    expect((await read(bytes(model(node('Op', 'my.own')), own))).findings).toEqual([]);
    expect(rulesOf(await read(model(node('PyOp', 'ai.onnx.contrib'))))).toContain(
      'MRL-ONX-003 high',
    );
  });

  it('with a compiled blob is flagged', async () => {
    const report = await read(model(node('EPContext', 'com.microsoft')));
    expect(rulesOf(report)).toEqual(['MRL-ONX-004 medium']);
  });

  it('that was cut is never clean', async () => {
    const whole = model(node('Relu'), field(5, tensor(field(9, new Uint8Array(40)))));
    for (let length = 1; length < whole.length - opset.length; length++) {
      expect((await read(whole.slice(0, length))).verdict, String(length)).not.toBe('clean');
    }
  });

  it('that nests without end is flagged', async () => {
    let graph: Uint8Array = new Uint8Array(0);
    for (let i = 0; i < 100; i++) graph = node('If', '', field(5, field(6, graph)));
    expect(rulesOf(await read(model(graph)))).toEqual(['MRL-ONX-005 high']);
  });

  const call = (domain: string, type: string) => field(7, nodeOf(type, domain));
  const fn = (domain: string, name: string, ...calls: Uint8Array[]) =>
    field(25, bytes(field(1, name), ...calls, field(10, domain)));
  const shape = (...values: number[]) =>
    bytes(field(1, values.length), field(2, 7), field(8, 's'), field(7, varints(values)));

  it('whose functions call themselves or double at every level is told', async () => {
    const circle = bytes(
      model(node('F', 'own')),
      fn('own', 'F', call('own', 'G')),
      fn('own', 'G', call('own', 'F')),
    );
    expect(rulesOf(await read(circle))).toEqual(['MRL-ONX-006 high']);
    const doubling = Array.from({ length: 30 }, (_, i) =>
      fn('own', `F${i}`, call('own', `F${i + 1}`), call('own', `F${i + 1}`)),
    );
    const bomb = await read(bytes(model(node('F0', 'own')), ...doubling));
    expect(rulesOf(bomb)).toEqual(['MRL-ONX-006 high']);
    // A function of the same name as the standard operator that it uses, and a chain of calls.
    const plain = [fn('own', 'Relu', call('', 'Relu')), fn('own', 'A', call('own', 'Relu'))];
    expect((await read(bytes(model(node('A', 'own')), ...plain))).findings).toEqual([]);
  });

  it('that makes huge tensors of small numbers is told', async () => {
    const input = (type: string) =>
      field(1, bytes(field(1, 's'), field(2, 'y'), field(4, type), field(7, '')));
    const bomb = model(input('ConstantOfShape'), field(5, shape(2 ** 20, 2 ** 20)));
    expect(rulesOf(await read(bomb))).toEqual(['MRL-ONX-006 high']);
    const plain = model(input('ConstantOfShape'), field(5, shape(64, 2048)));
    expect((await read(plain)).findings).toEqual([]);
    const unused = model(input('Gather'), field(5, shape(2 ** 20, 2 ** 20)));
    expect((await read(unused)).findings).toEqual([]);
    const ints = field(5, bytes(field(1, 'shape'), field(8, varints([2 ** 20, 2 ** 20]))));
    expect(rulesOf(await read(model(node('RandomNormal', '', ints))))).toEqual([
      'MRL-ONX-006 high',
    ]);
    const endless = model(input('Loop'), field(5, shape(2 ** 60)));
    expect(rulesOf(await read(endless))).toEqual(['MRL-ONX-006 medium']);
    expect((await read(model(input('Loop'), field(5, shape(100))))).findings).toEqual([]);
  });

  it('that hands a library or a path to an accelerator is told', async () => {
    const attribute = (value: string) => field(5, bytes(field(1, 'ep'), field(4, value)));
    const context = (value: string) =>
      read(model(node('EPContext', 'com.microsoft', attribute(value))));
    expect(rulesOf(await context('lib/custom.so'))).toContain('MRL-CUS-002 high');
    expect(rulesOf(await context('../blob.bin'))).toContain('MRL-ONX-001 high');
    expect(rulesOf(await context('blob.bin'))).toEqual(['MRL-ONX-004 medium']);
  });

  it('with bytes that nobody reads, or that do not fit, is told', async () => {
    expect(rulesOf(await read(bytes(model(), field(99, new Uint8Array(500)))))).toEqual([
      'MRL-FIL-005 medium',
    ]);
    const blob = Buffer.from(Array.from({ length: 600 }, (_, i) => (i * 89) % 256));
    const property = (value: string) =>
      bytes(model(), field(14, bytes(field(1, 'notes'), field(2, value))));
    expect(rulesOf(await read(property(blob.toString('base64'))))).toEqual(['MRL-CFG-002 medium']);
    const pickle = Buffer.from(bytes('\x80\x04', ']'.repeat(20), '.')).toString('base64');
    expect(rulesOf(await read(property(pickle)))).toEqual(['MRL-CFG-002 medium']);
    expect((await read(property("{0: 'person', 1: 'dog'}"))).findings).toEqual([]);
    const weights = (length: string) =>
      field(5, tensor(bytes(entry('location', 'w.bin'), entry('length', length))));
    expect(rulesOf(await read(model(weights('8'))))).toEqual([]);
    expect(rulesOf(await read(model(weights('4000'))))).toEqual(['MRL-ONX-005 medium']);
  });
});
