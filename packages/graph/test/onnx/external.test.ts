import { concat } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import {
  type ExternalPart,
  elementTypes,
  type OnnxModel,
  type OnnxTensor,
  withExternalData,
} from '../../src/index.ts';
import { WireWriter } from '../../src/proto/wire.ts';

const nothing = new Uint8Array(0);

function outside(entries: Readonly<Record<string, string>>): OnnxTensor {
  const out = new WireWriter();
  for (const [key, value] of Object.entries(entries)) {
    out.message(13, new WireWriter().text(1, key).text(2, value));
  }
  const rest = out.integer(14, 1).finish();
  return { name: 'w', elementType: elementTypes.float32, shape: [3], data: nothing, rest };
}

function modelOf(tensor: OnnxTensor): OnnxModel {
  const lists = { inputs: [], outputs: [], values: [], rest: nothing };
  const inner = { name: 'inner', nodes: [], initializers: [tensor], ...lists };
  const node = {
    ...{ name: 'branch', operator: 'If', domain: '', inputs: ['c'], outputs: ['y'] },
    attributes: { then_branch: { kind: 'graph', value: inner } as const },
  };
  return {
    ...{ irVersion: 8, opsets: [], producer: 'test', rest: nothing },
    graph: { name: 'test', nodes: [node], initializers: [tensor], ...lists },
  };
}

const file = Uint8Array.from({ length: 20 }, (_, i) => i);
const read = async ({ offset, length }: ExternalPart): Promise<Uint8Array> =>
  file.subarray(offset, length === null ? undefined : offset + length);

describe('tensors kept outside of the file', () => {
  it('are read by whom the caller names, inside of inner graphs too', async () => {
    const asked: ExternalPart[] = [];
    const tensor = outside({ location: 'weights/w.bin', offset: '4', length: '12' });
    const { graph } = await withExternalData(modelOf(tensor), async (part) => {
      asked.push(part);
      return read(part);
    });
    const inner = graph.nodes[0]?.attributes.then_branch;
    const found = inner?.kind === 'graph' ? inner.value.initializers[0] : undefined;
    for (const each of [graph.initializers[0], found]) {
      expect([each?.data, each?.rest]).toEqual([file.slice(4, 16), nothing]);
    }
    const part = { location: 'weights/w.bin', offset: 4, length: 12 };
    expect(asked).toEqual([part, part]);
  });
  it('may take the rest of their file', async () => {
    const tensor = outside({ location: 'w.bin', offset: '8' });
    const { graph } = await withExternalData(modelOf(tensor), read);
    expect(graph.initializers[0]?.data).toEqual(file.slice(8));
  });
  it.each(['/etc/passwd', '../w.bin', 'a/../../w.bin', 'C:\\w.bin', '\\\\host\\w', '', 'a\0b'])(
    'are refused at %j',
    async (location) => {
      const broken = withExternalData(modelOf(outside({ location })), read);
      await expect(broken).rejects.toMatchObject({
        code: 'invalid-model',
        message: expect.stringContaining('tensor "w" is kept at'),
      });
    },
  );
  it.each([
    ['too short', { location: 'w.bin', length: '8' }, 'does not fit 8 bytes'],
    ['too long', { location: 'w.bin', length: '16' }, 'does not fit 16 bytes'],
    ['cut off', { location: 'w.bin', offset: '12', length: '12' }, 'does not fit 8 bytes'],
    ['negative', { location: 'w.bin', offset: '-4' }, 'has a broken place "-4"'],
    ['endless', { location: 'w.bin', length: '9'.repeat(30) }, 'has a broken place "9999'],
  ])('are refused when %s', async (_, entries, message) => {
    await expect(withExternalData(modelOf(outside(entries)), read)).rejects.toThrow(message);
  });
  it('leave tensors inside the file alone', async () => {
    const data = concat([file.slice(0, 12)]);
    const tensor = { name: 'w', elementType: 1, shape: [3], data, rest: nothing };
    const { graph } = await withExternalData(modelOf(tensor), async () => {
      throw new Error('nobody asked');
    });
    expect(graph.initializers[0]).toBe(tensor);
  });
});
