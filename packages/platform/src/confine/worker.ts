/**
 * Confined workers: child processes that hold no keys, no environment, no network and no files
 * but the program itself (Node's permission model). Whatever they are fed, the worst that can
 * happen is that one of them dies, and that is told as an error of its own.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import {
  type ByteSource,
  type Digest,
  type ErrorReport,
  MerlonError,
  messageOf,
  type OnProgress,
} from '@merlon/core';
import { PlatformError } from '../errors.ts';
import { packageFolder, programPath } from '../installation.ts';
import { type FromWorker, type ToWorker, tamperedCode } from './protocol.ts';

/** What a worker may use. */
export interface ConfineLimits {
  /** Resident memory above which it is killed. */
  readonly memoryBytesMax: number;
}

/** A source that a worker reads through its parent. */
export interface WorkerSource extends ByteSource {
  /** What the content must hash to; the worker then reads it in order, and compares. */
  readonly digest?: Digest;
  /** Throws if the content is another indeed: a worker may say anything. */
  readonly confirm?: () => Promise<void>;
}

/** How one call is watched. */
export interface CallOptions {
  /** Sources that the worker may read through its parent. */
  readonly sources?: Readonly<Record<string, WorkerSource>>;
  readonly onProgress?: OnProgress;
  /** Told what the task can go on from, each time anew. */
  readonly onCheckpoint?: (checkpoint: unknown) => void;
  readonly signal?: AbortSignal;
  /** Time after which the worker is killed. */
  readonly timeoutMs: number;
}

/** A running worker. */
export interface ConfinedWorker {
  /** Calls a task; throws what the task threw, or `worker-failed` when the worker died. */
  call<T>(method: string, input: unknown, options: CallOptions): Promise<T>;
  close(): Promise<void>;
}

/** Starts workers. */
export type StartWorker = (limits?: Partial<ConfineLimits>) => ConfinedWorker;

interface Pending {
  readonly resolve: (output: unknown) => void;
  readonly reject: (error: Error) => void;
  readonly options: CallOptions;
}

const limitsDefault: ConfineLimits = { memoryBytesMax: 3 * 1024 ** 3 };
const memoryPollMs = 200;

/** Starts a worker process; it is ready when its first call is answered. */
export const startWorker: StartWorker = (limits = {}) => {
  const { memoryBytesMax } = { ...limitsDefault, ...limits };
  const child = fork(programPath('confine/child'), [], {
    execArgv: [
      '--permission',
      '--allow-addons',
      ...readableFolders().map((folder) => `--allow-fs-read=${folder}`),
      '--disable-warning=SecurityWarning',
      '--disable-warning=ExperimentalWarning',
    ],
    env: {},
    cwd: packageFolder,
    serialization: 'advanced',
    stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
  });
  return new WorkerHandle(child, memoryBytesMax);
};

class WorkerHandle implements ConfinedWorker {
  readonly #child: ChildProcess;
  readonly #pending = new Map<number, Pending>();
  readonly #exited: Promise<void>;
  #nextId = 1;
  #death = '';
  #complaint = '';

  constructor(child: ChildProcess, memoryBytesMax: number) {
    this.#child = child;
    child.stderr?.on('data', (chunk: Buffer) => {
      this.#complaint = (this.#complaint + chunk.toString()).slice(-2000);
    });
    child.on('message', (message) => this.#receive(message as FromWorker));
    const watch = setInterval(() => this.#watchMemory(memoryBytesMax), memoryPollMs);
    watch.unref();
    this.#exited = new Promise((resolve) => {
      child.once('exit', (code, signal) => {
        clearInterval(watch);
        this.#fail(code, signal);
        resolve();
      });
      child.once('error', (error) => {
        this.#death ||= messageOf(error);
        this.#fail(null, null);
        resolve();
      });
    });
  }

