/** Findings as SARIF 2.1.0 (OASIS, 2020), for the code scanning pages of GitHub and GitLab. */

import { utf8 } from './bytes.ts';
import { digestOf } from './digest.ts';
import type { Finding, Severity } from './finding.ts';
import { canonicalJson, type Json, type JsonObject } from './json.ts';

/** Who found it, by which rules. */
export interface SarifTool {
  readonly name: string;
  /** Semantic version. */
  readonly version: string;
  readonly properties?: JsonObject;
}

/** A rule, or a finding of it: both say the same of the rule. */
export type SarifRule = Pick<Finding, 'title' | 'severity' | 'cwe' | 'atlas' | 'fix'> & {
  readonly id: string;
};

/** A finding and what tells it from others. */
export interface SarifResult {
  readonly finding: Finding;
  /** What stays the same while the finding does; it becomes its fingerprint. */
  readonly identity: Json;
  /** The file: its position among `files`, if they are named. */
  readonly file?: number;
}

/** A file that was looked at. */
export interface SarifFile {
  readonly path: string;
  /** Bytes. */
  readonly size: number;
  readonly properties: JsonObject;
  /** Why it could not be judged; null where it was. */
  readonly unread: string | null;
}

/** One run of a tool. */
export interface SarifRun {
  readonly tool: SarifTool;
  readonly rules: readonly SarifRule[];
  readonly results: readonly SarifResult[];
  readonly files?: readonly SarifFile[];
}

const informationUri = 'https://merlon.dev';

/** The log of one run, ready for `JSON.stringify`. */
export function sarifLog({ tool, rules, results, files = [] }: SarifRun): JsonObject {
  const ids = rules.map(({ id }) => id);
  const unread = files.filter((file) => file.unread !== null);
  const run: Record<string, Json> = {
    tool: {
      driver: {
        ...{ name: tool.name, semanticVersion: tool.version, informationUri },
        rules: rules.map(ruleOf),
        ...(tool.properties === undefined ? {} : { properties: tool.properties }),
      },
    },
    results: results.map((result) => resultOf(result, ids, files)),
    invocations: [
      {
        executionSuccessful: true,
        toolExecutionNotifications: unread.map(({ path, unread: why }) => ({
          level: 'warning',
          message: { text: why ?? '' },
          locations: [{ physicalLocation: { artifactLocation: { uri: uriOf(path) } } }],
        })),
      },
    ],
    columnKind: 'utf16CodeUnits',
  };
  if (files.length > 0) {
    run.artifacts = files.map(({ path, size, properties }) => {
      return { location: { uri: uriOf(path) }, length: size, properties };
    });
  }
  return {
    $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
    version: '2.1.0',
    runs: [run],
  };
}

function ruleOf({ id, title, severity, cwe, atlas, fix }: SarifRule): JsonObject {
  return {
    id,
    shortDescription: { text: title },
    help: { text: fix },
    defaultConfiguration: { level: levelOf(severity) },
    properties: { tags: [...cwe, ...atlas], 'security-severity': scoreOf(severity) },
  };
}

function resultOf(
  { finding, identity, file }: SarifResult,
  ids: readonly string[],
  files: readonly SarifFile[],
): JsonObject {
  const { path = '', member = '', offset, length, pointer = '' } = finding.location;
  const name = [member, pointer].filter((part) => part !== '').join(' ');
  const size = file === undefined ? undefined : files[file]?.size;
  // What is inside an archive has no place in the bytes of the file, so it is the whole file.
  const region =
    offset === undefined || member !== ''
      ? size !== undefined && { byteOffset: 0, byteLength: size }
      : { byteOffset: offset, byteLength: length ?? 1 };
  return {
    ruleId: finding.rule,
    ruleIndex: ids.indexOf(finding.rule),
    level: levelOf(finding.severity),
    message: { text: `${finding.title}: ${finding.evidence}` },
    locations: [
      {
        physicalLocation: {
          artifactLocation: { uri: uriOf(path), ...(file === undefined ? {} : { index: file }) },
          ...(region === false ? {} : { region }),
        },
        ...(name === '' ? {} : { logicalLocations: [{ fullyQualifiedName: name }] }),
      },
    ],
    partialFingerprints: { 'merlon/v1': digestOf(utf8(canonicalJson(identity))).slice(7) },
    properties: {
      severity: finding.severity,
      cve: [...finding.cve],
      ...(offset === undefined ? {} : { offset }),
      ...finding.detail,
    },
  };
}

function levelOf(severity: Severity): 'note' | 'warning' | 'error' {
  if (severity === 'critical' || severity === 'high') return 'error';
  return severity === 'medium' ? 'warning' : 'note';
}

/** What GitHub sorts by: as a score of CVSS would. */
function scoreOf(severity: Severity): string {
  return { note: '0.0', low: '3.0', medium: '5.5', high: '8.0', critical: '9.8' }[severity];
}

/** An absolute path needs its scheme (SARIF 2.1.0, section 3.4.3). */
function uriOf(path: string): string {
  const uri = path
    .replace(/^(\.\/)+/, '')
    .split('/')
    .map(encodeURIComponent)
    .join('/');
  return path.startsWith('/') ? `file://${uri}` : uri;
}
