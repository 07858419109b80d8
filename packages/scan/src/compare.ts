/** What changes between two audits of the same files, such as under two policies. */
import { type Severity, severities, type Verdict } from '@merlon/core';
import type { FileReport } from './scan.ts';

/** A file whose verdict or worst finding is not the same. */
export interface Change {
  readonly path: string;
  readonly before: { readonly verdict: Verdict; readonly worst: Severity | null };
  readonly after: { readonly verdict: Verdict; readonly worst: Severity | null };
  /** Rules that are new, and rules that are gone. */
  readonly added: readonly string[];
  readonly removed: readonly string[];
}

/** All files that changed; files that are only in one of the two lists are left out. */
export function compareReports(
  before: readonly FileReport[],
  after: readonly FileReport[],
): Change[] {
  const later = new Map(after.map((report) => [report.path, report]));
  return before.flatMap((old) => {
    const now = later.get(old.path);
    if (now === undefined) return [];
    const [was, is] = [sideOf(old), sideOf(now)];
    if (was.verdict === is.verdict && was.worst === is.worst) return [];
    const [oldRules, newRules] = [rulesOf(old), rulesOf(now)];
    const added = [...newRules].filter((rule) => !oldRules.has(rule));
    const removed = [...oldRules].filter((rule) => !newRules.has(rule));
    return [{ path: old.path, before: was, after: is, added, removed }];
  });
}

function sideOf(report: FileReport): Change['before'] {
  const found = new Set(report.findings.map((finding) => finding.severity));
  return {
    verdict: report.verdict,
    worst: severities.findLast((severity) => found.has(severity)) ?? null,
  };
}

function rulesOf(report: FileReport): Set<string> {
  return new Set(report.findings.map((finding) => finding.rule));
}
