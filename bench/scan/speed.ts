/**
 * Time and memory of a whole process a file, beside the peers where their venv is given:
 *
 *     node bench/scan/speed.ts FOLDER [--peers VENV] [--tools merlon,picklescan] [--repeat 5]
 *         [--mixed FOLDER_OF_MODELS] [--limit SECONDS] [--only PART_OF_A_NAME]
 *
 * `python -m venv VENV && VENV/bin/pip install picklescan modelscan fickling modelaudit` makes one.
 */
import { spawnSync } from 'node:child_process';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  writeFileSync,
} from 'node:fs';
import { join, resolve } from 'node:path';
import { writeInputs } from './inputs.ts';

const [given = '/tmp/merlon-scan-bench', ...flags] = process.argv.slice(2);
const folder = resolve(given);
const option = (name: string): string | undefined =>
  flags.includes(name) ? flags[flags.indexOf(name) + 1] : undefined;
const peers = option('--peers');
const venv = peers === undefined ? undefined : resolve(peers);
const repeat = Number(option('--repeat') ?? 5);
const models = option('--mixed');
const mixed = models === undefined ? undefined : resolve(models);
const limitSeconds = Number(option('--limit') ?? 120);
const only = option('--only') ?? '';
const wanted = option('--tools')?.split(',');
const command = join(import.meta.dirname, '../../packages/scan/src/command/main.ts');

interface Timing {
  readonly seconds: number;
  readonly megabytes: number;
  readonly exit: number;
}

const tools: Record<string, (path: string) => string[]> = {
  merlon: (path) => [process.execPath, command, path],
  ...(venv === undefined
    ? {}
    : {
        picklescan: (path) => [join(venv, 'bin/picklescan'), '-p', path],
        modelscan: (path) => [join(venv, 'bin/modelscan'), '-p', path],
        fickling: (path) => [join(venv, 'bin/fickling'), '--check-safety', path],
        modelaudit: (path) => [join(venv, 'bin/modelaudit'), 'scan', path],
      }),
};

function once(words: readonly string[]): Timing {
  const [program = '', ...rest] = words;
  // The limit is set inside, so that what is stopped is the tool and not only its stopwatch.
  const limited = ['timeout', '-k', '2', String(limitSeconds), program, ...rest];
  const timed = ['-f', '%e %M', '-o', join(folder, 'time.txt'), ...limited];
  const env = { ...process.env, PROMPTFOO_DISABLE_TELEMETRY: '1' };
  // Some of the peers leave files where they are started.
  const ran = spawnSync('/usr/bin/time', timed, { env, cwd: folder });
  const line = readFileSync(join(folder, 'time.txt'), 'utf8').trim().split('\n').at(-1) ?? '';
  const [seconds = Number.NaN, kilobytes = Number.NaN] = line.split(' ').map(Number);
  return { seconds, megabytes: kilobytes / 1024, exit: ran.status ?? -1 };
}

function median(words: readonly string[], times: number): Timing {
  const runs = Array.from({ length: times }, () => once(words));
  const sorted = runs.sort((a, b) => a.seconds - b.seconds);
  return sorted[Math.floor(sorted.length / 2)] ?? { seconds: Number.NaN, megabytes: 0, exit: -1 };
}

function shown({ seconds, megabytes, exit }: Timing): string {
  if (exit === 124) return `stopped after ${limitSeconds} s, ${megabytes.toFixed(0)} MB`;
  return `${seconds.toFixed(2)} s, ${megabytes.toFixed(0)} MB, exit ${exit}`;
}

/** A folder of a thousand files, one kind after the other. */
function mixedFolder(from: string): string {
  const to = join(folder, 'mixed');
  if (existsSync(to)) return to;
  mkdirSync(to);
  const below = (path: string): string[] =>
    readdirSync(path, { withFileTypes: true }).flatMap((entry) =>
      entry.isDirectory() ? below(join(path, entry.name)) : [join(path, entry.name)],
    );
  const all = below(from).filter((path) => !path.endsWith('manifest.jsonl'));
  const step = Math.max(1, Math.floor(all.length / 1000));
  for (const [i, path] of all
    .filter((_, at) => at % step === 0)
    .slice(0, 1000)
    .entries()) {
    copyFileSync(path, join(to, `${i}-${path.slice(path.lastIndexOf('/') + 1)}`));
  }
  return to;
}

const small = join(folder, 'small.pkl');
const inputs = writeInputs(folder);
writeFileSync(small, Buffer.from('\x80\x04}\x8c\x01aK\x01s.', 'latin1'));
once([process.execPath, command, small]);
const rows: Record<string, Record<string, string>> = {};
const measured = [small, ...inputs, ...(mixed === undefined ? [] : [mixedFolder(mixed)])];
for (const path of measured.filter((each) => each.includes(only))) {
  const row: Record<string, string> = {};
  for (const [tool, words] of Object.entries(tools)) {
    if (wanted !== undefined && !wanted.includes(tool)) continue;
    row[tool] = shown(median(words(path), tool === 'merlon' ? repeat : 1));
  }
  rows[path.slice(folder.length + 1)] = row;
}
console.table(rows);