  async call<T>(method: string, input: unknown, options: CallOptions): Promise<T> {
    options.signal?.throwIfAborted();
    const id = this.#nextId++;
    const cancel = (): void => this.#kill('was cancelled');
    const timer = setTimeout(
      () => this.#kill(`took longer than ${options.timeoutMs / 1000} s`),
      options.timeoutMs,
    );
    options.signal?.addEventListener('abort', cancel, { once: true });
    try {
      return await new Promise<T>((resolve, reject) => {
        this.#pending.set(id, { resolve: (output) => resolve(output as T), reject, options });
        const sources = Object.entries(options.sources ?? {}).map(
          ([source, { size, digest = null }]) => ({ source, size, digest }),
        );
        this.#send({ type: 'call', id, method, input, sources });
      });
    } finally {
      clearTimeout(timer);
      options.signal?.removeEventListener('abort', cancel);
      this.#pending.delete(id);
    }
  }

  async close(): Promise<void> {
    this.#kill('was closed');
    await this.#exited;
  }

  #receive(message: FromWorker): void {
    if (message.type === 'ready') return;
    const pending = this.#pending.get(message.id);
    if (pending === undefined) return;
    if (message.type === 'progress') pending.options.onProgress?.(message.progress);
    else if (message.type === 'checkpoint') pending.options.onCheckpoint?.(message.checkpoint);
    else if (message.type === 'read') void this.#serveRead(message, pending);
    else if (message.type === 'done') pending.resolve(message.output);
    else void this.#serveFailure(message.error, pending);
  }

  async #serveFailure({ code, message, hint }: ErrorReport, pending: Pending): Promise<void> {
    const accused = code === tamperedCode ? pending.options.sources?.[message] : undefined;
    try {
      await accused?.confirm?.();
      pending.reject(new MerlonError(code, message, { hint }));
    } catch (error) {
      pending.reject(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  async #serveRead(
    { id, read, source, offset, length }: Extract<FromWorker, { type: 'read' }>,
    pending: Pending,
  ): Promise<void> {
    try {
      const found = pending.options.sources?.[source];
      const bytes = found === undefined ? null : await found.read(offset, length);
      this.#send({ type: 'bytes', id, read, bytes });
    } catch (error) {
      // The worker learns only that the bytes cannot be had; the caller learns why.
      this.#send({ type: 'bytes', id, read, bytes: null });
      pending.reject(error instanceof Error ? error : new Error(messageOf(error)));
    }
  }

  #send(message: ToWorker): void {
    if (this.#child.connected) this.#child.send(message);
    else this.#fail(this.#child.exitCode, this.#child.signalCode);
  }

  #kill(why: string): void {
    this.#death ||= why;
    this.#child.kill('SIGKILL');
  }

  #fail(code: number | null, signal: string | null): void {
    const why = this.#death || `ended unexpectedly (${signal ?? `exit code ${code}`})`;
    const cause = this.#complaint === '' ? undefined : new Error(this.#complaint);
    for (const { reject } of this.#pending.values()) {
      reject(
        new PlatformError('worker-failed', `the confined worker ${why}`, {
          hint: 'the input may be hostile or too large; nothing else was affected',
          cause,
        }),
      );
    }
    this.#pending.clear();
  }

  #watchMemory(memoryBytesMax: number): void {
    const bytes = residentBytes(this.#child.pid);
    if (bytes !== null && bytes > memoryBytesMax) {
      this.#kill(`used more than ${Math.round(memoryBytesMax / 1024 ** 2)} MiB of memory`);
    }
  }
}

/** Resident memory of a process, or null where the system does not tell. */
function residentBytes(pid: number | undefined): number | null {
  try {
    const pages = Number(readFileSync(`/proc/${pid}/statm`, 'utf8').split(' ')[1]);
    return pages * 4096;
  } catch {
    // No /proc on this system, or the process has just ended: its exit is handled elsewhere.
    return null;
  }
}

let folders: readonly string[] | null = null;

/** The folders of the program itself: the only files that a worker may read. */
function readableFolders(): readonly string[] {
  if (folders !== null) return folders;
  const found = new Set<string>();
  found.add(join(packageFolder, '..'));
  for (const name of ['@merlon/core', 'onnxruntime-node', 'onnxruntime-common']) {
    const path = resolvedPath(name);
    const at = path.indexOf('/node_modules/');
    found.add(at === -1 ? dirname(dirname(dirname(path))) : `${path.slice(0, at)}/node_modules`);
  }
  folders = [...found].map((folder) => (folder.endsWith('/') ? folder : `${folder}/`));
  return folders;
}

function resolvedPath(name: string): string {
  return fileURLToPath(import.meta.resolve(name));
}
