import { seeded } from '@merlon/core';
import {
  elementTypes,
  floatTensor,
  gradientModel,
  int,
  ints,
  node,
  type OnnxModel,
  type OnnxNode,
  openSession,
  writeOnnx,
} from '@merlon/graph';
import { describe, expect, it } from 'vitest';
import { readEncoder } from '../../src/text/encoder.ts';
import { substituteTokens } from '../../src/text/substitute.ts';
import { readVocabulary } from '../../src/text/vocabulary.ts';
import { targeted } from '../../src/threat.ts';

const words = [
  '[PAD]',
  '[CLS]',
  '[SEP]',
  'good',
  'Good',
  'bad',
  'fine',
  'poor',
  '##ly',
  '##er',
  '7',
];
for (let i = 0; words.length < 60; i++)
  words.push(`w${'abcdefghij'[i % 10]}${'klmno'[i % 5]}${'q'.repeat(1 + Math.floor(i / 10))}`);
const vocabulary = readVocabulary(`${words.join('\n')}\n`);
const width = 6;
const length = 8;
const random = seeded(3);
const normal = (count: number) => Array.from({ length: count }, () => random.normal());
const table = floatTensor('table', [60, width], normal(60 * width));
const weights = floatTensor('w', [width, 2], normal(width * 2));

function encoder(more: Partial<Record<'nodes' | 'extra', OnnxNode[]>> = {}): OnnxModel {
  const rest = new Uint8Array(0);
  const value = (name: string, elementType: number, shape: (number | string)[]) => {
    return { name, elementType, shape };
  };
  return {
    irVersion: 8,
    opsets: [{ domain: '', version: 17 }],
    producer: 'test',
    graph: {
      name: 'g',
      nodes: more.nodes ?? [
        node('Gather', ['table', 'ids'], ['e'], { axis: int(0) }),
        node('Tanh', ['e'], ['t']),
        node('ReduceMean', ['t'], ['m'], { axes: ints([1]), keepdims: int(0) }),
        node('MatMul', ['m', 'w'], ['scores']),
        ...(more.extra ?? []),
      ],
      initializers: [table, weights],
      inputs: [value('ids', elementTypes.int64, ['N', length])],
      outputs: [value('scores', elementTypes.float32, ['N', 2])],
      values: [],
      rest,
    },
    rest,
  };
}

async function open() {
  const model = encoder();
  const parts = readEncoder(model);
  const { model: gradient } = await gradientModel(parts.tail);
  return {
    encoder: parts,
    session: await openSession(writeOnnx(model)),
    gradient: await openSession(writeOnnx(gradient)),
  };
}

async function classes(target: Awaited<ReturnType<typeof open>>, ids: Int32Array) {
  const data = BigInt64Array.from(ids, BigInt);
  const answer = await target.session.run({
    ids: { type: 'int64', shape: [ids.length / length, length], data },
  });
  const scores = answer.scores?.data as Float32Array;
  return Int32Array.from({ length: ids.length / length }, (_, row) =>
    Number((scores[row * 2 + 1] ?? 0) > (scores[row * 2] ?? 0)),
  );
}

