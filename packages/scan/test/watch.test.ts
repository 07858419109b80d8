/** `merlon-scan --watch`: what changes is audited, again and again, until it is stopped. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { bytes, callWithText } from './support.ts';

const main = fileURLToPath(new URL('../src/command/main.ts', import.meta.url));
const folder = mkdtempSync(join(tmpdir(), 'merlon-watch-'));
const evil = bytes('\x80\x02', callWithText('os', 'system', 'echo inert'), '.');
let child: ChildProcess | undefined;
afterAll(async () => {
  if (child !== undefined) {
    child.kill();
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  }
  rmSync(folder, { recursive: true });
});

/** The next report of a file, as one of the lines of JSON that the program prints. */
function reporter(process: ChildProcess): (path: string) => Promise<Record<string, unknown>> {
  const seen: Record<string, unknown>[] = [];
  let look = (): void => undefined;
  let rest = '';
  process.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) seen.push(...JSON.parse(line).files);
    look();
  });
  return (path) =>
    new Promise((resolve, reject) => {
      process.once('exit', () => reject(new Error('it ended')));
      look = () => {
        const at = seen.findLastIndex((report) => report.path === path);
        if (at < 0) return;
        resolve(seen[at] ?? {});
        seen.length = 0;
        look = () => undefined;
      };
      look();
    });
}

it('audits files that come, change, and lie deeper', { timeout: 60_000 }, async () => {
  mkdirSync(join(folder, 'models/deep'), { recursive: true });
  writeFileSync(join(folder, 'models/first.json'), '{"a": 1}');
  const words = [main, 'models', '--watch', '--json'];
  child = spawn(process.execPath, words, { cwd: folder, stdio: ['ignore', 'pipe', 'inherit'] });
  const reportOf = reporter(child);
  expect(await reportOf('models/first.json')).toMatchObject({ verdict: 'clean' });
  // A writer that is not done is seen, too: the last word is that of the whole file.
  writeFileSync(join(folder, 'models/own.part'), evil);
  renameSync(join(folder, 'models/own.part'), join(folder, 'models/own.pkl'));
  expect(await reportOf('models/own.pkl')).toMatchObject({ verdict: 'flagged' });
  writeFileSync(join(folder, 'models/own.tmp'), '{"b": 2}');
  renameSync(join(folder, 'models/own.tmp'), join(folder, 'models/own.pkl'));
  expect(await reportOf('models/own.pkl')).toMatchObject({ formats: ['json'] });
  writeFileSync(join(folder, 'models/deep/x.part'), evil);
  renameSync(join(folder, 'models/deep/x.part'), join(folder, 'models/deep/x.pkl'));
  expect(await reportOf('models/deep/x.pkl')).toMatchObject({ verdict: 'flagged' });
});
