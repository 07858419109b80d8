/** The tour in a process of its own, which tests may kill. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';

const bin = fileURLToPath(new URL('../../src/cli/merlon.ts', import.meta.url));

/** A running tour. */
export interface TourProcess {
  readonly child: ChildProcess;
  /** Resolves when a line contains a text. */
  said(text: string): Promise<void>;
  /** Resolves with the exit code and everything that was printed. */
  readonly ended: Promise<{ code: number | null; output: string }>;
}

/** Starts `merlon tour` in a home. */
export function startTour(home: string): TourProcess {
  const child = spawn(process.execPath, [bin, 'tour', '--home', home], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: process.env.PATH ?? '' },
  });
  let output = '';
  const waiting = new Set<() => void>();
  for (const stream of [child.stdout, child.stderr]) {
    stream.on('data', (chunk: Buffer) => {
      output += chunk.toString();
      for (const check of waiting) check();
    });
  }
  const ended = once(child, 'close').then(([code]) => {
    for (const check of waiting) check();
    return { code: code as number | null, output };
  });
  return {
    child,
    ended,
    said: (text) =>
      new Promise((resolve) => {
        const check = (): void => {
          if (!output.includes(text) && child.exitCode === null) return;
          waiting.delete(check);
          resolve();
        };
        waiting.add(check);
        check();
      }),
  };
}
