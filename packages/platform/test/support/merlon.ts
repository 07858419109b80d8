/** Runs the command line in a process of its own, while a platform may answer in this one. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../src/cli/merlon.ts', import.meta.url));

/** How it ended, and what it printed on both streams. */
export async function runMerlon(
  words: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly status: number | null; readonly told: string }> {
  const child = spawn(process.execPath, [bin, ...words], {
    env: { PATH: process.env.PATH ?? '', ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  let told = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      told += text;
    });
  }
  const [status] = (await once(child, 'close')) as [number | null];
  return { status, told };
}
