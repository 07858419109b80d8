import { readdirSync, readFileSync } from 'node:fs';
import { actions } from '@merlon/access';
import { attackTable } from '@merlon/attack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parseArguments } from '../src/cli/usage.ts';
import { verbs } from '../src/cli/verbs.ts';
import { metricNames } from '../src/http/metrics.ts';
import { startTest, type TestPlatform } from './support/platform.ts';

const page = readFileSync(new URL('../../../docs/reference.md', import.meta.url), 'utf8');
const folder = new URL('../../../docs/', import.meta.url);
let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTest();
}, 60_000);
afterAll(() => platform.close());

describe('the reference names everything', () => {
  it.each([
    ['verbs', Object.keys(verbs)],
    ['attacks', attackTable.map(({ name }) => name)],
    ['actions', Object.keys(actions)],
    ['metrics', Object.keys(metricNames)],
  ])('%s', (_, names) => {
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
  it('settings', () => {
    const sources = new URL('../src/', import.meta.url);
    const texts = readdirSync(sources, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.ts'))
      .map((name) => readFileSync(new URL(name, sources), 'utf8'));
    const names = new Set(texts.join('\n').match(/\bMERLON_[A-Z0-9_]*[A-Z0-9]\b/g));
    expect(names.size).toBeGreaterThan(10);
    expect([...names].filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });
  it('routes', async () => {
    const answer = await fetch(`${platform.running.origin}/api/v1/openapi.json`);
    const { paths } = (await answer.json()) as { paths: Record<string, object> };
    const routes = Object.entries(paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `\`${method.toUpperCase()} ${path}\``),
    );
    expect(routes.length).toBeGreaterThan(25);
    expect(routes.filter((route) => !page.includes(route))).toEqual([]);
  });
});

describe('the commands of every page', () => {
  const pages = readdirSync(folder).filter((name) => name.endsWith('.md'));
  const lines = pages.flatMap((name) =>
    readFileSync(new URL(name, folder), 'utf8')
      .split('\n')
      .filter((line) => /^ {4}.*npx merlon /.test(line))
      .map((line) => [name, line.replace(/^.*npx merlon /, '').replace(/ > .*$/, '')] as const),
  );
  it('are there', () => expect(lines.length).toBeGreaterThan(20));
  it.each(lines)('%s: merlon %s', async (_, line) => {
    const [name = '', ...words] = (line.match(/"[^"]*"|\S+/g) ?? []) as string[];
    const verb = await verbs[name]?.load();
    if (verb === undefined) throw new Error(`there is no verb "${name}"`);
    const args = parseArguments(words, verb.options);
    const [action = ''] = args.positionals;
    if (verb.usage.includes(' | ')) expect(verb.usage).toContain(action);
  });
  it('are linked from the first page', () => {
    const first = readFileSync(new URL('README.md', folder), 'utf8');
    const others = pages.filter((name) => name !== 'README.md');
    expect(others.filter((name) => !first.includes(`(${name})`))).toEqual([]);
  });
});
