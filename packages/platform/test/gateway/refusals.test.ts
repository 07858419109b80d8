import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { mixed, withInsides } from './models.ts';
import { binaryBody, openSeat, readAnswer, type TestSeat } from './seat.ts';

const a = { name: 'a', datatype: 'FP32', shape: [1, 2], data: [1, 2] };
const count = { name: 'count', datatype: 'INT64', shape: [1, 2], data: [1, 2] };
const note = { name: 'note', datatype: 'BYTES', shape: [1], data: ['hello'] };
const body = (more: object = {}) => JSON.stringify({ inputs: [a, count, note], ...more });
const instead = (of: object) => body({ inputs: [{ ...a, ...of }, count, note] });
const deep = `{"inputs":${'['.repeat(100_000)}${']'.repeat(100_000)}}`;
const bytes = { ...a, data: undefined };
const large = 65 << 20;

/** What is sent, and the status and sentence that come back. */
const refusals: Readonly<
  Record<
    string,
    readonly [
      sent: string | Uint8Array<ArrayBuffer>,
      status: number,
      sentence: RegExp,
      headers?: Record<string, string>,
    ]
  >
> = {
  'no JSON': ['nope', 400, /^the body expected a JSON inference request$/],
  'NaN in JSON': [body().replace('[1,2]', '[NaN,2]'), 400, /JSON inference request/],
  'a list': ['[]', 400, /^"inputs" expected a list of tensors$/],
  'inputs that are no list': ['{"inputs":{}}', 400, /^"inputs" expected a list of tensors$/],
  'inputs that are no objects': ['{"inputs":[1]}', 400, /^"inputs" expected objects with a name$/],
  'lists in lists without end': [deep, 400, /^"inputs" expected objects with a name$/],
  'a missing input': [
    body({ inputs: [a, count] }),
    400,
    /^"inputs" expected the tensors "a", "count", "note", got "a", "count"$/,
  ],
  'no input': [body({ inputs: [] }), 400, /got none$/],
  'an unknown input': [instead({ name: 'z' }), 400, /got "z", "count", "note"$/],
  'an input of no name': [instead({ name: null }), 400, /got "null", "count", "note"$/],
  'an input twice': [
    body({ inputs: [a, count, note, a] }),
    400,
    /^"inputs" expected "a" once, got it twice$/,
  ],
  'another type': [
    instead({ datatype: 'FP64' }),
    400,
    /^the datatype of "a" expected FP32, got "FP64"$/,
  ],
  'an unknown type': [instead({ datatype: 'FP8' }), 400, /expected FP32, got "FP8"$/],
  'a type named as a method': [instead({ datatype: 'toString' }), 400, /got "toString"$/],
  'another rank': [
    instead({ shape: [2] }),
    400,
    /^the shape of "a" expected \[N, 2\] with N from 1 to 4096, got \[2\]$/,
  ],
  'another width': [instead({ shape: [1, 3] }), 400, /got \[1,3\]$/],
  'no rows': [instead({ shape: [0, 2], data: [] }), 400, /got \[0,2\]$/],
  'negative rows': [instead({ shape: [-1, 2] }), 400, /got \[-1,2\]$/],
  'too many rows': [instead({ shape: [4097, 2] }), 400, /N from 1 to 4096, got \[4097,2\]$/],
  'half a row': [instead({ shape: [0.5, 2] }), 400, /got \[0\.5,2\]$/],
  'a shape of texts': [instead({ shape: ['1', '2'] }), 400, /got \["1","2"\]$/],
  'no shape': [instead({ shape: undefined }), 400, /got none$/],
  'too few numbers': [instead({ data: [1] }), 400, /^the data of "a" expected 2 numbers, got 1$/],
  'no data': [instead({ data: undefined }), 400, /^the data of "a" expected a list$/],
  'a missing value': [instead({ data: [1, null] }), 422, /^"a" element 1 is not a finite number$/],
  'data in both places': [
    instead({ parameters: { binary_data_size: 8 } }),
    400,
    /^"a" expected "data" or "binary_data_size", got both$/,
  ],
  'bytes that are not there': [
    instead({ data: undefined, parameters: { binary_data_size: 8 } }),
    400,
    /^"a" expected its bytes behind the JSON, got 8 announced and 0 sent$/,
  ],
  'a negative number of bytes': [
    instead({ data: undefined, parameters: { binary_data_size: -8 } }),
    400,
    /^"binary_data_size" of "a" expected a number of bytes, got -8$/,
  ],
  'too few bytes': [
    ...sent({ ...bytes, parameters: { binary_data_size: 4 } }, 4, 400),
    /^"a" expected 8 bytes of FP32, got 4$/,
    length({ ...bytes, parameters: { binary_data_size: 4 } }, 4),
  ],
  'bytes of nobody': [
    ...sent({ ...bytes, parameters: { binary_data_size: 8 } }, 9, 400),
    /^1 bytes behind the JSON belong to no tensor$/,
    length({ ...bytes, parameters: { binary_data_size: 8 } }, 9),
  ],
  'a length beyond the body': [
    body(),
    400,
    /^"inference-header-content-length" expected at most the \d+ bytes of the body, got 1e9$/,
    { 'inference-header-content-length': '1e9' },
  ],
  'a length that cuts the JSON': [
    body(),
    400,
    /^the body expected a JSON inference request$/,
    { 'inference-header-content-length': '7' },
  ],
  'an unknown output': [
    body({ outputs: [{ name: 'z' }] }),
    400,
    /^"outputs" expected "sum", "told", "isMore", got "z"$/,
  ],
  'an output twice': [
    body({ outputs: [{ name: 'sum' }, { name: 'sum' }] }),
    400,
    /^"outputs" expected "sum" once, got it twice$/,
  ],
  'outputs that are no list': [body({ outputs: 'sum' }), 400, /^"outputs" expected a list$/],
  'a wish that is no flag': [
    body({ outputs: [{ name: 'sum', parameters: { binary_data: 'yes' } }] }),
    400,
    /^"binary_data" expected true or false$/,
  ],
  'parameters that are a list': [
    body({ parameters: [] }),
    400,
    /^the parameters of the request expected an object$/,
  ],
  'shared memory': [
    instead({ data: undefined, parameters: { shared_memory_region: 'r' } }),
    400,
    /^the parameter "shared_memory_region" of "a" is not offered$/,
  ],
  'the highest classes': [
    body({ outputs: [{ name: 'sum', parameters: { classification: 2 } }] }),
    400,
    /^the parameter "classification" of "sum" is not offered$/,
  ],
  'a sequence': [
    body({ parameters: { sequence_id: 3 } }),
    400,
    /^the parameter "sequence_id" of the request is not offered$/,
  ],
  'an id that is no text': [body({ id: 3 }), 400, /^"id" expected a text of at most 256/],
  'another encoding': [
    body(),
    400,
    /^"content-encoding" expected gzip or deflate, got "br"$/,
    { 'content-encoding': 'br' },
  ],
  'no gzip': [body(), 400, /^the body cannot be unpacked: /, { 'content-encoding': 'gzip' }],
  'a body that unpacks to too much': [
    new Uint8Array(gzipSync(Buffer.alloc(large, 0x20))),
    413,
    /^the body expected at most 67108864 bytes$/,
    { 'content-encoding': 'gzip' },
  ],
  'a body that is too large': [
    new Uint8Array(large),
    413,
    /^the body expected at most 67108864 bytes$/,
  ],
};

