/** `--watch`: audits what changes, until the process is stopped. */
import { watch } from 'node:fs';
import { join } from 'node:path';
import { messageOf } from '@merlon/core';
import { type Run, runScan, type Setup } from './run.ts';

/**
 * Audits everything once, then whatever changes, one batch after the other; never resolves. It
 * listens before it reads, so that nothing changes unseen in between.
 */
export function watchFiles(
  setup: Setup,
  first: () => Promise<void>,
  tell: (run: Run) => Promise<void>,
): Promise<never> {
  const complain = (error: unknown): void => void process.stderr.write(`${messageOf(error)}\n`);
  let turn: Promise<void> = Promise.resolve();
  let batch = new Set<string>();
  const audit = async (): Promise<void> => {
    if (batch.size === 0) return;
    const changed = batch;
    batch = new Set();
    const run = await runScan(setup, () => undefined, changed);
    if (run.reports.length > 0) await tell(run);
  };
  for (const path of setup.options.paths.filter((each) => each !== '-')) {
    const watcher = watch(path, { recursive: true }, (_, name) => {
      batch.add(name === null ? path : join(path, name));
      batch.add(path);
      turn = turn.then(audit).catch(complain);
    });
    watcher.on('error', complain);
  }
  turn = turn.then(first);
  // A fault of the first audit ends the program as it would without watching.
  return turn.then(() => new Promise<never>(() => undefined));
}
