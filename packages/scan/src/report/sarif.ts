/** Reports as SARIF 2.1.0 (OASIS, 2020), for the code scanning pages of GitHub and GitLab. */
import {
  canonicalJson,
  digestOf,
  type Finding,
  type JsonObject,
  type Severity,
  utf8,
} from '@merlon/core';
import { policyVersion } from '../policy/classify.ts';
import { type RuleId, rules } from '../rules.ts';
import type { FileReport } from '../scan.ts';

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
