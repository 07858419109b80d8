import { uuidv7 } from '@merlon/core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Deployment, ServeEvent } from '../../src/model.ts';
import { tightenDeployment } from '../../src/serve/serve.ts';
import { startTest, type TestPlatform } from '../support/platform.ts';
import { keyFor, serveModel } from '../support/serving.ts';
import { mixed, withInsides } from './models.ts';

const a = { name: 'a', datatype: 'FP32', shape: [3, 2], data: [1, 2, 3, 4, 5, 6] };
const count = { name: 'count', datatype: 'INT64', shape: [3, 2], data: [1, 2, 3, 4, 5, 6] };
const note = { name: 'note', datatype: 'BYTES', shape: [3], data: ['a', 'b', 'c'] };
const several = { inputs: [a, count, note] };

describe('a served model of any kind', () => {
  let platform: TestPlatform;
  const served: Deployment[] = [];
  const ask = (path: string, key: string | null, body?: object) =>
    fetch(`${platform.running.origin}/v2${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: key === null ? {} : { authorization: `Bearer ${key}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    });
  const serve = async (name: string, bytes: Uint8Array): Promise<void> => {
    const guards = { output: { decimals: 1 } };
    const deployment = await serveModel(platform, { name, bytes, guards });
    await platform.running.platform.watch.begin(deployment);
    served.push(deployment);
  };
  const keyOf = (budgetRows: number, scope: 'inference' | 'platform' = 'inference') =>
    keyFor(platform, { budgetRows, scope });
  const events = async ({ versionId, startedAt: since }: Deployment): Promise<ServeEvent[]> =>
    platform.running.platform.services.store.events({ versionId, since, limit: 100 });
  beforeAll(async () => {
    platform = await startTest();
    await serve('several', mixed());
    await serve('insides', withInsides());
  }, 120_000);
  afterAll(async () => {
    await platform.close();
    expect(platform.faults).toEqual([]);
  });

  it('spends rows, and tells the ledger of events what was answered and refused', async () => {
    const key = await keyOf(5);
    const [several0] = served;
    if (several0 === undefined) throw new Error('nothing is served');
    const first = await ask('/models/several/infer', key, several);
    expect([first.status, await first.json()]).toMatchObject([
      200,
      { model_name: 'several', model_version: several0.versionId },
    ]);
    const bad = await ask('/models/several/infer', key, { inputs: [a] });
    expect(bad.status).toBe(400);
    const second = await ask('/models/several/infer', key, several);
    expect([second.status, second.headers.get('retry-after'), await second.json()]).toMatchObject([
      429,
      '60',
      { error: "the key's budget has 2 rows left today" },
    ]);
    const told = (await events(several0)).map((each) => [each.decision, each.reason, each.rows]);
    expect(told.reverse()).toEqual([
      ['answered', '', 3],
      ['refused', 'bad-request', 0],
      ['refused', 'budget-spent', 3],
    ]);
  });
  it('shows detectors the rows and classes, where it has them', async () => {
    const insides = served[1];
    if (insides === undefined) throw new Error('nothing is served');
    const inputs = [{ ...a, name: 'x', data: [0, 1, 3, 2, 0, 4] }];
    const answer = await ask('/models/insides/infer', await keyOf(5), { inputs });
    expect(answer.status).toBe(200);
    const [event] = await events(insides);
    expect([event?.labels, event?.rows]).toEqual([[1, 0, 1], 3]);
    const { input } = event ?? {};
    const copy = input?.slice() ?? new Uint8Array(0);
    expect([...new Float32Array(copy.buffer)]).toEqual([0, 1, 3, 2, 0, 4]);
    const { watch } = platform.running.platform;
    expect(watch.status(insides.id).length).toBeGreaterThan(0);
  });
  it('is replaced without a lost request', { timeout: 60_000 }, async () => {
    const key = await keyOf(10_000);
    const { services, host } = platform.running.platform;
    const body = { inputs: [{ ...a, name: 'x', data: [0, 1, 3, 2, 0, 4] }] };
    await serve('swapped', withInsides());
    const answers = new Map<string, number>();
    let asking = true;
    const caller = async (): Promise<void> => {
      while (asking) {
        const answer = await ask('/models/swapped/infer', key, body);
        const { model_version: version, error } = (await answer.json()) as Record<string, string>;
        const told = `${answer.status} ${error ?? version}`;
        answers.set(told, (answers.get(told) ?? 0) + 1);
      }
    };
    const callers = Array.from({ length: 8 }, caller);
    for (let swap = 0; swap < 3; swap++) {
      const former = served.at(-1);
      if (former === undefined) throw new Error('nothing is served');
      const next: Deployment = { ...former, id: uuidv7(services.clock) };
      await host.open(next);
      await services.store.transaction(async (tx) => {
        await tx.updateDeployment(former.id, { state: 'stopped' });
        await tx.addDeployment(next);
      });
      await host.close(former.id);
      served.push(next);
    }
    asking = false;
    await Promise.all(callers);
    const last = served.pop();
    await services.store.updateDeployment(String(last?.id), { state: 'stopped' });
    await host.close(String(last?.id));
    expect([...answers.keys()]).toEqual([`200 ${last?.versionId}`]);
    expect([...answers.values()][0]).toBeGreaterThan(30);
  });
  it('is asked in the version that is served', async () => {
    const key = await keyOf(5);
    const version = served[0]?.versionId ?? '';
    for (const path of ['', '/ready']) {
      const answer = await ask(`/models/several/versions/${version}${path}`, key);
      expect(answer.status).toBe(200);
    }
    const other = await ask('/models/several/versions/7/infer', key, several);
    expect([other.status, await other.json()]).toMatchObject([
      404,
      { error: '"several" is not served in version "7"' },
    ]);
  });
  it('stands in the index of keys that may ask it', async () => {
    const names = async (key: string | null) => {
      const answer = await ask('/repository/index', key, {});
      const list = (await answer.json()) as { name: string; state: string }[];
      return [answer.status, Array.isArray(list) ? list.map(({ name }) => name).sort() : list];
    };
    expect(await names(await keyOf(1))).toEqual([200, ['insides', 'several']]);
    expect(await names(null)).toMatchObject([401, { error: 'this needs a valid API key' }]);
    expect(await names('mrl_wrong')).toMatchObject([401, {}]);
    const [status, list] = await names(await keyOf(1, 'platform'));
    expect([status, list]).toEqual([200, []]);
    const denied = await ask('/models/several', await keyOf(1, 'platform'));
    expect(denied.status).toBe(403);
  });
  it('is not tightened by a guard that cannot work', async () => {
    const { services, host, workspaceId } = platform.running.platform;
    const actor = { kind: 'person', id: 'x', name: 'x', workspaceId } as never;
    const id = served[1]?.id ?? '';
    const tighten = (level: number) => tightenDeployment({ services, host }, actor, { id, level });
    await expect(tighten(2)).rejects.toThrow('the guard "output.topK" cannot work here');
    expect((await services.store.deployment(id))?.guards).toEqual({ output: { decimals: 1 } });
  });
});
