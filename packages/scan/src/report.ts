/** Reports as a summary, as text for people and as SARIF for programs. */
import {
  canonicalJson,
  digestOf,
  type Finding,
  type JsonObject,
  type Severity,
  safeEvidence,
  severities,
  utf8,
  type Verdict,
} from '@merlon/core';
import { policyVersion } from './policy/classify.ts';
import { type RuleId, rules } from './rules.ts';
import type { FileReport } from './scan.ts';

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

/** The reports as one SARIF 2.1.0 log (OASIS, 2020), ready for `JSON.stringify`. */
export function toSarif(reports: readonly FileReport[]): JsonObject {
  const used = new Set(reports.flatMap((report) => report.findings.map((each) => each.rule)));
  const ids = Object.keys(rules).filter((id): id is RuleId => used.has(id));
  const unread = reports.filter((report) => report.verdict !== 'clean' && !isFlagged(report));
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'merlon',
            semanticVersion: '0.1.0',
            rules: ids.map(sarifRule),
            properties: { policy: policyVersion },
          },
        },
        artifacts: reports.map((report) => ({
          location: { uri: uriOf(report.path) },
          length: report.size,
          properties: { verdict: report.verdict, formats: report.formats },
        })),
        results: reports.flatMap((report, index) =>
          report.findings.map((finding) => sarifResult(finding, ids, report.path, index)),
        ),
        invocations: [
          {
            executionSuccessful: true,
            toolExecutionNotifications: unread.map((report) => ({
              level: 'warning',
              message: { text: `${report.verdict}: ${reasonsOf(report)}` },
              locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(report.path) } } }],
            })),
          },
        ],
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

function sarifRule(id: RuleId): JsonObject {
  const { title, severity, cwe, atlas, fix } = rules[id];
  return {
    id,
    shortDescription: { text: title },
    help: { text: fix },
    defaultConfiguration: { level: levelOf(severity) },
    properties: { tags: [...cwe, ...atlas], 'security-severity': scoreOf(severity) },
  };
}

function sarifResult(
  finding: Finding,
  ids: readonly string[],
  path: string,
  index: number,
): JsonObject {
  const { member = '', offset, length, pointer } = finding.location;
  const name = [member, pointer ?? ''].filter((part) => part !== '').join(' ');
  const print = canonicalJson([finding.rule, member, finding.evidence]);
  return {
    ruleId: finding.rule,
    ruleIndex: ids.indexOf(finding.rule),
    level: levelOf(finding.severity),
    message: { text: `${finding.title}: ${finding.evidence}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(path), index },
          ...(offset === undefined || member !== ''
            ? {}
            : { region: { byteOffset: offset, byteLength: length ?? 1 } }),
        },
        ...(name === '' ? {} : { logicalLocations: [{ fullyQualifiedName: name }] }),
      },
    ],
    partialFingerprints: { 'merlon/v1': digestOf(utf8(print)).slice(7) },
    properties: {
      severity: finding.severity,
      cve: finding.cve,
      ...(offset === undefined ? {} : { offset }),
    },
  };
}

function isFlagged(report: FileReport): boolean {
  return report.verdict === 'flagged';
}

function reasonsOf(report: FileReport): string {
  const { incomplete, notUnderstood } = report.coverage;
  const reasons = [...incomplete, ...notUnderstood].slice(0, 3);
  return reasons.map(({ member, reason }) => `${member} ${reason}`.trim()).join('; ');
}

function placeOf(finding: Finding): string {
  const { member, offset, pointer } = finding.location;
  const parts = [member, pointer, offset === undefined ? undefined : `byte ${offset}`];
  const told = parts.filter((part) => part !== undefined && part !== '').join(' ');
  return told === '' ? '' : `${told}: `;
}

function levelOf(severity: Severity): 'note' | 'warning' | 'error' {
  if (severity === 'critical' || severity === 'high') return 'error';
  return severity === 'medium' ? 'warning' : 'note';
}

function scoreOf(severity: Severity): string {
  return { note: '0.0', low: '3.0', medium: '5.5', high: '8.0', critical: '9.8' }[severity];
}

function uriOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
