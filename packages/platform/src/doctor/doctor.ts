/**
 * A check of the installation and, where there is one, of a home: what Merlon stands on is tried
 * rather than asked for its version, and each check says what to do when it fails.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, statfsSync, statSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir, totalmem } from 'node:os';
import { join, resolve } from 'node:path';
import { concat, MerlonError, messageOf, type OnProgress } from '@merlon/core';
import { elementTypes, node, type OnnxModel, openSession, writeOnnx } from '@merlon/graph';
import { generateIdentity, open, seal } from '@merlon/vault';
import { type BackupParts, checkHome } from '../backup/backup.ts';
import { startWorker } from '../confine/worker.ts';
import { controlStatus } from '../control.ts';
import { PlatformError } from '../errors.ts';
import { openHome, readHomeFile } from '../home.ts';
import { databaseKeyOf } from '../keys/database-key.ts';
import type { RootKeySecrets } from '../keys/root-keys.ts';
import { clockFault } from '../ledger/clock.ts';

/** What a check found. */
export interface Check {
  readonly name: string;
  readonly ok: boolean;
  /** What was seen, or what is wrong. */
  readonly detail: string;
  /** What to do about it; empty when nothing is. */
  readonly hint: string;
}

/** What to check with. */
export interface DoctorOptions {
  /** Folder of the home; it need not exist. */
  readonly home: string;
  readonly secrets: RootKeySecrets;
  readonly parts: BackupParts;
  /** Opens every object of the home and verifies its ledger. */
  readonly deep: boolean;
  readonly signal: AbortSignal;
  readonly onProgress: OnProgress;
}

type Work = (options: DoctorOptions) => Promise<string>;

const nodeLeast = 24;
const memoryBytesLeast = 2 * 1024 ** 3;
const freeBytesLeast = 1024 ** 3;
const workerTimeoutMs = 60_000;
/** Certificates, one-time codes and the ledger all trust the clock; it was later than this here. */
const clockLeast = Date.parse('2026-11-01');

const installation: readonly (readonly [string, Work])[] = [
  ['runtime', nodeRuntime],
  ['machine', machine],
  ['clock', clockSet],
  ['model runtime', modelRuntime],
  ['sealing', sealing],
  ['confined worker', confinedWorker],
  ['encrypted database', encryptedDatabase],
];
const ofHome: readonly (readonly [string, Work])[] = [
  ['home', homeFolder],
  ['space', freeSpace],
  ['root key', rootKeyOpens],
];

/** Every check in turn, each told as soon as it is done. */
export async function* examine(options: DoctorOptions): AsyncGenerator<Check> {
  for (const [name, work] of installation) yield await check(name, work, options);
  if (!existsSync(join(options.home, 'merlon.json'))) return;
  for (const [name, work] of ofHome) yield await check(name, work, options);
  if (options.deep) yield await check('objects and ledger', objectsAndLedger, options);
}

async function check(name: string, work: Work, options: DoctorOptions): Promise<Check> {
  options.signal.throwIfAborted();
  try {
    return { name, ok: true, detail: await work(options), hint: '' };
  } catch (error) {
    const hint = error instanceof MerlonError ? error.report().hint : '';
    return { name, ok: false, detail: messageOf(error), hint: hint || 'install Merlon again' };
  }
}

function bad(message: string, hint: string): PlatformError {
  return new PlatformError('unavailable', message, { hint });
}

async function nodeRuntime(): Promise<string> {
  const { version, arch, platform } = process;
  if (Number.parseInt(version.slice(1), 10) < nodeLeast) {
    throw bad(`Node ${version} is too old`, `install Node ${nodeLeast} or later`);
  }
  return `Node ${version} on ${platform} ${arch}`;
}

async function machine(): Promise<string> {
  const gigabytes = (totalmem() / 1024 ** 3).toFixed(1);
  if (totalmem() < memoryBytesLeast) {
    throw bad(`${gigabytes} GiB of memory`, 'give it 2 GiB or more: attacks need it');
  }
  return `${availableParallelism()} cores, ${gigabytes} GiB`;
}

async function clockSet(): Promise<string> {
  const now = Date.now();
  if (now < clockLeast) {
    throw bad(`the clock says ${new Date(now).toISOString()}`, 'set the clock of this machine');
  }
  return new Date(now).toISOString();
}

/** A product of two numbers: what loads and answers rightly is whole. */
async function modelRuntime(): Promise<string> {
  const value = (name: string) => ({ name, elementType: elementTypes.float32, shape: [1, 1] });
  const model: OnnxModel = {
    ...{ irVersion: 8, opsets: [{ domain: '', version: 17 }], producer: '' },
    rest: new Uint8Array(0),
    graph: {
      ...{ name: 'check', nodes: [node('Mul', ['x', 'x'], ['y'])], initializers: [] },
      ...{ inputs: [value('x')], outputs: [value('y')], values: [], rest: new Uint8Array(0) },
    },
  };
  const session = await openSession(writeOnnx(model));
  try {
    const x = { type: 'float32', shape: [1, 1], data: Float32Array.of(3) } as const;
    const [answer] = (await session.run({ x })).y?.data ?? [];
    if (answer !== 9) throw bad(`3 × 3 gave ${answer}`, 'install onnxruntime-node again');
  } finally {
    await session.close();
  }
  return 'ONNX Runtime loads and answers';
}

