/** What scans go by changes: advisories come and go, another policy is tried on what is there. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Version } from '../src/model.ts';
import { runMerlon } from './support/merlon.ts';
import { startTest, type TestPerson, type TestPlatform } from './support/platform.ts';

const folder = mkdtempSync(join(tmpdir(), 'merlon-rules-'));
const at = (name: string): string => join(folder, name);
let platform: TestPlatform;
let owner: TestPerson;
let env: Record<string, string>;
let version: Version;

beforeAll(async () => {
  platform = await startTest();
  owner = await platform.person('owner');
  const body = { name: 'rules', scope: 'platform', role: 'security' };
  const { key } = await owner.client.ask('POST', '/api/v1/keys', body);
  env = { MERLON_API_KEY: String(key), MERLON_URL: platform.running.origin };
  // A call of a class that no policy knows: worth a look, and no reason to stop.
  const own = Buffer.from('\x80\x02cacme.layers\nScale\n)\x81.', 'latin1');
  const files = {
    'requirements.txt': utf8('numpy==2.1\ntorch==2.1.0\n'),
    'own.pkl': new Uint8Array(own),
  };
  const { id } = await owner.client.ask('POST', '/api/v1/models', { name: 'rules' });
  for (const [path, content] of Object.entries(files)) {
    await owner.client.ask('PUT', `/api/v1/versions/${id}/files/${path}`, content);
  }
  const { store } = platform.running.platform.services;
  await scanned(String(id), () => owner.client.ask('POST', `/api/v1/versions/${id}/complete`));
  const found = await store.version(String(id));
  if (found === null) throw new Error('the version is gone');
  version = found;
}, 60_000);
afterAll(async () => {
  expect(platform.faults).toEqual([]);
  await platform.close();
  rmSync(folder, { recursive: true });
});

const advisory = {
  ...{ id: 'GHSA-1', aliases: ['CVE-2025-32434'], summary: 'long text that nobody keeps' },
  affected: [
    {
      package: { ecosystem: 'PyPI', name: 'torch' },
      ranges: [{ type: 'ECOSYSTEM', events: [{ introduced: '0' }, { fixed: '2.6.0' }] }],
    },
    { package: { ecosystem: 'npm', name: 'torch' }, versions: ['1.0.0'] },
  ],
};

/** Does something that makes the version be scanned, and waits for the end of that. */
async function scanned<T>(id: string, work: () => Promise<T>): Promise<T> {
  const { store, bus } = platform.running.platform.services;
  const done = async (): Promise<number> =>
    (await store.jobs({ versionId: id })).filter(
      ({ kind, state }) => kind === 'scan' && state === 'done',
    ).length;
  const before = await done();
  const again = new Promise<void>((resolve, reject) => {
    const end = bus.subscribe(() => {
      done().then((count) => {
        if (count === before) return;
        end();
        resolve();
      }, reject);
    });
  });
  const value = await work();
  await again;
  return value;
}

async function standing(): Promise<string[]> {
  const { findings } = await owner.client.ask('GET', `/api/v1/findings?version=${version.id}`);
  return (findings as { rule: string; state: string; evidence: string }[])
    .filter(({ rule }) => rule.startsWith('MRL-ADV'))
    .map(({ state, evidence }) => `${state} ${evidence}`);
}

describe('advisories', () => {
  it('are a reason to scan again, and so is their end', async () => {
    expect(await standing()).toEqual([]);
    writeFileSync(at('osv.json'), `${JSON.stringify(advisory)}\n`);
    const set = await scanned(version.id, () =>
      runMerlon(['job', 'advisories', at('osv.json')], env),
    );
    expect(set).toEqual({
      status: 0,
      told: expect.stringMatching(/^1 packages, since .*; 1 versions are scanned again\n$/),
    });
    expect(await standing()).toEqual(['open torch 2.1.0: CVE-2025-32434']);
    const step = await platform.running.platform.services.store.step(version.id, 'scan');
    const { advisories } = await owner.client.ask('GET', '/api/v1/advisories');
    expect(step?.result.advisories).toBe((advisories as { digest: string }).digest);
    // The same again is no news.
    const same = await runMerlon(['job', 'advisories', at('osv.json')], env);
    expect(same.told).toContain('; 0 versions are scanned again');
    const none = await scanned(version.id, () => runMerlon(['job', 'advisories', 'none'], env));
    expect(none.told).toBe('no advisories; 1 versions are scanned again\n');
    expect((await standing())[0]).not.toMatch(/^open/);
  }, 60_000);

  it('are refused when they are none, and to those who may not', async () => {
    writeFileSync(at('words.json'), '{"a":1}');
    const wrong = await runMerlon(['job', 'advisories', at('words.json')], env);
    expect([wrong.status, wrong.told]).toEqual([2, expect.stringContaining('expected OSV')]);
    const { client } = await platform.person('developer');
    const asked = client.ask('PUT', '/api/v1/advisories', utf8(JSON.stringify(advisory)));
    await expect(asked).rejects.toMatchObject({ code: 'forbidden' });
  });
});

describe('another policy', () => {
  it('shows which versions change before it holds', async () => {
    const policy = { version: 'acme-1', libraries: ['acme.layers'] };
    writeFileSync(at('policy.json'), JSON.stringify(policy));
    const wish = ['scan', '--policy-diff', 'shipped', at('policy.json')];
    const { status, told } = await runMerlon([...wish, '--json'], env);
    const answer = JSON.parse(told) as { versions: number; changed: unknown[] };
    expect([status, answer.versions]).toEqual([1, 1]);
    expect(answer.changed).toMatchObject([
      { versionId: version.id, changes: [{ path: 'own.pkl', before: {}, after: {} }] },
    ]);
    const text = await runMerlon(wish, env);
    expect(text.told).toMatch(/own\.pkl/);
    const same = await runMerlon(['scan', '--policy-diff', 'shipped', 'shipped'], env);
    expect(same).toEqual({ status: 0, told: '1 versions, none changes its verdict\n' });
  }, 60_000);

  it('is told in one sentence when it is none', async () => {
    writeFileSync(at('broken.json'), '{');
    for (const words of [['shipped', at('broken.json')], ['shipped', at('absent')], ['shipped']]) {
      const { status, told } = await runMerlon(['scan', '--policy-diff', ...words], env);
      expect([status, told.trim().split('\n').length <= 2]).toEqual([2, true]);
    }
  });
});
