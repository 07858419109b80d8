import { describe, expect, it } from 'vitest';
import {
  node,
  type OnnxModel,
  openSession,
  readOnnx,
  stripped,
  writeOnnx,
} from '../../src/index.ts';
import { WireWriter } from '../../src/proto/wire.ts';
import { modelOf } from '../gradient/models.ts';

const property = new WireWriter().text(1, 'author').text(2, '/home/someone/model.py').finish();

function documented(): OnnxModel {
  const plain = modelOf({ name: 'net', row: [3], out: [3], nodes: [node('Tanh', ['x'], ['y'])] });
  const documentation = new WireWriter().text(6, 'File "/home/someone/model.py"').finish();
  const { graph } = plain;
  return {
    ...plain,
    producer: 'exporter',
    rest: new WireWriter().bytes(14, property).text(6, 'a model').finish(),
    graph: {
      ...graph,
      nodes: graph.nodes.map((each) => ({ ...each, rest: documentation })),
      inputs: graph.inputs.map((value) => ({
        ...value,
        rest: new WireWriter().text(3, 'x').finish(),
      })),
      rest: new WireWriter().text(10, 'a graph').finish(),
    },
  };
}

describe('a model without documents', () => {
  it('runs as before and names nobody', async () => {
    const model = documented();
    const { model: plain, removed } = stripped(model);
    const written = writeOnnx(plain);
    expect(removed).toBe(5 + model.graph.nodes.length);
    expect(Buffer.from(written).includes('someone')).toBe(false);
    expect(Buffer.from(writeOnnx(model)).includes('someone')).toBe(true);
    const x = { type: 'float32', shape: [1, 3], data: Float32Array.of(1, -2, 0.5) } as const;
    const answers = [];
    for (const bytes of [writeOnnx(model), written]) {
      const session = await openSession(bytes);
      answers.push(await session.run({ x }));
      await session.close();
    }
    expect(answers[1]).toEqual(answers[0]);
    expect(stripped(readOnnx(written)).removed).toBe(0);
  });
  it('keeps functions', () => {
    const functions = new WireWriter().bytes(25, new Uint8Array([10, 1, 102])).finish();
    const { model } = stripped({ ...documented(), rest: functions });
    expect(model.rest).toEqual(functions);
  });
});
