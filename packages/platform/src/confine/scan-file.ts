/** One file through the confined scanner; a worker that does not survive it is a finding. */
import { type ByteSource, type Finding, MerlonError } from '@merlon/core';
import { type FileReport, type PolicyDocument, type Profile, policyVersion } from '@merlon/scan';
import type { ConfinedWorker } from './worker.ts';

/** Which file, and how it is watched. */
export interface ScanRequest {
  readonly source: ByteSource;
  /** The file's path as people named it. */
  readonly path: string;
  readonly profile: Profile;
  /** Instead of the shipped policy. */
  readonly policy?: PolicyDocument | undefined;
  /** Advisories and their digest. */
  readonly advisories?: { readonly digest: string; readonly source: ByteSource } | undefined;
  readonly signal: AbortSignal;
  readonly timeoutMs: number;
}

/** The report, or null when the worker died over it (then start another); aborting throws. */
export async function scanConfined(
  worker: ConfinedWorker,
  request: ScanRequest,
): Promise<FileReport | null> {
  const { source, path, profile, policy, advisories, signal, timeoutMs } = request;
  try {
    const sources = {
      file: source,
      ...(advisories === undefined ? {} : { advisories: advisories.source }),
    };
    const input = {
      ...{ path, profile },
      ...(policy === undefined ? {} : { policy }),
      ...(advisories === undefined ? {} : { advisories: advisories.digest }),
    };
    return await worker.call<FileReport>('scan', input, { sources, signal, timeoutMs });
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof MerlonError && error.code === 'worker-failed') return null;
    throw error;
  }
}

/** The report of a file that no worker survived. */
export function crashReport(path: string, size: number): FileReport {
  const finding: Finding = {
    rule: 'MRL-SCAN-001',
    severity: 'high',
    title: 'the scanner did not survive this file',
    location: { path },
    evidence: `${size} bytes`,
    cwe: ['CWE-400'],
    atlas: ['AML.T0029'],
    cve: [],
    fix: 'treat the file as hostile; obtain it again from its source',
  };
  return { ...unscanned(path, 'the worker died'), size, findings: [finding] };
}

/** The report of something that was not scanned, and why. */
export function unscanned(path: string, reason: string): FileReport {
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
      policy: policyVersion,
    },
  };
}
