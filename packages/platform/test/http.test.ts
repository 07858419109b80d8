import { utf8 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TourClient } from '../src/tour/client.ts';
import { startTest, type TestPerson, type TestPlatform } from './support/platform.ts';

let platform: TestPlatform;
let developer: TestPerson;
let security: TestPerson;
let stranger: TourClient;

beforeAll(async () => {
  platform = await startTest();
  developer = await platform.person('developer');
  security = await platform.person('security');
  stranger = new TourClient(platform.running.origin);
}, 60_000);
afterAll(async () => {
  expect(platform.faults).toEqual([]);
  await platform.close();
});

/** Brings one file in as a model and waits for its scan. */
async function bring(name: string, path: string, bytes: Uint8Array): Promise<string> {
  const { id } = await developer.client.ask('POST', '/api/v1/models', { name });
  await developer.client.ask('PUT', `/api/v1/versions/${id}/files/${path}`, bytes);
  await developer.client.ask('POST', `/api/v1/versions/${id}/complete`);
  return String(id);
}

describe('who may ask', () => {
  it('nobody without a session or key, on any route of the API', async () => {
    const answer = await stranger.ask('GET', '/api/v1/openapi.json');
    const paths = Object.entries(answer.paths as Record<string, Record<string, unknown>>);
    expect(paths.length).toBeGreaterThan(25);
    for (const [path, methods] of paths) {
      for (const method of Object.keys(methods)) {
        if (path === '/api/v1/session' || path === '/api/v1/invites/accept') continue;
        const at = path.replace(/\{\w+\}/g, 'x');
        const body = method === 'get' ? undefined : {};
        const { status, answer: problem } = await stranger.attempt(method.toUpperCase(), at, body);
        // A body that cannot be right is told before the caller is known; nothing is given away.
        expect([at, [400, 401].includes(status)]).toEqual([at, true]);
        expect(problem.title).toBeTypeOf('string');
      }
    }
  });
  it('a person without a second factor sees nothing', async () => {
    const { client } = await platform.person('owner', false);
    for (const path of ['models', 'keys', 'people', 'ledger/verify', 'incidents']) {
      const { status, answer } = await client.attempt('GET', `/api/v1/${path}`);
      expect([path, status, answer.code]).toEqual([path, 403, 'second-factor-needed']);
    }
  });
  it('a role does what it includes and nothing else', async () => {
    const invite = await developer.client.attempt('POST', '/api/v1/invites', { role: 'owner' });
    expect(invite.answer).toMatchObject({
      status: 403,
      code: 'forbidden',
      detail: '"person.invite" is refused: the role "developer" does not include it',
    });
    expect((await developer.client.attempt('POST', '/api/v1/keys', { name: 'k' })).status).toBe(
      403,
    );
    expect((await security.client.attempt('POST', '/api/v1/keys', { name: 'k' })).status).toBe(201);
  });
  it('a disabled person is out at once', async () => {
    const gone = await platform.person('auditor');
    expect((await gone.client.attempt('GET', '/api/v1/models')).status).toBe(200);
    await security.client.ask('POST', `/api/v1/people/${gone.id}/disable`, { why: 'left' });
    expect((await gone.client.attempt('GET', '/api/v1/models')).status).toBe(401);
  });
  it('a one-time link works once', async () => {
    const owner = await platform.person('owner');
    const { token } = await owner.client.ask('POST', '/api/v1/invites', { role: 'auditor' });
    const body = { token, name: 'B', email: 'once@example.com', password: 'correct horse battery' };
    expect((await stranger.attempt('POST', '/api/v1/invites/accept', body)).status).toBe(201);
    const again = { ...body, email: 'twice@example.com' };
    const { answer } = await stranger.attempt('POST', '/api/v1/invites/accept', again);
    expect(answer).toMatchObject({
      code: 'forbidden',
      detail: 'this link is not valid, or was used',
    });
  });
  it('other sites and other hosts are refused', async () => {
    const { origin } = platform.running;
    const { port } = new URL(origin);
    const foreign = await fetch(`${origin}/api/v1/models`, {
      method: 'POST',
      headers: { origin: 'http://evil.example', 'content-type': 'application/json' },
      body: '{}',
    });
    expect(foreign.status).toBe(403);
    const { request } = await import('node:http');
    const status = await new Promise<number | undefined>((resolve, reject) => {
      const headers = { host: 'rebound.example' };
      const asked = request({ port, host: '127.0.0.1', path: '/api/v1/session', headers });
      asked.on('response', (response) => resolve(response.resume().statusCode));
      asked.on('error', reject);
      asked.end();
    });
    expect(status).toBe(403);
  });
});

