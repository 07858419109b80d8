import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { openUpstream } from '../../src/serve/upstream.ts';
import { type Served, startServe, stopServe } from '../support/served.ts';

const digits = fileURLToPath(new URL('../../../../models/digits-cnn.onnx', import.meta.url));
const image = { name: 'image', shape: [2, 1, 28, 28], datatype: 'FP32' };
const data = Array.from({ length: 2 * 784 }, (_, i) => (i % 256) / 255);
const question = JSON.stringify({ inputs: [{ ...image, data }] });

interface Output {
  readonly name: string;
  readonly data: readonly number[];
}

describe('a model of another server', () => {
  let behind: Served;
  let before: Served;
  const ask = async (url: string, body = question) => {
    const answer = await fetch(`${url}/infer`, { method: 'POST', body });
    const json = (await answer.json()) as { outputs?: readonly Output[]; error?: string };
    return { status: answer.status, json };
  };
  beforeAll(async () => {
    behind = await startServe(digits, '--no-auth');
    const { origin } = new URL(behind.url);
    before = await startServe('digits-cnn', '--upstream', origin, '--no-auth');
  }, 60_000);
  afterAll(async () => {
    expect(await stopServe(before)).toBe(0);
    if (behind.child.exitCode === null) await stopServe(behind);
  });

  it('is told of as it tells of itself', async () => {
    const [own, other] = await Promise.all([before.url, behind.url].map((url) => fetch(url)));
    const [told, expected] = [await own?.json(), await other?.json()] as Record<string, unknown>[];
    expect(told?.inputs).toEqual(expected?.inputs);
    expect(told?.outputs).toEqual(expected?.outputs);
  });
  it('answers through the guards, whichever way it is asked', async () => {
    const { json } = await ask(behind.url);
    const guarded = await ask(before.url);
    expect([guarded.status, guarded.json.error]).toEqual([200, undefined]);
    // Both round to two decimals, which changes nothing the second time.
    expect(guarded.json.outputs).toEqual(json.outputs);
    const many = await Promise.all(Array.from({ length: 40 }, () => ask(before.url)));
    expect(new Set(many.map(({ json: told }) => JSON.stringify(told.outputs))).size).toBe(1);
  });
  it('is not asked what a guard refuses', async () => {
    const odd = JSON.stringify({ inputs: [{ ...image, data: data.map(() => 'x') }] });
    expect(await ask(before.url, odd)).toMatchObject({ status: 422 });
    const few = JSON.stringify({ inputs: [{ ...image, shape: [1, 1, 28, 28], data }] });
    expect(await ask(before.url, few)).toMatchObject({ status: 400 });
  });
  it('is told to be away when it is', async () => {
    await stopServe(behind);
    const { status, json } = await ask(before.url);
    expect([status, json.error]).toEqual([503, expect.stringContaining('does not answer')]);
  });
});

describe('a server behind that is not what it should be', () => {
  let server: Server;
  let url = '';
  const says: { infer: unknown; metadata: unknown; status: number; asked: string } = {
    ...{ infer: {}, metadata: {}, status: 200, asked: '' },
  };
  const outputs = [{ name: 'y', datatype: 'FP32', shape: [-1, 2] }];
  const metadata = { inputs: [{ name: 'x', datatype: 'FP32', shape: [-1, 3] }], outputs };
  beforeAll(async () => {
    server = createServer((incoming, outgoing) => {
      const parts: Buffer[] = [];
      incoming.on('data', (part: Buffer) => parts.push(part));
      incoming.on('end', () => {
        const isInfer = incoming.url?.endsWith('/infer') === true;
        if (isInfer) says.asked = Buffer.concat(parts).toString();
        const told = isInfer ? says.infer : incoming.url === '/v2' ? {} : says.metadata;
        outgoing.statusCode = isInfer ? says.status : 200;
        outgoing.end(typeof told === 'string' ? told : JSON.stringify(told));
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  const input = { x: Float32Array.of(1, 2, 3) };

  it('is asked in JSON when it does not say that it takes bytes', async () => {
    says.metadata = metadata;
    says.infer = { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [0.25, 0.75] }] };
    const running = await openUpstream({ url, name: 'm' });
    expect(running.model).toMatchObject({ isClassifier: true, scores: 'y', rowShape: [3] });
    const found = await running.run(input);
    expect(found).toMatchObject({ classes: 2, labels: Int32Array.of(1) });
    expect(JSON.parse(says.asked)).toEqual({
      inputs: [{ name: 'x', datatype: 'FP32', shape: [1, 3], data: [1, 2, 3] }],
    });
    await running.close();
  });
  it.each<[string, unknown, string]>([
    ['tells nothing of itself', {}, 'tells no sound "inputs"'],
    ['has types of its own', { inputs: [{ name: 'x', datatype: 'X', shape: [1] }] }, 'inputs.0'],
    ['answers a page', '<html>', 'answered no JSON'],
  ])('is refused at the start when it %s', async (_, told, why) => {
    says.metadata = told;
    await expect(openUpstream({ url, name: 'm' })).rejects.toThrow(why);
  });
  it.each<[string, number, unknown, string, string]>([
    ['refuses', 400, { error: 'no such shape' }, 'bad-request', 'no such shape'],
    ['fails', 500, { error: 'boom' }, 'unavailable', 'boom'],
    ['tells too few', 200, { outputs: [] }, 'internal', 'no sound "y"'],
    [
      ...(['miscounts', 200] as const),
      { outputs: [{ name: 'y', datatype: 'FP32', shape: [1, 2], data: [1] }] },
      ...(['internal', 'no sound "y"'] as const),
    ],
    [
      ...(['answers other rows', 200] as const),
      { outputs: [{ name: 'y', datatype: 'FP32', shape: [2, 2], data: [1, 2, 3, 4] }] },
      ...(['internal', 'no sound "y"'] as const),
    ],
  ])('is not believed when it %s', async (_, status, told, code, why) => {
    says.metadata = metadata;
    const running = await openUpstream({ url, name: 'm' });
    Object.assign(says, { infer: told, status });
    await expect(running.run(input)).rejects.toMatchObject({
      code,
      message: expect.stringContaining(why),
    });
    await running.close();
    says.status = 200;
  });
});