async function sealing(): Promise<string> {
  const { identity, recipient } = await generateIdentity();
  const clear = new Uint8Array(randomBytes(100_000));
  async function* once(): AsyncGenerator<Uint8Array> {
    yield clear;
  }
  const parts: Uint8Array[] = [];
  const sealed = seal(once(), { recipients: [recipient] });
  for await (const part of open(sealed, { identities: [identity] })) parts.push(part);
  if (Buffer.compare(concat(parts), clear) !== 0) {
    throw bad('sealed bytes did not open to themselves', 'do not seal anything; report this');
  }
  return 'age v1, post-quantum, opens what it seals';
}

/** It must start, and be refused what it must not have. */
async function confinedWorker({ signal }: DoctorOptions): Promise<string> {
  const worker = startWorker();
  try {
    const call = { signal, timeoutMs: workerTimeoutMs };
    for (const what of ['read', 'write', 'child', 'network']) {
      const answer = await worker.call<unknown>('probe', { what }, call);
      if (answer !== 'ERR_ACCESS_DENIED') {
        throw bad(`a confined worker may "${what}"`, 'use the Node that Merlon asks for');
      }
    }
  } finally {
    await worker.close();
  }
  return 'starts; files, programs and network are refused';
}

async function encryptedDatabase({ parts }: DoctorOptions): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'merlon-doctor-'));
  try {
    const key = new Uint8Array(randomBytes(32));
    const path = join(folder, 'check.db');
    await (await parts.openStore(path, key)).close();
    await (await parts.openStore(path, key)).close();
    const wrong = await parts
      .openStore(
        path,
        key.map((byte) => byte ^ 1),
      )
      .then(
        () => true,
        () => false,
      );
    if (wrong) throw bad('another key opens the database', 'install libsql again');
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
  return 'opens by its key and by no other';
}

async function homeFolder({ home }: DoctorOptions): Promise<string> {
  const path = resolve(home);
  readHomeFile(path);
  const { mode, uid } = statSync(path);
  if ((mode & 0o077) !== 0 && process.getuid?.() === uid) {
    throw bad(`"${path}" is open to others`, `close it: chmod 700 "${path}"`);
  }
  const running = await controlStatus(path);
  return running === null ? `${path}, not running` : `${path}, running at ${running.origin}`;
}

async function freeSpace({ home }: DoctorOptions): Promise<string> {
  const { bavail, bsize } = statfsSync(home);
  const free = bavail * bsize;
  const shown = `${(free / 1024 ** 3).toFixed(1)} GiB free`;
  if (free < freeBytesLeast) throw bad(shown, 'make room: uploads and backups need it');
  return shown;
}

async function rootKeyOpens({ home, secrets }: DoctorOptions): Promise<string> {
  const opened = await openHome(home, secrets);
  opened.rootKey.close();
  const { rootKey, recovery } = readHomeFile(resolve(home));
  if (recovery === null) {
    throw bad(
      `the root key (${rootKey.provider}) opens the home, and nothing else does`,
      'make a recovery key: merlon keys recovery --shares -o recovery.txt',
    );
  }
  return `${rootKey.provider} opens the home; a recovery key is made`;
}

/** On a copy of the database, since the platform may be running. */
async function objectsAndLedger(options: DoctorOptions): Promise<string> {
  const { secrets, parts, onProgress } = options;
  const home = await openHome(options.home, secrets);
  const work = await mkdtemp(join(home.folder, 'doctor-'));
  try {
    const key = await databaseKeyOf(home.rootKey, readHomeFile(home.folder).databaseKey);
    const copy = join(work, 'merlon.db');
    await parts.snapshot(home.databasePath, key, copy);
    const place = { databasePath: copy, key, blobFolder: home.blobFolder };
    const store = await parts.openStore(copy, key);
    const behind = await clockFault(store, Date.now()).finally(() => store.close());
    if (behind !== null) throw bad(behind, 'set the clock of this machine');
    const { objects, decisions } = await checkHome(home.rootKey, place, parts, onProgress);
    return `${objects} objects open to their digests, ${decisions} decisions verify`;
  } finally {
    home.rootKey.close();
    await rm(work, { recursive: true, force: true });
  }
}

/** Lines for people. */
export function lineOf({ name, ok, detail, hint }: Check): string {
  const told = `${ok ? '✓' : '✗'} ${name.padEnd(18)} ${detail}`;
  return hint === '' ? told : `${told}\n  ${' '.repeat(18)} → ${hint}`;
}
