/** `scan`: static audit of files and folders, each in a confined worker that can be lost. */
import { atLeast, type Finding, MerlonError } from '@merlon/core';
import {
  type FileReport,
  type Profile,
  policyVersion,
  summarize,
  toSarif,
  toText,
} from '@merlon/scan';
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
      throw new PlatformError('not-built', '"cyclonedx" is not built yet');
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
        reports.push(notScanned(file, 'a link or another thing that is not a plain file'));
        continue;
      }
      worker ??= startWorker({ memoryBytesMax });
      const report = await scanOne(worker, file, { profile, signal: terminal.signal });
      if (report === null) {
        await worker.close();
        worker = null;
      }
      reports.push(report ?? notScanned(file, 'the scanner did not survive it', crash(file)));
    }
  } finally {
    await worker?.close();
  }
  return reports;
}

/** The report of one file, or null when the worker did not survive it. */
async function scanOne(
  worker: ConfinedWorker,
  file: FoundFile,
  { profile, signal }: { readonly profile: Profile; readonly signal: AbortSignal },
): Promise<FileReport | null> {
  const source = await openSource(file.path);
  try {
    const input = { path: file.shown, profile };
    return await worker.call<FileReport>('scan', input, {
      sources: { file: source },
      signal,
      timeoutMs,
    });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MerlonError && error.code === 'worker-failed') return null;
    throw error;
  } finally {
    await source.close();
  }
}

function crash(file: FoundFile): Finding {
  return {
    rule: 'MRL-SCAN-001',
    severity: 'high',
    title: 'the scanner did not survive this file',
    location: { path: file.shown },
    evidence: '',
    cwe: ['CWE-400'],
    atlas: ['AML.T0029'],
    cve: [],
    fix: 'treat the file as hostile; obtain it again from its source',
  };
}

function notScanned(file: FoundFile, reason: string, ...findings: Finding[]): FileReport {
  return {
    path: file.shown,
    size: 0,
    formats: [],
    verdict: 'incomplete',
    findings,
    coverage: {
      bytes: 0,
      dataBytes: 0,
      members: 0,
      incomplete: [{ member: '', reason }],
      notUnderstood: [],
      findingsDropped: 0,
      policy: policyVersion,
    },
  };
}
