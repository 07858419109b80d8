/** Graphs of TensorFlow: which operators leave them, and which files they touch by name. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytes, field, rulesOf, scan } from '../support.ts';

const attribute = (name: string, value: Uint8Array) =>
  field(5, bytes(field(1, name), field(2, value)));
const node = (name: string, type: string, inputs: string[] = [], ...more: Uint8Array[]) =>
  field(1, nodeOf(name, type, inputs, ...more));
const nodeOf = (name: string, type: string, inputs: string[] = [], ...more: Uint8Array[]) =>
  bytes(field(1, name), field(2, type), ...inputs.map((each) => field(3, each)), ...more);
const constant = (name: string, value: string) =>
  node(name, 'Const', [], attribute('value', field(8, bytes(field(1, 7), field(8, value)))));
const functions = (...of: [string, Uint8Array][]) =>
  field(2, bytes(...of.map(([name, body]) => field(1, bytes(field(1, field(1, name)), body)))));
const info = field(1, bytes(field(4, 'serve'), field(5, '2.15.0')));
const saved = (graph: Uint8Array, ...more: Uint8Array[]) =>
  bytes(field(1, 1), field(2, bytes(info, field(2, graph), ...more)));
const rulesFor = async (content: Uint8Array) => rulesOf(await scan(content, { path: 'm.pb' }));

describe('files of a graph', () => {
  it('that it writes by a constant name are told', async () => {
    const write = (path: string) =>
      saved(bytes(constant('p', path), node('s', 'SaveV2', ['p:0', 'n'])));
    expect(await rulesFor(write('/var/lib/x'))).toEqual(['MRL-TFS-001 high']);
    expect(await rulesFor(write('../x'))).toEqual(['MRL-TFS-001 high']);
    expect(await rulesFor(write('model'))).toEqual([]);
    const joined = bytes(
      constant('p', '/srv/a'),
      node('j', 'StringJoin', ['p', 'q']),
      node('m', 'MergeV2Checkpoints', ['j', 'j']),
    );
    expect(await rulesFor(saved(joined))).toEqual(['MRL-TFS-001 high']);
  });

  it('that the loader names are harmless', async () => {
    const graph = bytes(
      node('name', 'Placeholder'),
      constant('suffix', '_temp/part'),
      node('j', 'StringJoin', ['name', 'suffix']),
      node('s', 'SaveV2', ['j']),
      node('m', 'MergeV2Checkpoints', ['j', 'name']),
      node('r', 'RestoreV2', ['name']),
    );
    expect(await rulesFor(saved(graph))).toEqual([]);
  });

  it('that it reads by an absolute name are told, assets are not', async () => {
    const table = bytes(
      constant('p', '/home/x/words.txt'),
      node('t', 'InitializeTableFromTextFileV2', ['h', 'p']),
    );
    expect(await rulesFor(saved(table))).toEqual(['MRL-TFS-001 medium']);
    const asset = field(6, bytes(field(1, field(1, 'p:0')), field(2, 'words.txt')));
    expect(await rulesFor(saved(table, asset))).toEqual([]);
  });

  it('that tensors are sent to are told', async () => {
    const watch = (url: string) =>
      saved(node('d', 'DebugIdentityV2', ['x'], attribute('urls', field(1, field(2, url)))));
    expect(await rulesFor(watch('grpc://a.example:6007'))).toContain('MRL-TFS-001 high');
    expect(await rulesFor(watch(''))).toEqual(['MRL-TFS-001 medium']);
  });

  it('have no place in a graph without variables', async () => {
    const save = bytes(node('x', 'Placeholder'), node('s', 'SaveV2', ['x']));
    expect(await rulesFor(save)).toEqual(['MRL-TFS-001 medium']);
    expect(await rulesFor(bytes(save, node('v', 'VariableV2')))).toEqual([]);
  });
});

describe('operators', () => {
  it('are found in functions of a meta graph', async () => {
    const inside = functions(['f', field(3, nodeOf('p', 'PyFunc'))]);
    const meta = (library: Uint8Array) =>
      bytes(field(1, field(4, 'train')), field(2, bytes(node('x', 'Placeholder'), library)));
    expect(await rulesFor(meta(inside))).toEqual(['MRL-TFS-001 high']);
    expect(await rulesFor(meta(functions(['f', field(3, nodeOf('p', 'Relu'))])))).toEqual([]);
  });

  it('that TensorFlow does not have are told, functions of the graph are not', async () => {
    const graph = bytes(node('x', 'Placeholder'), node('y', 'FancyScan', ['x']));
    expect(await rulesFor(saved(graph))).toEqual(['MRL-CUS-001 medium']);
    const own = functions(['FancyScan', field(3, nodeOf('p', 'Relu'))]);
    expect(await rulesFor(saved(bytes(graph, own)))).toEqual([]);
  });

  it('are found in graphs that are text', async () => {
    const text = (operator: string) =>
      scan(utf8(`node {\n  name: "a"\n  op: "${operator}"\n}\n`), { path: 'graph.pbtxt' });
    expect(rulesOf(await text('WriteFile'))).toEqual(['MRL-TFS-001 high']);
    expect(rulesOf(await text('MatMul'))).toEqual([]);
  });
});

describe('layers in keras_metadata.pb', () => {
  const metadata = (configuration: object) =>
    field(
      1,
      bytes(
        field(2, 1),
        field(3, 'root.layer-0'),
        field(4, '_tf_keras_layer'),
        field(5, JSON.stringify(configuration)),
      ),
    );
  it('are audited as Keras configurations', async () => {
    const code = { class_name: 'Lambda', config: { function: ['YQ==', null, null] } };
    expect(await rulesFor(metadata(code))).toEqual(['MRL-JSN-003 high']);
    const dense = { class_name: 'Dense', config: { units: 8 } };
    expect(await scan(metadata(dense), { path: 'keras_metadata.pb' })).toMatchObject({
      formats: ['keras-metadata'],
      verdict: 'clean',
    });
  });
});
