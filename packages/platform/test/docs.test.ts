import { readFileSync } from 'node:fs';
import { actions } from '@merlon/access';
import { attackTable } from '@merlon/attack';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { notBuilt, verbs } from '../src/cli/verbs.ts';
import { metricNames } from '../src/http/metrics.ts';
import { startTest, type TestPlatform } from './support/platform.ts';

const page = readFileSync(new URL('../../../docs/reference.md', import.meta.url), 'utf8');
let platform: TestPlatform;
beforeAll(async () => {
  platform = await startTest();
}, 60_000);
afterAll(() => platform.close());

describe('the reference names everything', () => {
  it.each([
    ['verbs', [...Object.keys(verbs), ...Object.keys(notBuilt)]],
    ['attacks', attackTable.map(({ name }) => name)],
    ['actions', Object.keys(actions)],
    ['metrics', Object.keys(metricNames)],
  ])('%s', (_, names) => {
    expect(names.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
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