function sent(tensor: object, size: number, status: number) {
  const [content] = binaryBody({ inputs: [tensor, count, note] }, new Uint8Array(size));
  return [content, status] as const;
}

function length(tensor: object, size: number): Record<string, string> {
  return binaryBody({ inputs: [tensor, count, note] }, new Uint8Array(size))[1];
}

describe('refuses with one sentence', () => {
  let seat: TestSeat;
  beforeAll(async () => {
    seat = await openSeat(mixed(), { keys: ['k'] });
  }, 60_000);
  afterAll(async () => {
    expect(seat.faults).toEqual([]);
    await seat.close();
  });
  const key = { authorization: 'Bearer k' };

  it.each(Object.entries(refusals))('%s', async (_, [content, status, sentence, headers]) => {
    const { json, ...answer } = await readAnswer(await seat.infer(content, { ...key, ...headers }));
    expect([answer.status, json.error]).toEqual([status, expect.stringMatching(sentence)]);
    expect(json.error).not.toContain('\n');
  });
  it('nothing of what is right', async () => {
    const { status, json } = await readAnswer(await seat.infer(body(), key));
    expect([status, json.outputs?.length]).toEqual([200, 3]);
  });
  it.each([
    ['GET', '/v2/models/other', 404, 'no model is served as "other"'],
    ['GET', '/v2/models/m/versions/2', 404, '"m" is not served in version "2"'],
    ['GET', '/v2/models/m/versions/2/ready', 404, '"m" is not served in version "2"'],
    ['POST', '/v2/models/m/versions/2/infer', 404, '"m" is not served in version "2"'],
    ['POST', '/v2/models/other/infer', 404, 'no model is served as "other"'],
    ['POST', '/v2/repository/models/m/load', 404, 'there is no such route'],
    ['GET', '/v2/models/m/stats', 404, 'there is no such route'],
    ['GET', '/v2/models/m/infer', 404, 'there is no such route'],
    ['GET', '/nowhere', 404, 'there is no such route'],
  ])('%s %s', async (method, path, status, sentence) => {
    const answer = await seat.fetch(path, { method, headers: key });
    const { error } = (await answer.json()) as { error: string };
    expect([answer.status, error]).toEqual([status, sentence]);
  });
  it.each([
    ['GET', '/v2/models/m'],
    ['GET', '/v2/models/m/ready'],
    ['GET', '/v2/models/m/versions/1'],
    ['POST', '/v2/models/m/infer'],
    ['POST', '/v2/models/m/versions/1/infer'],
    ['POST', '/v2/repository/index'],
  ])('%s %s without a key, and tells nothing', async (method, path) => {
    for (const headers of [{}, { authorization: 'Bearer wrong' }, { authorization: 'Basic k' }]) {
      const answer = await seat.fetch(path, { method, headers });
      const { error } = (await answer.json()) as { error: string };
      expect([answer.status, error]).toEqual([401, 'this needs a valid key']);
    }
  });
  it('tells the server, the model and the index to those who may know', async () => {
    const get = async (path: string, init?: RequestInit) => {
      const answer = await seat.fetch(path, { headers: key, ...init });
      return [answer.status, await answer.json()];
    };
    const extensions = ['binary_tensor_data', 'model_repository'];
    expect(await get('/v2')).toEqual([200, { name: 'merlon', version: '0', extensions }]);
    expect(await get('/v2/health/live')).toEqual([200, { live: true }]);
    expect(await get('/v2/health/ready')).toEqual([200, { ready: true }]);
    expect(await get('/v2/models/m/ready')).toEqual([200, { name: 'm', ready: true }]);
    expect(await get('/v2/models/m/versions/1/ready')).toEqual([200, { name: 'm', ready: true }]);
    expect(await get('/v2/models/m/versions/1')).toEqual(await get('/v2/models/m'));
    const entry = { name: 'm', version: '1', state: 'READY', reason: '' };
    for (const content of [undefined, '', '{}', '{"ready":true}']) {
      const init = { method: 'POST', ...(content === undefined ? {} : { body: content }) };
      expect(await get('/v2/repository/index', { ...init, headers: key })).toEqual([200, [entry]]);
    }
    const odd = await get('/v2/repository/index', { method: 'POST', headers: key, body: '[1]' });
    expect(odd).toMatchObject([400, { error: expect.stringMatching(/expected nothing, or/) }]);
  });
});

it('a guard refuses a row, and no answer leaves the model unguarded', async () => {
  const range = { min: [0, 0], max: [1, 1], margin: 0 };
  const seat = await openSeat(withInsides(), {
    guards: { input: { range }, output: { decimals: 1 } },
  });
  try {
    const ask = async (data: readonly number[]) => {
      const inputs = [{ name: 'x', datatype: 'FP32', shape: [1, 2], data }];
      return readAnswer(await seat.infer(JSON.stringify({ inputs })));
    };
    const refused = await ask([0.5, 3]);
    expect([refused.status, refused.json.error]).toEqual([
      422,
      'row 0, element 1: expected 0 to 1, got 3',
    ]);
    const { json } = await ask([0, 1]);
    expect(json.outputs?.map(({ data }) => data)).toEqual([
      [0.3, 0.7],
      [1, 2.7],
    ]);
  } finally {
    await seat.close();
  }
});
