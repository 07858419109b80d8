import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { merlonBin as bin, type Served, startServe, stopServe } from './support/served.ts';

const digits = fileURLToPath(new URL('../../../models/digits-cnn.onnx', import.meta.url));
const oracle = fileURLToPath(new URL('support/triton.py', import.meta.url));
const python = join(process.env.MERLON_ORACLES ?? '', 'bin/python');
const folder = mkdtempSync(join(tmpdir(), 'merlon-serve-'));
const at = (name: string): string => join(folder, name);
const env = { PATH: process.env.PATH ?? '' };
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const serve = (...args: readonly string[]) => startServe(digits, ...args);

const zeros = Array.from({ length: 784 }, () => 0);
const tensor = { name: 'image', shape: [1, 1, 28, 28], datatype: 'FP32' };
const request = (data: readonly unknown[] = zeros, more: object = {}): string =>
  JSON.stringify({ inputs: [{ ...tensor, data, ...more }] });

describe('merlon serve', () => {
  let running: Served;
  let key = '';
  const ask = (
    body: string | Uint8Array<ArrayBuffer>,
    headers: Readonly<Record<string, string>> = {},
  ) =>
    fetch(`${running.url}/infer`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, ...headers },
      body,
    });
  beforeAll(async () => {
    running = await serve('--key-file', at('keys'));
    key = readFileSync(at('keys'), 'utf8').trim();
  }, 60_000);
  afterAll(async () => {
    expect(await stopServe(running)).toBe(0);
  });

  it('makes a key that only its owner can read, and asks for it', async () => {
    expect(statSync(at('keys')).mode & 0o077).toBe(0);
    expect(running.said()).toContain(`key: ${key}`);
    for (const authorization of ['', 'Bearer mrl_wrong', `Basic ${key}`]) {
      const refused = await fetch(running.url, { headers: { authorization } });
      expect([refused.status, await refused.json()]).toEqual([
        401,
        expect.objectContaining({ error: 'this needs a valid key' }),
      ]);
    }
    const known = await fetch(running.url, { headers: { 'x-api-key': key } });
    expect(await known.json()).toMatchObject({
      name: 'digits-cnn',
      versions: ['1'],
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, 1, 28, 28] }],
      outputs: [{ name: 'label' }, { name: 'logits' }],
    });
    const health = await fetch(new URL('/v2/health/ready', running.url));
    expect(await health.json()).toEqual({ ready: true });
  });
  it('answers the same to JSON, bytes and gzip, with two decimals', async () => {
    const plain = await ask(request());
    const { outputs } = (await plain.json()) as { outputs: { name: string; data: number[] }[] };
    const [label, logits] = [outputs[0]?.data ?? [], outputs[1]?.data ?? []];
    expect([label.length, logits.length]).toEqual([1, 10]);
    expect(logits.every((score) => Math.abs(100 * score - Math.round(100 * score)) < 1e-3)).toBe(
      true,
    );
    const packed = await ask(gzipSync(request()), { 'content-encoding': 'gzip' });
    expect(((await packed.json()) as { outputs: unknown }).outputs).toEqual(outputs);
    const json = JSON.stringify({
      inputs: [{ ...tensor, parameters: { binary_data_size: 3136 } }],
      outputs: [{ name: 'logits', parameters: { binary_data: true } }],
    });
    const body = Buffer.concat([Buffer.from(json), Buffer.alloc(3136)]);
    const length = { 'inference-header-content-length': String(json.length) };
    const answer = await ask(body, length);
    const bytes = Buffer.from(await answer.arrayBuffer());
    const head = Number(answer.headers.get('inference-header-content-length'));
    const told = JSON.parse(bytes.subarray(0, head).toString()) as { outputs: object[] };
    expect(told.outputs).toEqual([
      {
        name: 'logits',
        datatype: 'FP32',
        shape: [1, 10],
        parameters: { binary_data_size: 40 },
      },
    ]);
    const scores = logits.map((_, i) => bytes.readFloatLE(head + 4 * i));
    scores.forEach((score, i) => {
      expect(score).toBeCloseTo(logits[i] ?? Number.NaN, 5);
    });
  });
  it.each([
    ['no JSON', 'nope', {}, 400, /expected a JSON inference request/],
    ['no inputs', '{}', {}, 400, /"inputs" expected a list/],
    ['another input', request(zeros, { name: 'x' }), {}, 400, /expected one tensor "image"/],
    ['another shape', request(zeros, { shape: [1, 784] }), {}, 400, /the shape of .* \[N, 1/],
    ['too few numbers', request([1, 2]), {}, 400, /expected 784 numbers, got 2/],
    ['no number', request([...zeros.slice(1), 'x']), {}, 422, /element 783 is not a finite/],
    ['a type of texts', request(zeros, { datatype: 'BYTES' }), {}, 400, /type of numbers/],
    [
      'bytes that are not there',
      request([], { data: undefined, parameters: { binary_data_size: 3136 } }),
      {},
      400,
      /expected its bytes behind the JSON, got 3136 announced and 0 sent/,
    ],
    ['a wrong length', request(), { 'inference-header-content-length': '1e9' }, 400, /at most/],
    ['another encoding', request(), { 'content-encoding': 'br' }, 400, /gzip or deflate/],
    ['no gzip', request(), { 'content-encoding': 'gzip' }, 400, /cannot be unpacked/],
    [
      'an unknown output',
      JSON.stringify({ ...(JSON.parse(request()) as object), outputs: [{ name: 'z' }] }),
      {},
      400,
      /"outputs" expected "label", "logits", got "z"/,
    ],
  ] as const)('refuses %s with one sentence', async (_, body, headers, status, said) => {
    const refused = await ask(body, headers);
    const { error, hint } = (await refused.json()) as Record<string, string>;
    expect([refused.status, error]).toEqual([status, expect.stringMatching(said)]);
    expect(hint).toMatch(/\S/);
  });
  it('knows no other model', async () => {
    const other = await fetch(new URL('/v2/models/other/infer', running.url), {
      method: 'POST',
      headers: { authorization: `Bearer ${key}` },
      body: request(),
    });
    expect([other.status, await other.json()]).toMatchObject([
      404,
      { error: 'no model is served as "other"', hint: 'the model is called "digits-cnn"' },
    ]);
  });
  const hasOracle = existsSync(python);
  if (!hasOracle) console.warn('skipped: tritonclient is not installed (MERLON_ORACLES)');
  it.skipIf(!hasOracle)('speaks with tritonclient as it comes', () => {
    const { host } = new URL(running.url);
    const ran = spawnSync(python, [oracle, host, key, 'digits-cnn'], { encoding: 'utf8' });
    expect([ran.status, ran.stderr]).toEqual([0, '']);
    expect(ran.stdout.trim()).toBe('tritonclient agrees with itself in 10 ways');
  });
});

describe('merlon serve refuses', () => {
  const refused = (...args: readonly string[]) =>
    spawnSync(process.execPath, [bin, 'serve', ...args], { encoding: 'utf8', env });
  it.each([
    [['missing.onnx'], /the model "missing.onnx" does not exist/],
    [[digits, '--no-auth', '--key-file', 'k'], /do not go together/],
    [[digits, '--guard', at('bad.json')], /is no JSON/],
    [[digits, '--guard', at('odd.json')], /"decimals"/],
    [[at('evil.onnx')], /is flagged/],
  ] as const)('%j', (args, said) => {
    writeFileSync(at('bad.json'), '{');
    writeFileSync(at('odd.json'), '{"output":{"decimals":-1}}');
    writeFileSync(at('evil.onnx'), "cposix\nsystem\n(S'echo inert'\ntR.");
    const ran = refused(...args);
    expect([ran.status, ran.stderr]).toEqual([2, expect.stringMatching(said)]);
  });
});
