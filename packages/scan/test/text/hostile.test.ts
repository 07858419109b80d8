/** Texts made to keep a scanner busy: time stays in step with their length. */
import { utf8 } from '@merlon/core';
import { describe, expect, it } from 'vitest';
import { bytes, field, scan } from '../support.ts';

const msMax = 4000;
const many = (text: string) => text.repeat(Math.ceil(300_000 / text.length));
const entities = Array.from({ length: 200 }, (_, i) => `<!ENTITY e${i} "${'&e0;&e1;'.repeat(5)}">`);

describe('hostile texts', () => {
  it.each([
    ['open scripts', 'a.html', many('<script>')],
    ['open images', 'a.json', JSON.stringify({ chat_template: `{{ '${many('![')}' }}` })],
    ['empty lines', 'log.ini', `[handlers]\n${many('\n')}`],
    ['empty cells', 'a.csv', many(',\n ')],
    ['comments', 'a.pbtxt', `${many('# a \n')}x`],
    ['entities in circles', 'a.pmml', `<!DOCTYPE P [${entities.join('')}]><PMML/>`],
    ['downloads', 'README.md', many('curl https://a.example ')],
    ['base64', 'a.json', `{"a":"${many('gAS')}"}`],
    ['calls of a kernel', 'a.html', `<script>${many('kernel.execute(')}</script>`],
    ['conditions', 'a.json', JSON.stringify({ chat_template: many("{% if 'abc' in m[") })],
  ])('%s', async (_, path, text) => {
    const started = performance.now();
    await scan(utf8(text), { path });
    expect(performance.now() - started).toBeLessThan(msMax);
  });

  it('names of files that are joined from each other', async () => {
    const node = (i: number) =>
      field(
        1,
        bytes(
          field(1, `n${i}`),
          field(2, 'StringJoin'),
          ...Array.from({ length: 16 }, (_, k) => field(3, `n${(i + k) % 40}`)),
        ),
      );
    const nodes = Array.from({ length: 40 }, (_, i) => node(i));
    const save = field(1, bytes(field(1, 's'), field(2, 'SaveV2'), field(3, 'n0')));
    const started = performance.now();
    await scan(bytes(...nodes, save), { path: 'graph.pb' });
    expect(performance.now() - started).toBeLessThan(msMax);
  });
});
