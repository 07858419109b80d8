/** What all findings of a rule share, and how rules are written down. */
import type { Severity } from '@merlon/core';

/** What all findings of a rule share. */
export interface Rule {
  readonly title: string;
  readonly severity: Severity;
  readonly cwe: readonly string[];
  readonly atlas: readonly string[];
  readonly fix: string;
}

/** ATLAS techniques of an artifact that runs code: unsafe artifacts, supply chain. */
export const unsafeArtifact: readonly string[] = ['AML.T0011.000', 'AML.T0010'];

/** What to do about most files that are not what they seem. */
export const refuse = 'do not load it; ask its author for a file made anew';

/** Weaknesses of code that loading runs. */
export const code: readonly string[] = ['CWE-502', 'CWE-94'];

/** A rule. */
export function rule(
  severity: Severity,
  title: string,
  fix: string,
  cwe: readonly string[] = [],
  atlas: readonly string[] = [],
): Rule {
  return { title, severity, cwe, atlas, fix };
}
