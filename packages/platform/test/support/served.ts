/** `merlon serve` as a process of its own, on a free port. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

/** The command line. */
export const merlonBin = fileURLToPath(new URL('../../src/cli/merlon.ts', import.meta.url));

/** A running server. */
export interface Served {
  readonly child: ChildProcess;
  /** Where the model answers. */
  readonly url: string;
  readonly said: () => string;
}

/** The server, once it says where it answers; rejects when it ends before. */
export async function startServe(...args: readonly string[]): Promise<Served> {
  const given = [merlonBin, 'serve', ...args, '--port', '0'];
  const env = { PATH: process.env.PATH ?? '' };
  const child = spawn(process.execPath, given, { env, stdio: ['ignore', 'pipe', 'inherit'] });
  let said = '';
  const url = await new Promise<string>((resolve, reject) => {
    child.once('exit', () => reject(new Error(`the server ended: ${said}`)));
    child.stdout?.on('data', (chunk: Buffer) => {
      said += chunk.toString();
      const found = /answers at (\S+)\n/.exec(said)?.[1];
      if (found !== undefined) resolve(found);
    });
  });
  return { child, url, said: () => said };
}

/** Asks it to stop; its exit code. */
export async function stopServe({ child }: Served): Promise<number | null> {
  const exited = once(child, 'exit');
  child.kill('SIGTERM');
  const [code] = await exited;
  return code as number | null;
}
