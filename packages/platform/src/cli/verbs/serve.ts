/** `serve`: one guarded model on its own, scanned before it is loaded, in a confined worker. */
import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { parse } from 'node:path';
import { messageOf } from '@merlon/core';
import { type GuardConfig, parseGuardConfig } from '@merlon/harden';
import { crashReport, scanConfined } from '../../confine/scan-file.ts';
import { startWorker } from '../../confine/worker.ts';
import { PlatformError } from '../../errors.ts';
import type { Front } from '../../gateway/front.ts';
import type { GrpcDoors } from '../../gateway/grpc.ts';
import { inferLane } from '../../gateway/lane.ts';
import { standaloneApp, standaloneFront } from '../../gateway/standalone.ts';
import { openDoors } from '../../http/listen.ts';
import { merlonVersion } from '../../installation.ts';
import { type ModelSource, openSeat, runConfined } from '../../serve/seat.ts';
import { openUpstream, type UpstreamOptions, upstreamQueue } from '../../serve/upstream.ts';
import { openSource, readText, requireFile } from '../files.ts';
import { type Arguments, usage } from '../usage.ts';
import type { Terminal, Verb } from '../verb.ts';
import { guardsOfFile } from './guarded.ts';
import { untilStopped } from './start.ts';

const portDefault = 8080;
const scanTimeoutMs = 300_000;

/** Outputs with two decimals, when no guards are given. */
const guardsDefault: GuardConfig = { output: { decimals: 2 } };

/** Serves a model until it is told to stop. */
export const serveVerb: Verb = {
  name: 'serve',
  usage: 'MODEL|NAME [--upstream URL] [--port 8080] [--guard FILE] [--key-file F] [--no-auth]',
  does: 'serves one guarded model on its own (Open Inference Protocol)',
  options: {
    upstream: { type: 'string', help: 'guards model NAME of another server of the protocol' },
    port: { type: 'string', help: 'port on loopback (default 8080; 0 takes a free one)' },
    'grpc-port': { type: 'string', help: 'also answers over gRPC there (0: a free one)' },
    guard: { type: 'string', help: 'guards as JSON (default: two decimals of each score)' },
    'key-file': { type: 'string', help: 'keys, one a line; made with a new one if it is missing' },
    'no-auth': { type: 'boolean', help: 'answers anybody on this machine' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const upstream = upstreamIn(args, model);
    if (upstream === null) requireFile(model, 'the model');
    const port = args.integer('port', 0, 65_535) ?? portDefault;
    const guards = await guardsIn(args);
    const keys = await keysIn(args);
    if (upstream === null) await requireClean(model, terminal);
    const onFault = (error: unknown): void => terminal.say(`fault: ${messageOf(error)}`);
    const source = (): Promise<ModelSource> => openSource(model);
    const seat = await openSeat(
      upstream === null
        ? { open: () => runConfined(startWorker, source), guards, onFault }
        : { open: () => openUpstream(upstream), guards, onFault, batch: upstreamQueue },
    );
    const name = upstream?.name ?? parse(model).name;
    const { infer, loaded } = seat;
    const served = { name, version: merlonVersion, infer, loaded, keys: keys.all, onFault };
    let grpc: GrpcDoors | null = null;
    try {
      const front = standaloneFront(served);
      grpc = await openGrpcDoors(args, front);
      const doors = await openDoors({ port });
      const app = standaloneApp(front);
      doors.serve((request) => app.fetch(request), inferLane(front, null));
      const url = `http://localhost:${doors.port}`;
      if (keys.told !== null) terminal.say(`key: ${keys.told}`);
      if (grpc !== null) terminal.say(`"${name}" speaks gRPC at localhost:${grpc.port}`);
      terminal.say(`"${name}" answers at ${url}/v2/models/${name}`);
      await untilStopped(terminal.signal);
      await doors.close();
      return { exit: 0, json: { name, url } };
    } finally {
      grpc?.close();
      await seat.close();
    }
  },
};

function upstreamIn(args: Arguments, name: string): UpstreamOptions | null {
  const url = args.text('upstream');
  if (url === undefined) return null;
  if (!URL.canParse(url) || new URL(url).protocol !== 'http:') {
    throw usage(`"--upstream" expected an address such as http://localhost:8000, got "${url}"`);
  }
  return { url: new URL(url).origin, name };
}

/** Loaded when it is asked for, so that nobody else waits for its libraries. */
async function openGrpcDoors(args: Arguments, front: Front): Promise<GrpcDoors | null> {
  const port = args.integer('grpc-port', 0, 65_535);
  if (port === undefined) return null;
  const { openGrpc } = await import('../../gateway/grpc.ts');
  const doors = await openGrpc({ port });
  doors.serve(front);
  return doors;
}

async function guardsIn(args: Arguments): Promise<GuardConfig> {
  const path = args.text('guard');
  if (path === undefined) return guardsDefault;
  return parseGuardConfig(await guardsOfFile(path));
}

interface Keys {
  readonly all: readonly string[] | null;
  /** A key that was just made, to be shown once. */
  readonly told: string | null;
}

async function keysIn(args: Arguments): Promise<Keys> {
  const path = args.text('key-file');
  if (args.flag('no-auth')) {
    if (path === undefined) return { all: null, told: null };
    throw usage('"--no-auth" and "--key-file" do not go together');
  }
  if (path !== undefined && existsSync(path)) {
    const lines = (await readText(path, 'the key file')).split('\n').map((line) => line.trim());
    const all = lines.filter((line) => line !== '');
    if (all.length === 0) throw usage(`the key file "${path}" holds no key`);
    return { all, told: null };
  }
  const key = `mrl_${randomBytes(24).toString('base64url')}`;
  if (path !== undefined) {
    const file = await open(path, 'wx', 0o600);
    await file.writeFile(`${key}\n`);
    await file.close();
  }
  return { all: [key], told: key };
}

/** Nothing is loaded that was not understood and found clean. */
async function requireClean(path: string, terminal: Terminal): Promise<void> {
  const worker = startWorker({ memoryBytesMax: 1024 ** 3 });
  const source = await openSource(path);
  try {
    const { signal } = terminal;
    const request = { source, path, profile: 'ml' as const, signal, timeoutMs: scanTimeoutMs };
    const report = (await scanConfined(worker, request)) ?? crashReport(path, source.size);
    if (report.verdict === 'clean') return;
    const [first] = report.findings;
    const why = first === undefined ? '' : `: ${first.title}`;
    throw new PlatformError('not-ready', `"${path}" is ${report.verdict}${why}`, {
      hint: `see what "merlon scan ${path}" says; only clean files are served`,
    });
  } finally {
    await worker.close();
    await source.close();
  }
}
