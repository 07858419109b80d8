/** `scan`: static audit of files and folders, each in a confined worker that can be lost. */
import { atLeast, isoTime, type Json, systemClock } from '@merlon/core';
import {
  accept,
  type FileReport,
  type IgnoreRule,
  type PolicyDocument,
  type Profile,
  passedOver,
  policyFromJson,
  policyVersion,
  readIgnore,
  summarize,
  toCycloneDx,
  toSarif,
  toText,
} from '@merlon/scan';
import { crashReport, scanConfined, unscanned } from '../../confine/scan-file.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { type FoundFile, filesBelow, openSource, readText } from '../files.ts';
import { type Arguments, usage } from '../usage.ts';
import type { ExitCode, Terminal, Verb } from '../verb.ts';

const memoryBytesMax = 1024 ** 3;
const timeoutMs = 300_000;

/** Audits model files. */
export const scanVerb: Verb = {
  name: 'scan',
  usage: 'PATH… [--format text|json|sarif|cyclonedx] [--profile ml|strict] [--fail-on high]',
  does: 'audits model files and folders by content, without loading any',
  options: {
    format: {
      type: 'string',
      help: 'text, json, sarif or cyclonedx (default text)',
    },
    profile: { type: 'string', help: 'ml or strict (default ml)' },
    policy: { type: 'string', help: 'FILE with a policy that extends the shipped one' },
    ignore: { type: 'string', help: 'FILE of what is accepted, with reasons (.merlonignore)' },
    'fail-on': { type: 'string', help: 'severity that gives exit code 1 (default high)' },
  },
  run: async (args, terminal) => {
    if (args.positionals.length === 0) throw usage('PATH expected, got nothing');
    const format = args.choice('format', ['text', 'json', 'sarif', 'cyclonedx'], 'text');
    const profile = args.choice('profile', ['ml', 'strict'], 'ml');
    const failOn = args.failOn();
    const how = await howOf(args, profile);
    const found = filesBelow(args.positionals).filter((f) => !passedOver(how.ignore, f.shown));
    const reports = await scanAll(found, how, terminal);
    const files = reports.map((report) => accept(report, how.ignore, report.path).report);
    const summary = summarize(files);
    const json = { files, policy: how.policy?.version ?? policyVersion, profile, summary };
    const exit = exitOf(files, failOn);
    if (format === 'sarif') {
      const sarif = toSarif(files);
      return { exit, json: sarif, raw: `${JSON.stringify(sarif, null, 2)}\n` };
    }
    if (format === 'cyclonedx') {
      const bill = toCycloneDx(files, { timestamp: isoTime(systemClock.nowMs()) });
      return { exit, json: bill, raw: `${JSON.stringify(bill, null, 2)}\n` };
    }
    if (format === 'json') return { exit, json, raw: `${JSON.stringify(json)}\n` };
    return { exit, json, text: toText(files) };
  },
};

/** With what the files are audited. */
interface How {
  readonly profile: Profile;
  readonly policy: PolicyDocument | undefined;
  readonly ignore: readonly IgnoreRule[];
}

async function howOf(args: Arguments, profile: Profile): Promise<How> {
  const policy = args.text('policy');
  const ignore = args.text('ignore');
  return {
    profile,
    policy: policy === undefined ? undefined : policyOf(await readText(policy, 'the policy')),
    ignore: ignore === undefined ? [] : readIgnore(await readText(ignore, 'the list')),
  };
}

function policyOf(text: string): PolicyDocument {
  try {
    return policyFromJson(JSON.parse(text) as Json);
  } catch (cause) {
    if (!(cause instanceof SyntaxError)) throw cause;
    throw usage(`the policy expected JSON: ${cause.message}`);
  }
}

/** "Found" beats every other code; what was not understood is never a quiet success. */
export function exitOf(
  files: readonly FileReport[],
  failOn: ReturnType<Arguments['failOn']>,
): ExitCode {
  if (files.some((file) => file.findings.some((finding) => atLeast(finding, failOn)))) return 1;
  const unsure = files.some(
    ({ verdict }) => verdict === 'not-understood' || verdict === 'incomplete',
  );
  return unsure ? 3 : 0;
}

async function scanAll(
  found: readonly FoundFile[],
  how: How,
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
      const { report, size } = await scanOne(worker, file, { how, signal: terminal.signal });
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
  { how, signal }: { readonly how: How; readonly signal: AbortSignal },
): Promise<{ readonly report: FileReport | null; readonly size: number }> {
  const source = await openSource(file.path);
  try {
    const { profile, policy } = how;
    const request = { source, path: file.shown, profile, policy, signal, timeoutMs };
    return { report: await scanConfined(worker, request), size: source.size };
  } finally {
    await source.close();
  }
}
