/** Numbers over several reports. */
import { type Severity, severities, type Verdict } from '@merlon/core';
import type { FileReport } from '../scan.ts';

/** Numbers over several files. */
export interface Summary {
  readonly files: number;
  readonly bytes: number;
  readonly verdicts: Readonly<Record<Verdict, number>>;
  readonly findings: Readonly<Record<Severity, number>>;
  /** The worst severity found, or null. */
  readonly worst: Severity | null;
}

/** Counts verdicts and findings. */
export function summarize(reports: readonly FileReport[]): Summary {
  const verdicts = { clean: 0, flagged: 0, 'not-understood': 0, incomplete: 0 };
  const findings = { note: 0, low: 0, medium: 0, high: 0, critical: 0 };
  for (const report of reports) {
    verdicts[report.verdict]++;
    for (const { severity } of report.findings) findings[severity]++;
  }
  return {
    files: reports.length,
    bytes: reports.reduce((sum, report) => sum + report.size, 0),
    verdicts,
    findings,
    worst: severities.findLast((severity) => findings[severity] > 0) ?? null,
  };
}
