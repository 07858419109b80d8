/** Reports for people. */
import { type Finding, safeEvidence } from '@merlon/core';
import type { FileReport } from '../scan.ts';
import { summarize } from './summary.ts';

/** The reports for people: one line a file, then its findings and what was not read. */
export function toText(reports: readonly FileReport[]): string {
  const lines: string[] = [];
  for (const report of reports) {
    const formats = report.formats.length === 0 ? 'unknown' : report.formats.join(', ');
    lines.push(`${report.verdict.padEnd(14)} ${safeEvidence(report.path, 300)} (${formats})`);
    for (const finding of report.findings) {
      lines.push(`  ${finding.severity.padEnd(8)} ${finding.rule} ${finding.title}`);
      lines.push(`           ${placeOf(finding)}${finding.evidence}`);
      if (finding.severity !== 'note') lines.push(`           → ${finding.fix}`);
    }
    const { incomplete, notUnderstood } = report.coverage;
    for (const { member, reason } of [...incomplete, ...notUnderstood].slice(0, 20)) {
      lines.push(`  not read ${member === '' ? '' : `${member}: `}${reason}`);
    }
  }
  const { files, verdicts } = summarize(reports);
  const counts = Object.entries(verdicts).filter(([, count]) => count > 0);
  const told = counts.map(([verdict, count]) => `${count} ${verdict}`).join(', ');
  lines.push(`${files} ${files === 1 ? 'file' : 'files'}: ${told === '' ? 'nothing' : told}`);
  return `${lines.join('\n')}\n`;
}

function placeOf(finding: Finding): string {
  const { member, offset, pointer } = finding.location;
  const parts = [member, pointer, offset === undefined ? undefined : `byte ${offset}`];
  const told = parts.filter((part) => part !== undefined && part !== '').join(' ');
  return told === '' ? '' : `${told}: `;
}
