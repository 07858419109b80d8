/**
 * Requests a second, latency and processor time a request of `merlon serve`, with and without
 * guards, and of a platform, beside MLServer with the same model, interleaved; every connection
 * goes through 512 requests with numbers of their own:
 *
 *     python3 -m venv V && V/bin/pip install mlserver==1.7.1 onnxruntime 'uvloop<0.22'
 *     node --conditions=source bench/gateway/load.ts V [--seconds 5] [--rounds 3]
 *       [--connections 16]
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { seeded } from '@merlon/core';
import autocannon from 'autocannon';

interface Server {
  readonly name: string;
  readonly process: ChildProcess;
  readonly url: string;
  readonly input: string;
  readonly headers: Readonly<Record<string, string>>;
}

interface Shot {
  readonly perSecond: number;
  readonly p50: number;
  readonly p99: number;
  readonly cpuMicros: number;
  readonly failed: number;
}

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    seconds: { type: 'string', default: '5' },
    rounds: { type: 'string', default: '3' },
    connections: { type: 'string', default: '16' },
  },
});
const root = fileURLToPath(new URL('../..', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'gateway-'));
const model = join(root, 'models/digits-cnn.onnx');
const shape = [1, 1, 28, 28];
const distinct = 512;
const guards = {
  input: {
    range: { min: Array(784).fill(0), max: Array(784).fill(1), margin: 0.05 },
    noise: { sigma: 0.01 },
  },
  output: { decimals: 2, topK: 3 },
};

function merlon(name: string, extra: readonly string[], served = model): Promise<Server> {
  const args = ['--conditions=source', 'packages/platform/src/cli/merlon.ts', 'serve', served];
  const child = spawn(process.execPath, [...args, '--port', '0', '--no-auth', ...extra], {
    cwd: root,
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  return started(child, /answers at (\S+)/, (url) => ({
    ...{ name, process: child, url: `${url}/infer`, input: 'image', headers: {} },
  }));
}

function platform(name: string, guard: string): Promise<Server> {
  const args = ['--conditions=source', 'bench/gateway/platform.ts', model, 'cnn', guard];
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] });
  return started(child, /key (\S+)\nanswers at (\S+)/, (key, url) => ({
    ...{ name, process: child, url: `${url}/infer`, input: 'image' },
    headers: { authorization: `Bearer ${key}` },
  }));
}

async function mlserver(venv: string): Promise<Server> {
  const [port, grpc, metrics] = [await freePort(), await freePort(), await freePort()];
  const settings = {
    ...{ host: '127.0.0.1', http_port: port, grpc_port: grpc, metrics_port: metrics },
    ...{ debug: false, parallel_workers: 0, gzip_enabled: false },
  };
  writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  const implementation = 'mlserver_onnx.Onnx';
  const parameters = { uri: model };
  writeFileSync(
    join(folder, 'model-settings.json'),
    JSON.stringify({
      ...{ name: 'cnn', implementation, parameters },
      inputs: [{ name: 'image', datatype: 'FP32', shape: [-1, ...shape.slice(1)] }],
      outputs: [{ name: 'output', datatype: 'FP32', shape: [-1, 10] }],
    }),
  );
  const child = spawn(join(resolve(venv), 'bin/mlserver'), ['start', folder], {
    env: { ...process.env, PYTHONPATH: join(root, 'bench/gateway') },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const url = `http://127.0.0.1:${port}/v2/models/cnn/infer`;
  return started(child, /Loaded model 'cnn' succesfully|Loaded model 'cnn' successfully/, () => ({
    ...{ name: 'MLServer', process: child, url, input: 'image', headers: {} },
  }));
}

function freePort(): Promise<number> {
  return new Promise((done) => {
    const server = createServer().listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => done(port));
    });
  });
}

function started(
  child: ChildProcess,
  sign: RegExp,
  make: (found: string, more: string) => Server,
): Promise<Server> {
  return new Promise((done, failed) => {
    let told = '';
    const look = (chunk: Buffer): void => {
      told += chunk.toString();
      const found = sign.exec(told);
      if (found !== null) done(make(found[1] ?? '', found[2] ?? ''));
    };
    child.stdout?.on('data', look);
    child.stderr?.on('data', look);
    child.once('exit', (code) => failed(new Error(`ended with ${code}: ${told.slice(-2000)}`)));
  });
}

/** Bodies as JSON, or as tritonclient sends them: a short JSON and the bytes of the tensor. */
function requestsFor({ input, headers }: Server, mode: 'json' | 'binary'): autocannon.Request[] {
  const random = seeded(1);
  return Array.from({ length: distinct }, () => {
    const x = Float32Array.from({ length: 784 }, () => Math.round(random.uniform() * 255) / 255);
    const tensor = { name: input, shape, datatype: 'FP32' };
    if (mode === 'json') {
      const body = JSON.stringify({ inputs: [{ ...tensor, data: [...x] }] });
      return { method: 'POST', body, headers: { ...headers, 'content-type': 'application/json' } };
    }
    const parameters = { binary_data_size: x.byteLength };
    const head = Buffer.from(
      JSON.stringify({
        inputs: [{ ...tensor, parameters }],
        parameters: { binary_data_output: true },
      }),
    );
    return {
      method: 'POST',
      body: Buffer.concat([head, Buffer.from(x.buffer)]),
      headers: { ...headers, 'inference-header-content-length': String(head.length) },
    };
  });
}