describe('bad input', () => {
  const cases: readonly [string, string, unknown, number, RegExp][] = [
    ['POST', '/api/v1/models', { name: 'Bad Name!' }, 400, /^"name" expected lower-case letters/],
    ['POST', '/api/v1/models', {}, 400, /^"name" /],
    ['POST', '/api/v1/models', 'not json', 400, /^"body" /],
    ['GET', '/api/v1/versions/none', undefined, 404, /^there is no version "none"$/],
    ['POST', '/api/v1/versions/none/complete', {}, 404, /^there is no version/],
    ['GET', '/api/v1/incidents/none', undefined, 404, /^there is no incident/],
    ['POST', '/api/v1/jobs/none/cancel', {}, 404, /^there is no job/],
    ['GET', '/api/v1/nonsense', undefined, 404, /^there is nothing at \/api\/v1\/nonsense$/],
    ['GET', '/api/v1/ledger/entries?limit=-1', undefined, 400, /^"limit" /],
    ['GET', '/api/v1/ledger/tile/9/zzz', undefined, 422, /tile/],
    ['DELETE', '/api/v1/models', undefined, 404, /nothing at/],
  ];
  it.each(cases)('%s %s %j → %i', async (method, path, body, status, detail) => {
    const found = await security.client.attempt(method, path, body);
    expect(found.status).toBe(status);
    expect(found.answer).toMatchObject({ status, type: expect.stringContaining('problems/') });
    expect(String(found.answer.detail)).toMatch(detail);
    expect(JSON.stringify(found.answer)).not.toMatch(/node_modules|\.ts:|\n\s+at /);
  });
  it('paths cannot climb out of a version', async () => {
    const { id } = await developer.client.ask('POST', '/api/v1/models', { name: 'climber' });
    for (const path of ['..%2f..%2fetc', 'a%2f..%2fb', 'a%00b', '%ff']) {
      const at = `/api/v1/versions/${id}/files/${path}`;
      const { status } = await developer.client.attempt('PUT', at, utf8('x'));
      expect([path, status]).toEqual([path, 400]);
    }
    const empty = await developer.client.attempt('POST', `/api/v1/versions/${id}/complete`);
    expect(empty.answer.detail).toBe('a version expects at least one file, got none');
  });
  it('files that are no model end as refused or not understood, never as an outage', async () => {
    const onnx = utf8('\x08\x08\x3a\x7f');
    const files: readonly [string, string, Uint8Array][] = [
      ['empty', 'model.onnx', new Uint8Array(0)],
      ['one-byte', 'model.pkl', utf8('.')],
      ['truncated', 'model.onnx', onnx],
      ['random', 'model.bin', Uint8Array.from({ length: 5000 }, (_, i) => (i * 7919) % 251)],
    ];
    for (const [name, path, bytes] of files) {
      const id = await bring(name, path, bytes);
      const done = await waitForStep(id, 'scan');
      expect([name, done.state]).toEqual([name, 'refused']);
    }
  });
  it('a complete version takes no more files and needs its steps before approval', async () => {
    const id = await bring('late', 'model.txt', utf8('nothing but words\n'));
    const at = `/api/v1/versions/${id}/files/more.txt`;
    const { answer } = await developer.client.attempt('PUT', at, utf8('x'));
    expect(answer).toMatchObject({ status: 409, code: 'conflict' });
    const code = security.code();
    const path = `/api/v1/versions/${id}/approve`;
    const wrong = await security.client.attempt('POST', path, { code: '000000' });
    expect(wrong.answer.code).toBe('second-factor-needed');
    const early = await security.client.attempt('POST', path, { code });
    expect(early.answer).toMatchObject({ code: 'not-ready' });
    expect(String(early.answer.detail)).toContain('step "assess" is not done');
    const serve = await security.client.attempt('POST', `/api/v1/versions/${id}/serve`, {
      name: 'x',
    });
    expect(serve.answer).toMatchObject({ status: 403, code: 'not-approved' });
    const assess = await developer.client.attempt('POST', `/api/v1/versions/${id}/assess`, {
      samples: -1,
      wrong: 1,
    });
    expect(assess.status).toBe(400);
  });
});

describe('operations', () => {
  it('tells health, metrics and its own description', async () => {
    const { origin } = platform.running;
    expect(await (await fetch(`${origin}/livez`)).text()).toBe('ok');
    const metrics = await (await fetch(`${origin}/metrics`)).text();
    expect(metrics).toMatch(/^# TYPE merlon_infer_requests counter\n/);
    expect(metrics.endsWith('# EOF\n')).toBe(true);
  });
  it('the ledger proves itself, and says so when something was changed', async () => {
    const { ledger, store } = platform.running.platform.services;
    const report = await ledger.verify();
    expect(report).toMatchObject({ valid: true, faults: [] });
    expect(report.size).toBe(await store.ledgerSize());
    const size = report.size;
    await store.addLedgerEntries([{ index: size, leaf: '{"forged":true}' }]);
    expect((await ledger.verify()).faults).toContain(
      `the checkpoint signs ${size} entries, ${size + 1} are there`,
    );
  });
});

async function waitForStep(id: string, step: string): Promise<{ state: string }> {
  const { bus, store } = platform.running.platform.services;
  for (;;) {
    let wake: () => void = () => undefined;
    const news = new Promise<void>((resolve) => {
      wake = resolve;
    });
    const end = bus.subscribe((each) => {
      if (each.id === id) wake();
    });
    const found = await store.step(id, step as 'scan');
    if (found !== null && found.state !== 'running') {
      end();
      return found;
    }
    await news;
    end();
  }
}
