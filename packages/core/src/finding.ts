/** Findings: what any engine reports about an artifact, in one shape for all formats. */
import type { JsonObject } from './json.ts';

/** From the least to the most severe. */
export const severities = ['note', 'low', 'medium', 'high', 'critical'] as const;

/** How bad a finding is. */
export type Severity = (typeof severities)[number];

/** What a static audit says of a file; `not-understood` and `incomplete` are never clean. */
export type Verdict = 'clean' | 'flagged' | 'not-understood' | 'incomplete';

/** Where a finding is, as exactly as the reader of the format knows. */
export interface Location {
  /** Path of the file as the user named it. */
  readonly path?: string;
  /** Member path inside an archive, outermost first, joined by `!`. */
  readonly member?: string;
  /** First byte within the file or member. */
  readonly offset?: number;
  /** Number of bytes. */
  readonly length?: number;
  /** JSON pointer or graph path such as `graph/node[3]`. */
  readonly pointer?: string;
}

/** One thing that is wrong, or worth knowing. */
export interface Finding {
  /** Stable rule id, such as `MRL-PKL-001`. */
  readonly rule: string;
  readonly severity: Severity;
  readonly title: string;
  readonly location: Location;
  /** Bounded, escaped excerpt that shows it. */
  readonly evidence: string;
  /** CWE numbers, such as `CWE-502`. */
  readonly cwe: readonly string[];
  /** MITRE ATLAS technique ids, such as `AML.T0011`. */
  readonly atlas: readonly string[];
  /** CVE ids, where known. */
  readonly cve: readonly string[];
  /** What to do about it. */
  readonly fix: string;
  /** Facts that only one rule has. */
  readonly detail?: JsonObject;
}

/** Position in `severities`: larger is worse. */
export function severityRank(severity: Severity): number {
  return severities.indexOf(severity);
}

/** True when the finding reaches the threshold. */
export function atLeast(finding: Pick<Finding, 'severity'>, threshold: Severity): boolean {
  return severityRank(finding.severity) >= severityRank(threshold);
}

/** Escapes control and non-ASCII bytes and cuts the text, so that evidence is safe to print. */
export function safeEvidence(text: string, charactersMax = 160): string {
  const cut = text.length > charactersMax ? `${text.slice(0, charactersMax)}…` : text;
  return cut.replace(/[^\x20-\x7e…]/g, (c) => {
    const code = c.charCodeAt(0);
    return code < 256
      ? `\\x${code.toString(16).padStart(2, '0')}`
      : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}