/** Processor time of a process and its children, in seconds. */
function cpuSeconds(pid: number): number {
  const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').trim();
  const own = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
  const ticks = Number(own[11]) + Number(own[12]);
  const below = children === '' ? [] : children.split(' ').map(Number);
  return ticks / 100 + below.reduce((sum, child) => sum + cpuSeconds(child), 0);
}

async function shoot(server: Server, mode: 'json' | 'binary', seconds: number): Promise<Shot> {
  const pid = server.process.pid ?? 0;
  const before = cpuSeconds(pid);
  const { url } = server;
  const connections = Number(values.connections);
  const requests = requestsFor(server, mode);
  const found = await autocannon({ url, connections, duration: seconds, requests });
  const count = found['2xx'];
  return {
    perSecond: count / found.duration,
    p50: found.latency.p50,
    p99: found.latency.p99,
    cpuMicros: ((cpuSeconds(pid) - before) / Math.max(1, count)) * 1e6,
    failed: found.non2xx + found.errors,
  };
}

const median = (of: readonly number[]): number =>
  [...of].sort((a, b) => a - b)[of.length >> 1] ?? 0;

const guardFile = join(folder, 'guards.json');
writeFileSync(guardFile, JSON.stringify(guards));
const none = join(folder, 'none.json');
writeFileSync(none, '{}');
const [venv] = positionals;
const servers = [
  await merlon('merlon, no guards', ['--guard', none]),
  await merlon('merlon, guarded', ['--guard', guardFile]),
  await platform('platform, guarded, key, budget, event', guardFile),
];
if (venv !== undefined) {
  const behind = await mlserver(venv);
  const upstream = ['--upstream', new URL(behind.url).origin, '--guard', none];
  servers.push(behind, await merlon('merlon before MLServer', upstream, 'cnn'));
}
const contests = servers.flatMap((server) =>
  (['json', 'binary'] as const)
    .filter((mode) => !server.name.includes('MLServer') || mode === 'json')
    .map((mode) => ({ server, mode, shots: [] as Shot[] })),
);
try {
  for (const { server, mode } of contests) await shoot(server, mode, 2);
  for (let round = 0; round < Number(values.rounds); round++) {
    for (const each of contests) {
      each.shots.push(await shoot(each.server, each.mode, Number(values.seconds)));
    }
  }
  const rows = contests.map(({ server, mode, shots }) => {
    const of = (pick: (shot: Shot) => number): number => median(shots.map(pick));
    return {
      server: server.name,
      mode,
      'requests/s': Math.round(of((shot) => shot.perSecond)),
      'p50 ms': of((shot) => shot.p50),
      'p99 ms': of((shot) => shot.p99),
      'CPU µs': Math.round(of((shot) => shot.cpuMicros)),
      failed: shots.reduce((sum, { failed }) => sum + failed, 0),
    };
  });
  console.table(rows);
} finally {
  for (const { process: child } of servers) child.kill('SIGTERM');
  rmSync(folder, { recursive: true });
}
