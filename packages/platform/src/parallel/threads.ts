/** Runs work on several threads: all end, or the first fault ends all. */
import { availableParallelism } from 'node:os';
import { Worker } from 'node:worker_threads';
import { VaultError } from '@merlon/vault';
import { diskFault } from '../errors.ts';
import { programPath } from '../installation.ts';
import type { Share } from './blocks.ts';
import type { HashList } from './hash-file.ts';

/** What a thread tells. */
export type ThreadMessage =
  | { readonly bytes: number }
  | { readonly digest: string; readonly index: number }
  | { readonly done: true }
  | { readonly fault: { readonly ours: boolean; readonly code: string; readonly message: string } };

/** How to work. */
export interface ParallelOptions {
  /** Told how many bytes of the input are done. */
  readonly onBytes?: (bytes: number) => void;
  readonly signal?: AbortSignal;
  /** Threads (default: as many as the machine runs at once, at most 8). */
  readonly threads?: number;
}

/** Below this the work is done before threads have started. */
export const parallelBytesMin = 64 * 1024 * 1024;

const threadsMax = 8;

/** How many threads the options mean. */
export function threadCount(options: ParallelOptions): number {
  return options.threads ?? Math.min(threadsMax, availableParallelism());
}

/** One thread a piece of work; returns what they told beside their progress. */
export async function onThreads(
  work: readonly (Share | HashList)[],
  options: ParallelOptions,
): Promise<ThreadMessage[]> {
  const told: ThreadMessage[] = [];
  let bytes = 0;
  const onMessage = (message: ThreadMessage): void => {
    if (!('bytes' in message)) return void told.push(message);
    bytes += message.bytes;
    options.onBytes?.(bytes);
  };
  const program = programPath('parallel/thread');
  const threads = work.map((workerData) => new Worker(program, { workerData }));
  const stop = async (): Promise<void> => {
    await Promise.all(threads.map((thread) => thread.terminate()));
  };
  const onAbort = (): void => void stop();
  options.signal?.addEventListener('abort', onAbort, { once: true });
  try {
    await Promise.all(threads.map((thread) => ended(thread, onMessage)));
    options.signal?.throwIfAborted();
    return told;
  } catch (error) {
    options.signal?.throwIfAborted();
    throw error;
  } finally {
    options.signal?.removeEventListener('abort', onAbort);
    // All must have let go of the descriptors before their files are closed.
    await stop();
  }
}

function ended(thread: Worker, onMessage: (message: ThreadMessage) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    thread.on('message', (message: ThreadMessage) => {
      if ('fault' in message) reject(faultOf(message.fault));
      else if ('done' in message) resolve();
      else onMessage(message);
    });
    thread.once('error', reject);
    thread.once('exit', () => reject(new Error('a thread ended before its work')));
  });
}

function faultOf(fault: { ours: boolean; code: string; message: string }): unknown {
  if (fault.ours) {
    return new VaultError(fault.code === 'cannot-open' ? 'cannot-open' : 'bad-key', fault.message, {
      hint: 'check that this is the right identity and that the file arrived whole',
    });
  }
  return diskFault(Object.assign(new Error(fault.message), { code: fault.code }));
}
