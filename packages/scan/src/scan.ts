/** Audits one file: reads its bytes, never runs them, and says how far it came. */
import { atLeast, type ByteSource, type Finding, memorySource, type Verdict } from '@merlon/core';
import type { Advisories } from './advisories.ts';
import { type Audit, giveUp, type Place, type Skipped, startAudit, tell } from './audit.ts';
import { ScanError } from './error.ts';
import { type ScanLimits, scanLimitsDefault } from './limits.ts';
import { type Profile, policyOf } from './policy/classify.ts';
import type { PolicyDocument } from './policy/document.ts';
import { scanRegion } from './region.ts';
import { isPrivatePath } from './text/command.ts';

/** How to audit. */
export interface ScanOptions {
  /** The file's path as the user named it, for reports and hints. */
  readonly path: string;
  readonly profile: Profile;
  /** Instead of the shipped policy. */
  readonly policy?: PolicyDocument;
  readonly limits?: Partial<ScanLimits>;
  /** Known vulnerabilities of frameworks, from `readAdvisories`. */
  readonly advisories?: Advisories;
  /** A clock that only goes forward; without one the audit has no deadline. */
  readonly nowMs?: () => number;
}

/** How much of a file the audit saw. */
export interface Coverage {
  /** Bytes of the file. */
  readonly bytes: number;
  /** Bytes passed over because they are only numbers. */
  readonly dataBytes: number;
  /** Members of archives that were looked at. */
  readonly members: number;
  /** Parts that were not read to their end. */
  readonly incomplete: readonly Skipped[];
  /** Parts whose format has no reader. */
  readonly notUnderstood: readonly Skipped[];
  /** Findings beyond the limit, which are not listed. */
  readonly findingsDropped: number;
  /** Version of the policy data. */
  readonly policy: string;
}

/** The audit of one file. */
export interface FileReport {
  readonly path: string;
  readonly size: number;
  readonly formats: readonly string[];
  readonly verdict: Verdict;
  /** The worst first. */
  readonly findings: readonly Finding[];
  readonly coverage: Coverage;
}

/**
 * Audits the bytes of a file. Whatever they are, the promise resolves: what cannot be read is
 * `incomplete` or `not-understood`, never clean. Throws `bad-profile`; errors of the source pass
 * through.
 */
export async function scanSource(source: ByteSource, options: ScanOptions): Promise<FileReport> {
  const { path, profile } = options;
  if (profile !== 'ml' && profile !== 'strict') {
    throw new ScanError('bad-profile', `"profile" expected ml or strict, got "${String(profile)}"`);
  }
  const limits = { ...scanLimitsDefault, ...options.limits };
  const { advisories, nowMs } = options;
  const audit = startAudit(path, policyOf(profile, options.policy), limits, {
    ...(advisories === undefined ? {} : { advisories }),
    ...(nowMs === undefined ? {} : { deadline: { atMs: nowMs() + limits.timeMsMax, nowMs } }),
  });
  const place: Place = { audit, source, member: '', origin: 0, depth: 0, descend: scanRegion };
  try {
    await scanRegion(place);
  } catch (error) {
    // A reader that fails has not read: the file is incomplete, whatever else was found in it.
    if (!(error instanceof RangeError || error instanceof TypeError)) throw error;
    giveUp(place, `a reader failed: ${error.message}`);
  }
  return reportOf(audit, source.size);
}

/**
 * What is to be said of a link in a folder of models: it is never followed, so the report is
 * `incomplete`, and it is told where it leads to a private file of the machine.
 */
export function reportLink(target: string, options: ScanOptions): FileReport {
  const { path, profile, policy } = options;
  const audit = startAudit(path, policyOf(profile, policy), scanLimitsDefault);
  const source = memorySource(new Uint8Array(0));
  const place: Place = { audit, source, member: '', origin: 0, depth: 0, descend: scanRegion };
  giveUp(place, 'a link or another thing that is no file');
  if (isPrivatePath(target)) tell(place, 'MRL-LNK-001', { evidence: `${path} → ${target}` });
  return reportOf(audit, 0);
}

function reportOf(audit: Audit, size: number): FileReport {
  return {
    path: audit.path,
    size,
    formats: [...audit.formats],
    verdict: verdictOf(audit),
    findings: sortedFindings(audit.findings),
    coverage: {
      bytes: size,
      dataBytes: audit.dataBytes.count,
      members: audit.members,
      incomplete: audit.incomplete,
      notUnderstood: audit.notUnderstood,
      findingsDropped: audit.findingsDropped,
      policy: audit.policy.version,
    },
  };
}

/** What was found beats what was not read; only a file that was read to its end is clean. */
function verdictOf(audit: Audit): Verdict {
  if (audit.findings.some((finding) => atLeast(finding, 'medium'))) return 'flagged';
  if (audit.incomplete.length > 0 || audit.findingsDropped > 0) return 'incomplete';
  return audit.notUnderstood.length > 0 ? 'not-understood' : 'clean';
}

function sortedFindings(findings: readonly Finding[]): Finding[] {
  const order = { critical: 0, high: 1, medium: 2, low: 3, note: 4 } as const;
  return [...findings].sort((a, b) => order[a.severity] - order[b.severity]);
}
