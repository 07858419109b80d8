/** Findings of a test as a SARIF 2.1.0 log (OASIS 2020). */
import { canonicalJson, digestOf, type Finding, type JsonObject, utf8 } from '@merlon/core';
import { attackVersion } from '../version.ts';

const levels = {
  note: 'note',
  low: 'note',
  medium: 'warning',
  high: 'error',
  critical: 'error',
} as const;

/** The log, ready for `JSON.stringify`; without findings it holds none. */
export function findingsSarif(findings: readonly Finding[]): JsonObject {
  const rules = [...new Map(findings.map((each) => [each.rule, each])).values()];
  const ids = rules.map(({ rule }) => rule);
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: {
          driver: {
            name: 'merlon attack',
            semanticVersion: attackVersion,
            rules: rules.map(({ rule, title, fix, severity, cwe, atlas }) => ({
              id: rule,
              shortDescription: { text: title },
              help: { text: fix },
              defaultConfiguration: { level: levels[severity] },
              properties: { tags: [...cwe, ...atlas] },
            })),
          },
        },
        results: findings.map(({ rule, severity, title, evidence, location, detail }) => ({
          ruleId: rule,
          ruleIndex: ids.indexOf(rule),
          level: levels[severity],
          message: { text: `${title}: ${evidence}` },
          locations: [
            { physicalLocation: { artifactLocation: { uri: uriOf(location.path ?? '') } } },
          ],
          // The same model stays the same finding, whatever its figures are.
          partialFingerprints: {
            'merlon/v1': digestOf(utf8(canonicalJson([rule, location.path ?? '']))).slice(7),
          },
          properties: { severity, ...detail },
        })),
        columnKind: 'utf16CodeUnits',
      },
    ],
  };
}

function uriOf(path: string): string {
  return path.split('/').map(encodeURIComponent).join('/');
}
