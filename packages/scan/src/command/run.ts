/** One run of `merlon-scan`: finds the files, audits each, and tells what came of it. */
import { lstatSync, readFileSync, readlinkSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import {
  atLeast,
  type ByteSource,
  type Json,
  memorySource,
  messageOf,
  type Severity,
} from '@merlon/core';
import { type Advisories, readAdvisories } from '../advisories.ts';
import { compareReports } from '../compare.ts';
import { ScanError } from '../error.ts';
import { type Accepted, accept, type IgnoreRule, passedOver, readIgnore } from '../ignore.ts';
import { type PolicyDocument, policyFromJson } from '../policy/document.ts';
import { type FileReport, reportLink, type ScanOptions, scanSource } from '../scan.ts';
import { type Found, findFiles, openFile } from './files.ts';
import type { Options } from './options.ts';

/** What a run came to. */
export interface Run {
  readonly reports: readonly FileReport[];
  readonly accepted: readonly Accepted[];
  /** Files that `.merlonignore` passes over, with the reason. */
  readonly ignored: readonly { readonly path: string; readonly reason: string }[];
}

/** What the files are audited with. */
export interface Setup {
  readonly options: Options;
  readonly policy: PolicyDocument | undefined;
  readonly advisories: Advisories | undefined;
  readonly ignore: readonly IgnoreRule[];
}

/** Reads the files that the options name; throws what is wrong with them. */
export function prepare(options: Options): Setup {
  const { policy, advisories } = options;
  return {
    options,
    policy: policy === undefined ? undefined : readPolicy(policy),
    advisories: advisories === undefined ? undefined : readAdvisories(readText(advisories)),
    ignore: ignoreRules(options),
  };
}

/** Audits everything that was named; `onFile` hears of each before it is looked at. */
export async function runScan(
  setup: Setup,
  onFile: (path: string, done: number, total: number) => void,
  only?: ReadonlySet<string>,
): Promise<Run> {
  const { options, ignore } = setup;
  const reports: FileReport[] = [];
  const accepted: Accepted[] = [];
  const ignored: { path: string; reason: string }[] = [];
  if (options.paths.includes('-')) reports.push(await scanInput(setup));
  const files = findFiles(options.paths.filter((path) => path !== '-'));
  for (const [done, file] of files.entries()) {
    if (only !== undefined && !only.has(file.path)) continue;
    const rule = passedOver(ignore, file.below);
    if (rule !== null) {
      ignored.push({ path: file.path, reason: rule.reason });
      continue;
    }
    onFile(file.path, done, files.length);
    const judged = accept(await scanFile(setup, file), ignore, file.below);
    reports.push(judged.report);
    accepted.push(...judged.accepted);
  }
  return { reports, accepted, ignored };
}

/** Which files change verdict under another policy. */
export async function runDiff(setup: Setup, otherPath: string) {
  const other: Setup = { ...setup, policy: readPolicy(otherPath) };
  const quiet = () => undefined;
  const [before, after] = [await runScan(setup, quiet), await runScan(other, quiet)];
  return compareReports(before.reports, after.reports);
}

/** "Found" beats every other code; what was not understood is never a quiet success. */
export function exitCode(reports: readonly FileReport[], failOn: Severity): 0 | 1 | 3 {
  if (reports.some((report) => report.findings.some((each) => atLeast(each, failOn)))) return 1;
  const unsure = reports.some(
    ({ verdict }) => verdict === 'not-understood' || verdict === 'incomplete',
  );
  return unsure ? 3 : 0;
}

async function scanInput(setup: Setup): Promise<FileReport> {
  const bytes = await buffer(process.stdin);
  return scanSource(memorySource(new Uint8Array(bytes)), optionsFor(setup, '-'));
}

async function scanFile(setup: Setup, file: Found): Promise<FileReport> {
  if (file.special) return scanSpecial(setup, file.path);
  let source: (ByteSource & { close(): Promise<void> }) | null = null;
  try {
    source = await openFile(file.path);
    return await scanSource(source, optionsFor(setup, file.path));
  } catch (error) {
    if (error instanceof ScanError) throw error;
    return unread(setup, file.path, messageOf(error));
  } finally {
    await source?.close();
  }
}

/** Links are told by where they lead; they, pipes and devices are not opened. */
function scanSpecial(setup: Setup, path: string): FileReport {
  const isLink = lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() === true;
  if (!isLink) return unread(setup, path, 'a link or another thing that is no file');
  return reportLink(readlinkSync(path), optionsFor(setup, path));
}

function optionsFor({ options, policy, advisories }: Setup, path: string): ScanOptions {
  return {
    path,
    profile: options.profile,
    nowMs: () => performance.now(),
    ...(policy === undefined ? {} : { policy }),
    ...(advisories === undefined ? {} : { advisories }),
  };
}

/** A file that could not be read is told, never left out. */
function unread(setup: Setup, path: string, reason: string): FileReport {
  const { policy } = setup;
  return {
    path,
    size: 0,
    formats: [],
    verdict: 'incomplete',
    findings: [],
    coverage: {
      bytes: 0,
      dataBytes: 0,
      members: 0,
      incomplete: [{ member: '', reason }],
      notUnderstood: [],
      findingsDropped: 0,
      policy: policy?.version ?? '',
    },
  };
}

function readPolicy(path: string): PolicyDocument {
  const text = readText(path);
  let value: Json;
  try {
    value = JSON.parse(text) as Json;
  } catch (cause) {
    const message = `the policy "${path}" expected JSON: ${messageOf(cause)}`;
    throw new ScanError('bad-policy', message, { cause });
  }
  return policyFromJson(value);
}

function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const message = `"${path}" cannot be read: ${messageOf(cause)}`;
    throw new ScanError('not-found', message, { hint: 'check the path', cause });
  }
}

/** The file that was named, or the one beside the first path, where there is one. */
function ignoreRules({ ignore, paths }: Options): IgnoreRule[] {
  if (ignore !== undefined) return readIgnore(readText(ignore));
  for (const path of paths.filter((each) => each !== '-')) {
    for (const folder of [path, dirname(path)]) {
      const text = textIfThere(join(folder, '.merlonignore'));
      if (text !== null) return readIgnore(text);
    }
  }
  return [];
}

function textIfThere(path: string): string | null {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return null;
    throw error;
  }
}
