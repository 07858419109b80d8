/** `scan`: static audit of files and folders, each in a confined worker that can be lost. */
import { atLeast } from '@merlon/core';
import {
  type FileReport,
  type Profile,
  policyVersion,
  summarize,
  toSarif,
  toText,
} from '@merlon/scan';
import { crashReport, scanConfined, unscanned } from '../../confine/scan-file.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { PlatformError } from '../../errors.ts';
import { type FoundFile, filesBelow, openSource } from '../files.ts';
import { type Arguments, usage } from '../usage.ts';
import type { ExitCode, Terminal, Verb } from '../verb.ts';

const memoryBytesMax = 1024 ** 3;
const timeoutMs = 300_000;

/** Audits model files. */
export const scanVerb: Verb = {
  name: 'scan',
  usage: 'PATH… [--format text|json|sarif] [--profile ml|strict] [--fail-on high]',
  does: 'audits model files and folders by content, without loading any',
  options: {
    format: {
      type: 'string',
      help: 'text, json, sarif; cyclonedx is not built yet (default text)',
    },
    profile: { type: 'string', help: 'ml or strict (default ml)' },
    'fail-on': { type: 'string', help: 'severity that gives exit code 1 (default high)' },
  },
  run: async (args, terminal) => {
    if (args.positionals.length === 0) throw usage('PATH expected, got nothing');
    const format = args.choice('format', ['text', 'json', 'sarif', 'cyclonedx'], 'text');
    if (format === 'cyclonedx')
      throw new PlatformError('not-built', '"cyclonedx" is not built yet', {
        hint: 'use --format json or --format sarif',
      });
    const profile = args.choice('profile', ['ml', 'strict'], 'ml');
    const failOn = args.failOn();
    const files = await scanAll(filesBelow(args.positionals), profile, terminal);
    const summary = summarize(files);
    const json = { files, policy: policyVersion, profile, summary };
    const exit = exitOf(files, failOn);
    if (format === 'sarif') {
      const sarif = toSarif(files);
      return { exit, json: sarif, raw: `${JSON.stringify(sarif, null, 2)}\n` };
    }
    if (format === 'json') return { exit, json, raw: `${JSON.stringify(json)}\n` };
    return { exit, json, text: toText(files) };
  },
};

/** "Found" beats every other code; what was not understood is never a quiet success. */
function exitOf(files: readonly FileReport[], failOn: ReturnType<Arguments['failOn']>): ExitCode {
  if (files.some((file) => file.findings.some((finding) => atLeast(finding, failOn)))) return 1;
  const unsure = files.some(
    ({ verdict }) => verdict === 'not-understood' || verdict === 'incomplete',
  );
  return unsure ? 3 : 0;
}

async function scanAll(
  found: readonly FoundFile[],
  profile: Profile,
  terminal: Terminal,
): Promise<FileReport[]> {
  const reports: FileReport[] = [];
  let worker: ConfinedWorker | null = null;
  try {
    for (const file of found) {
      terminal.signal.throwIfAborted();
      terminal.progress({ label: file.shown, done: reports.length, total: found.length });
      if (file.special) {
        const reason = 'a link or another thing that is not a plain file';
        reports.push(unscanned(file.shown, reason));
        continue;
      }
      worker ??= startWorker({ memoryBytesMax });
      const { report, size } = await scanOne(worker, file, { profile, signal: terminal.signal });
      if (report === null) {
        await worker.close();
        worker = null;
      }
      reports.push(report ?? crashReport(file.shown, size));
    }
  } finally {
    await worker?.close();
  }
  return reports;
}

/** The report of one file; null instead of it when the worker did not survive. */
async function scanOne(
  worker: ConfinedWorker,
  file: FoundFile,
  { profile, signal }: { readonly profile: Profile; readonly signal: AbortSignal },
): Promise<{ readonly report: FileReport | null; readonly size: number }> {
  const source = await openSource(file.path);
  try {
    const request = { source, path: file.shown, profile, signal, timeoutMs };
    return { report: await scanConfined(worker, request), size: source.size };
  } finally {
    await source.close();
  }
}
