/** Findings of a test as a SARIF 2.1.0 log (OASIS 2020). */
import { type Finding, type JsonObject, sarifLog } from '@merlon/core';
import { attackVersion } from '../version.ts';

/** The log, ready for `JSON.stringify`; without findings it holds none. */
export function findingsSarif(findings: readonly Finding[]): JsonObject {
  const rules = [...new Map(findings.map((each) => [each.rule, each])).values()];
  return sarifLog({
    tool: { name: 'merlon attack', version: attackVersion },
    rules: rules.map((each) => ({ ...each, id: each.rule })),
    // The same model stays the same finding, whatever its figures are.
    results: findings.map((finding) => {
      return { finding, identity: [finding.rule, finding.location.path ?? ''] };
    }),
  });
}
