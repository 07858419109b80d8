/** Reports as SARIF 2.1.0, with the files that were read and those that could not be. */
import { type JsonObject, sarifLog } from '@merlon/core';
import { policyVersion } from '../policy/classify.ts';
import { type RuleId, rules } from '../rules.ts';
import type { FileReport } from '../scan.ts';

/** The reports as one SARIF 2.1.0 log (OASIS, 2020), ready for `JSON.stringify`. */
export function toSarif(reports: readonly FileReport[]): JsonObject {
  const used = new Set(reports.flatMap((report) => report.findings.map((each) => each.rule)));
  const ids = Object.keys(rules).filter((id): id is RuleId => used.has(id));
  return sarifLog({
    tool: { name: 'merlon', version: '0.1.0', properties: { policy: policyVersion } },
    rules: ids.map((id) => ({ id, ...rules[id] })),
    files: reports.map((report) => ({
      path: report.path,
      size: report.size,
      properties: { verdict: report.verdict, formats: report.formats },
      unread: unreadOf(report),
    })),
    results: reports.flatMap((report, file) =>
      report.findings.map((finding) => {
        const { location, rule, evidence } = finding;
        const identity = [rule, location.member ?? '', evidence];
        const placed = { ...finding, location: { ...location, path: report.path } };
        return { finding: placed, identity, file };
      }),
    ),
  });
}

function unreadOf({ verdict, coverage }: FileReport): string | null {
  if (verdict === 'clean' || verdict === 'flagged') return null;
  const reasons = [...coverage.incomplete, ...coverage.notUnderstood].slice(0, 3);
  const told = reasons.map(({ member, reason }) => `${member} ${reason}`.trim()).join('; ');
  return `${verdict}: ${told}`;
}
