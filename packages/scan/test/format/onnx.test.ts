/** ONNX models by their structure. */
import { describe, expect, it } from 'vitest';
import { bytes, field, rulesOf, scan } from '../support.ts';

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
    expect(rulesOf(await read(model(graph)))).toEqual(['MRL-ONX-005 medium']);
  });
});