describe('substituteTokens', () => {
  const ids = Int32Array.from({ length: 12 * length }, (_, i) => {
    if (i % length === 0) return 1;
    return i % length === length - 1 ? 2 : 3 + random.integer(57);
  });

  it('turns classes by few exchanges of like for like, and says what it asked', async () => {
    const target = await open();
    const labels = await classes(target, ids);
    const batch = { ids, length, labels };
    const found = await substituteTokens(target, batch, { vocabulary, changedMax: 4 });
    const after = await classes(target, found.ids);
    let turned = 0;
    labels.forEach((label, row) => {
      const own = [...ids.subarray(row * length, (row + 1) * length)];
      const changed = [...found.ids.subarray(row * length, (row + 1) * length)];
      const moved = own.filter((id, i) => id !== changed[i]).length;
      expect(found.changed[row]).toBe(moved);
      expect(moved).toBeLessThanOrEqual(4);
      expect(after[row] !== label).toBe(moved > 0);
      own.forEach((id, i) => {
        const to = changed[i] ?? 0;
        if (to !== id) expect(vocabulary.exchangeable(id, to)).toBe(true);
      });
      turned += Number(moved > 0);
    });
    expect(turned).toBeGreaterThan(6);
    expect(found.queries).toBeLessThanOrEqual(12 * 4 * 33);
    expect(await substituteTokens(target, batch, { vocabulary, changedMax: 4 })).toEqual(found);
    const criterion = targeted(labels.map((label) => 1 - label));
    const aimed = await substituteTokens(target, batch, { vocabulary, criterion, changedMax: 4 });
    expect(aimed.changed.filter((count) => count > 0).length).toBe(turned);
    await target.session.close();
    await target.gradient.close();
  });

  it('refuses numbers and vocabularies that do not fit, and stops when told', async () => {
    const target = await open();
    const labels = Int32Array.of(0);
    const bad = { ids: new Int32Array(length).fill(60), length, labels };
    await expect(substituteTokens(target, bad, { vocabulary })).rejects.toMatchObject({
      code: 'invalid-data',
      message: 'row 1 expected token numbers below 60, got 60',
    });
    const many = readVocabulary(Array.from({ length: 61 }, (_, i) => `t${i}`).join('\n'));
    const good = { ids: new Int32Array(length).fill(5), length, labels };
    await expect(substituteTokens(target, good, { vocabulary: many })).rejects.toThrow(
      'vocabulary expected at most 60 tokens, got 61',
    );
    const signal = AbortSignal.abort();
    await expect(substituteTokens(target, good, { vocabulary, signal })).rejects.toThrow(
      'cancelled',
    );
  });
});

describe('readEncoder', () => {
  it('takes the table out', () => {
    const { input, type, tokens, width: own, tail } = readEncoder(encoder());
    expect([input, type, tokens, own]).toEqual(['ids', 'int64', 60, width]);
    expect(tail.graph.inputs[0]).toMatchObject({ name: 'merlon_embeddings', shape: ['N', 8, 6] });
    expect(tail.graph.nodes.map(({ operator }) => operator)).not.toContain('Gather');
  });

  it.each([
    [[node('Cast', ['ids'], ['f'], { to: int(1) })], /token numbers go to nothing/],
    [[node('Add', ['ids', 'ids'], ['e'])], /token numbers go to operator "Add"/],
  ])('refuses models without a look-up', (nodes, message) => {
    expect(() => readEncoder(encoder({ nodes }))).toThrow(message);
  });

  it('refuses other uses of the numbers and other inputs', () => {
    const extra = [node('Cast', ['ids'], ['c'], { to: int(1) }), node('Relu', ['c'], ['d'])];
    expect(() => readEncoder(encoder({ extra }))).toThrow('also go to operator "Relu"');
    const model = encoder();
    const [input] = model.graph.inputs;
    if (input === undefined) throw new Error('expected an input');
    const inputs = (some: (typeof input)[]) => ({
      ...model,
      graph: { ...model.graph, inputs: some },
    });
    expect(() => readEncoder(inputs([input, { ...input, name: 'mask' }]))).toThrow('got 2 inputs');
    const floats = [{ ...input, elementType: elementTypes.float32 }];
    expect(() => readEncoder(inputs(floats))).toThrow('expected token numbers');
  });
});

describe('readVocabulary', () => {
  it('exchanges like for like only', () => {
    const at = (word: string) => words.indexOf(word);
    expect(vocabulary.exchangeable(at('good'), at('bad'))).toBe(true);
    expect(vocabulary.exchangeable(at('good'), at('Good'))).toBe(false);
    expect(vocabulary.exchangeable(at('good'), at('##ly'))).toBe(false);
    expect(vocabulary.exchangeable(at('##er'), at('##ly'))).toBe(true);
    expect(vocabulary.exchangeable(at('[CLS]'), at('[SEP]'))).toBe(false);
    expect(vocabulary.exchangeable(at('7'), at('bad'))).toBe(false);
  });

  it('refuses files that are none', () => {
    expect(() => readVocabulary('')).toThrow('vocabulary expected 1 to 2000000 lines, got none');
    expect(() => readVocabulary('a\nb\na')).toThrow('vocabulary names "a" twice: lines 1 and 3');
  });
});
