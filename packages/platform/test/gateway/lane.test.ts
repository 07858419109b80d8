import { Agent, request } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { PlatformError } from '../../src/errors.ts';
import type { Asking, Front } from '../../src/gateway/front.ts';
import { inferLane } from '../../src/gateway/lane.ts';
import { type Doors, openDoors } from '../../src/http/listen.ts';

/** A front that refuses everything, before or after it has read the body. */
function refusing() {
  const seen: { asked: Asking[]; faults: unknown[]; ended: unknown[]; reads: boolean } = {
    ...{ asked: [], faults: [], ended: [], reads: false },
  };
  const front = {
    onFault: (error: unknown) => void seen.faults.push(error),
    infer: async (asking: Asking, read: (model: never) => unknown) => {
      seen.asked.push(asking);
      if (seen.reads) {
        await Promise.resolve(read({ inputs: [], outputs: [] } as never)).catch((error) => {
          seen.ended.push(error);
          throw error;
        });
      }
      throw new PlatformError('not-signed-in', 'who are you?');
    },
  } as unknown as Front;
  return { seen, front };
}

describe('the short way in', () => {
  const { seen, front } = refusing();
  let doors: Doors;
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  const post = (
    path: string,
    options: { body?: string | Uint8Array; headers?: object; method?: string } = {},
  ) =>
    new Promise<{ status: number | undefined; connection: string | undefined; text: string }>(
      (resolve, reject) => {
        const { body = '{}', method = 'POST', headers } = options;
        const outgoing = request(
          {
            ...{ host: 'localhost', port: doors.port, path, method, agent },
            headers: { ...headers, 'content-length': Buffer.byteLength(body) },
          },
          (incoming) => {
            let text = '';
            incoming.on('data', (part: Buffer) => {
              text += part.toString();
            });
            incoming.on('end', () => {
              const { statusCode: status, headers: told } = incoming;
              resolve({ status, connection: told.connection, text });
            });
          },
        );
        outgoing.on('error', reject);
        outgoing.end(body);
      },
    );
  beforeAll(async () => {
    doors = await openDoors({ port: 0 });
    const hosts = new Set([`localhost:${doors.port}`]);
    doors.serve(() => new Response('the long way', { status: 404 }), inferLane(front, hosts));
  });
  afterAll(async () => {
    agent.destroy();
    await doors.close();
  });
  beforeEach(() => {
    Object.assign(seen, { asked: [], faults: [], ended: [], reads: false });
  });

  it('takes questions, by whatever name and version', async () => {
    const headers = { authorization: 'Bearer mrl_x' };
    const answer = await post('/v2/models/a%20b/versions/7/infer', { headers });
    expect([answer.status, JSON.parse(answer.text)]).toMatchObject([
      401,
      { error: 'who are you?' },
    ]);
    expect(seen.asked).toEqual([{ key: 'mrl_x', name: 'a b', version: '7' }]);
    await post('/v2/models/m/infer', { headers: { 'x-api-key': 'k' } });
    expect(seen.asked[1]).toEqual({ key: 'k', name: 'm', version: null });
  });
  it.each<[string, string, object]>([
    ['other routes', '/v2/models/m', {}],
    ['other methods', '/v2/models/m/infer', { method: 'PUT' }],
    ['names that are none', '/v2/models/%E0%A4/infer', {}],
    ['questions of pages', '/v2/models/m/infer', { headers: { origin: 'https://evil.example' } }],
    ['other hosts', '/v2/models/m/infer', { headers: { host: 'evil.example' } }],
  ])('leaves %s to the long way', async (_, path, options) => {
    expect((await post(path, options)).text).toBe('the long way');
    expect(seen.asked).toEqual([]);
  });
  it('keeps the connection of a short request that it refuses, not of a long one', async () => {
    const short = await post('/v2/models/m/infer', { body: 'x'.repeat(1000) });
    expect([short.status, short.connection]).toEqual([401, 'keep-alive']);
    // The server hangs up while the body is on its way: the answer or the cut may come first.
    const long = await post('/v2/models/m/infer', { body: new Uint8Array(8 << 20) }).then(
      ({ status, connection }) => `${status} ${connection}`,
      ({ code }: NodeJS.ErrnoException) => String(code),
    );
    expect(['401 close', 'EPIPE', 'ECONNRESET']).toContain(long);
  });
  it('does not take a caller who hangs up for a fault of its own', async () => {
    seen.reads = true;
    const outgoing = request({
      ...{ host: 'localhost', port: doors.port, path: '/v2/models/m/infer', method: 'POST' },
      headers: { 'content-length': 1000 },
    });
    outgoing.on('error', () => undefined);
    outgoing.write('{"inputs"');
    await vi.waitFor(() => expect(seen.asked.length).toBe(1));
    outgoing.destroy();
    await vi.waitFor(() => expect(seen.ended).toMatchObject([{ code: 'bad-request' }]));
    expect(seen.faults).toEqual([]);
  });
});
