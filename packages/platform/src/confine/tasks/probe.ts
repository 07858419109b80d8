/**
 * Tries from inside what confinement forbids and tells how it was refused. Used by tests and by
 * nobody else; it can do nothing that another task could not.
 */
import { spawnSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { Worker } from 'node:worker_threads';
import { InputError } from '@merlon/core';

/** What to try. */
export interface ProbeInput {
  readonly what: string;
}

const attempts: Readonly<Record<string, () => unknown>> = {
  environment: () => Object.keys(process.env),
  read: () => readFileSync('/etc/hostname'),
  write: () => writeFileSync('merlon-probe', ''),
  child: () => spawnSync('true').error,
  thread: () => new Worker('', { eval: true }),
  network: () => dial(),
  hang: () => new Promise(() => setInterval(() => undefined, 1000)),
  memory: () => fillMemory(),
  die: () => process.exit(7),
};

/** The code of the refusal, or what came back. */
export async function probeTask({ what }: ProbeInput): Promise<unknown> {
  const attempt = Object.hasOwn(attempts, what) ? attempts[what] : undefined;
  if (attempt === undefined) throw new InputError('bad-input', `nothing to try as "${what}"`);
  try {
    const found = await attempt();
    return found instanceof Error ? codeOf(found) : found;
  } catch (error) {
    return codeOf(error);
  }
}

function dial(): Promise<unknown> {
  return new Promise((resolve, reject) => {
    const socket = connect({ host: '127.0.0.1', port: 9 });
    socket.once('connect', () => resolve('connected'));
    socket.once('error', reject);
  });
}

async function fillMemory(): Promise<unknown> {
  const held: Uint8Array[] = [];
  for (;;) {
    held.push(new Uint8Array(16 << 20).fill(held.length + 1));
    // Gives the watcher its turn; without it the loop would outrun every measurement.
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown }).code ?? error);
}
