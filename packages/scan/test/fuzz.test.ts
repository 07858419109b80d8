/** Whatever the bytes, scanning answers, and soon; noise is never clean. */
import { concat, memorySource, type Random, seeded, utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { type FileReport, scanSource } from '../src/index.ts';
import { blob, bytes, callWithText, field, frame, global, little, text, zip } from './support.ts';

const pickle = bytes(
  '\x80\x04',
  frame(
    bytes(
      '}\x94(',
      text('a'),
      ']\x94(K\x01K\x02e',
      text('b'),
      'G\x00\x00\x00\x00\x00\x00\x00\x00u.',
    ),
  ),
);
const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
const textual = bytes(global('collections', 'OrderedDict'), "(I1\nF1.5\nS'x'\ntRp0\n.");
const header = '{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"__metadata__":{"k":"v"}}';
const safetensors = bytes(little(header.length, 8), header, new Uint8Array(8));
const npyHeader = "{'descr': '<f4', 'fortran_order': False, 'shape': (2,), }\n";
const npy = bytes('\x93NUMPY\x01\x00', little(npyHeader.length, 2), npyHeader, new Uint8Array(8));
const node = bytes(field(1, 'x'), field(4, 'Relu'), field(7, 'custom.domain'));
const external = field(13, bytes(field(1, 'location'), field(2, '../w.bin')));
const graph = field(7, bytes(field(1, node), field(5, bytes(external, field(8, 'w')))));
const onnx = bytes(
  field(1, 8),
  field(2, 'maker'),
  graph,
  field(8, bytes(field(1, ''), field(2, 17))),
);
const gguf = bytes(
  'GGUF',
  little(3, 4),
  little(1, 8),
  little(1, 8),
  little(23, 8),
  'tokenizer.chat_template',
  little(8, 4),
  little(9, 8),
  '{{ a.b }}',
  little(1, 8),
  'w',
  little(1, 4),
  little(4, 8),
  little(0, 4),
  little(0, 8),
  new Uint8Array(16),
);
const json = utf8(
  '{"auto_map":{"x":"y"},"chat_template":"{{ messages[0].content }}","n":[1,2.5e3,null]}',
);
const archive = zip([
  { name: 'm/data.pkl', content: pickle },
  { name: 'm/data/0', content: new Uint8Array(64), deflate: true },
  { name: 'a.npy', content: npy },
]);

const seeds: Record<string, Uint8Array> = {
  pickle,
  evil,
  textual,
  safetensors,
  npy,
  onnx,
  gguf,
  json,
  archive,
  nested: blob(evil),
};

function mutate(content: Uint8Array, random: Random): Uint8Array {
  const out = content.slice();
  const at = random.integer(out.length);
  switch (random.integer(6)) {
    case 0:
      out[at] = random.integer(256);
      return out;
    case 1:
      out[at] = (out[at] ?? 0) ^ (1 << random.integer(8));
      return out;
    case 2:
      return out.slice(0, at);
    case 3:
      return concat([out.slice(0, at), out.slice(random.integer(out.length))]);
    case 4:
      return concat([out.slice(0, at), Uint8Array.of(255, 255, 255, 255), out.slice(at + 4)]);
    default:
      return concat([out.slice(0, at), out.slice(0, random.integer(40)), out.slice(at)]);
  }
}

describe('mutations', () => {
  it.each(Object.keys(seeds))('of %s are answered', async (name) => {
    const random = seeded(21).fork(name);
    const seed = seeds[name] ?? new Uint8Array(0);
    const started = performance.now();
    for (let round = 0; round < 300; round++) {
      let content = mutate(seed, random);
      for (let more = random.integer(3); more > 0; more--) content = mutate(content, random);
      for (const profile of ['ml', 'strict'] as const) {
        const report: FileReport = await scanSource(memorySource(content), { path: name, profile });
        expect(report.size).toBe(content.length);
      }
    }
    expect(performance.now() - started).toBeLessThan(10_000);
  });

  it('that are only noise are answered', async () => {
    const random = seeded(22);
    for (let round = 0; round < 500; round++) {
      const content = Uint8Array.from({ length: random.integer(400) }, () => random.integer(256));
      const report = await scanSource(memorySource(content), { path: 'noise', profile: 'ml' });
      if (content.length > 16) expect(report.verdict).not.toBe('clean');
    }
  });

  it('that cut a dangerous pickle behind its call keep the finding', async () => {
    for (let length = evil.length - 1; length <= evil.length; length++) {
      const source = memorySource(evil.slice(0, length));
      const report = await scanSource(source, { path: 'x', profile: 'ml' });
      expect(report.findings[0]?.rule).toBe('MRL-PKL-001');
    }
  });
});
