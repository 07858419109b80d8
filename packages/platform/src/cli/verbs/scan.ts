/** `scan`: static audit of files and folders, each in a confined worker that can be lost. */
import { lstatSync, readlinkSync } from 'node:fs';
import { atLeast, isJsonObject, isoTime, type Json, systemClock } from '@merlon/core';
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
  reportLink,
  summarize,
  toCycloneDx,
  toSarif,
  toText,
} from '@merlon/scan';
import { crashReport, scanConfined, unscanned } from '../../confine/scan-file.ts';
import { type ConfinedWorker, startWorker } from '../../confine/worker.ts';
import { type FoundFile, filesBelow, openSource, readText } from '../files.ts';
import { objects, openApi, remoteOptions } from '../remote.ts';
import { table } from '../table.ts';
import { type Arguments, usage } from '../usage.ts';
import type { ExitCode, Terminal, Verb, VerbResult } from '../verb.ts';

const memoryBytesMax = 1024 ** 3;
const timeoutMs = 300_000;

/** Audits model files. */
export const scanVerb: Verb = {
  name: 'scan',
  usage:
    'PATH… [--format text|json|sarif|cyclonedx] [--profile ml|strict] [--fail-on high], ' +
    'or --policy-diff OLD NEW',
  does: 'audits model files and folders by content, without loading any',
  options: {
    format: {
      type: 'string',
      help: 'text, json, sarif or cyclonedx (default text)',
    },
    profile: { type: 'string', help: 'ml or strict (default ml)' },
    policy: { type: 'string', help: 'FILE with a policy that extends the shipped one' },
    ignore: { type: 'string', help: 'FILE of what is accepted, with reasons (.merlonignore)' },
    'policy-diff': {
      type: 'string',
      help: 'OLD, and NEW behind it: which versions of a platform change verdict (shipped or FILE)',
    },
    'fail-on': { type: 'string', help: 'severity that gives exit code 1 (default high)' },
    ...remoteOptions,
  },
  run: async (args, terminal) => {
    if (args.text('policy-diff') !== undefined) return diffPolicies(args);
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

/** Which stored versions change verdict: exit code 1 when any does. */
async function diffPolicies(args: Arguments): Promise<VerbResult> {
  const [next = ''] = args.exactly('NEW');
  const read = async (name: string): Promise<Json> =>
    name === 'shipped' ? null : policyText(await readText(name, 'the policy'));
  const [before, after] = [await read(args.needed('policy-diff')), await read(next)];
  const api = await openApi(args);
  const answer = await api.ask('POST', '/api/v1/policy-diff', { before, after });
  const rows = objects(answer.changed).flatMap(({ versionId, changes }) =>
    objects(changes).map(({ path, before: was, after: is, added, removed }) =>
      [versionId, path, sideOf(was), sideOf(is), `+${added} -${removed}`].map(String),
    ),
  );
  const text = table(['version', 'file', 'before', 'after', 'rules'], rows);
  const none = `${answer.versions} versions, none changes its verdict`;
  return { exit: rows.length > 0 ? 1 : 0, json: answer, text: rows.length > 0 ? text : none };
}

function sideOf(side: Json | undefined): string {
  const { verdict = '', worst = null } = isJsonObject(side) ? side : {};
  return worst === null ? String(verdict) : `${verdict} (${worst})`;
}

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
  return policyFromJson(policyText(text));
}

function policyText(text: string): Json {
  try {
    return JSON.parse(text) as Json;
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
        reports.push(linkOrOther(file, how));
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

/** A link is told where it leads and never followed; whatever else is no file is not read. */
function linkOrOther(file: FoundFile, { profile, policy }: How): FileReport {
  if (!lstatSync(file.path).isSymbolicLink()) {
    return unscanned(file.shown, 'a link or another thing that is not a plain file');
  }
  const options = { path: file.shown, profile, ...(policy === undefined ? {} : { policy }) };
  return reportLink(readlinkSync(file.path), options);
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
