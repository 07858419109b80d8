/**
 * `.merlonignore`: what people decided to live with, each line with its reason. A line is a pattern
 * of paths, then rule ids that it holds for (none: the file is not audited), then `# reason`.
 */
import type { Finding, Verdict } from '@merlon/core';
import { atLeast } from '@merlon/core';
import { ScanError } from './error.ts';
import type { FileReport } from './scan.ts';

/** A line of the file. */
export interface IgnoreRule {
  readonly pattern: string;
  /** Rules that are accepted; empty when the file is passed over as a whole. */
  readonly rules: readonly string[];
  readonly reason: string;
}

/** A finding that was accepted, and why. */
export interface Accepted {
  readonly path: string;
  readonly finding: Finding;
  readonly reason: string;
}

/** Reads the lines; throws `bad-ignore` with every fault, also for a line without a reason. */
export function readIgnore(text: string): IgnoreRule[] {
  const faults: string[] = [];
  const rules: IgnoreRule[] = [];
  for (const [index, raw] of text.split('\n').entries()) {
    const line = raw.trim();
    if (line === '' || line.startsWith('#')) continue;
    const [, before = '', reason = ''] = /^(.*?)\s#\s*(.*)$/.exec(line) ?? [null, line, ''];
    const [pattern = '', ...ids] = before.trim().split(/\s+/);
    const wrong = ids.find((id) => !/^MRL-[A-Z]{3,4}-\d{3}$/.test(id));
    if (reason === '') faults.push(`line ${index + 1} expected "# reason" at its end`);
    if (wrong !== undefined) faults.push(`line ${index + 1} expected rule ids, got "${wrong}"`);
    rules.push({ pattern, rules: ids, reason });
  }
  if (faults.length > 0) throw new ScanError('bad-ignore', faults.join('; '));
  return rules;
}

/** The line by which a file is passed over as a whole, or null. */
export function passedOver(rules: readonly IgnoreRule[], path: string): IgnoreRule | null {
  return rules.find((rule) => rule.rules.length === 0 && matches(rule.pattern, path)) ?? null;
}

/** The report without what was accepted; its verdict is that of what is left. */
export function accept(
  report: FileReport,
  rules: readonly IgnoreRule[],
  path: string,
): { readonly report: FileReport; readonly accepted: readonly Accepted[] } {
  const mine = rules.filter((rule) => rule.rules.length > 0 && matches(rule.pattern, path));
  const accepted: Accepted[] = [];
  const findings = report.findings.filter((finding) => {
    const rule = mine.find((each) => each.rules.includes(finding.rule));
    if (rule !== undefined) accepted.push({ path: report.path, finding, reason: rule.reason });
    return rule === undefined;
  });
  if (accepted.length === 0) return { report, accepted };
  return { report: { ...report, findings, verdict: verdictOf(report, findings) }, accepted };
}

/** Whether a pattern such as `models/*.pkl` or `old/` fits a path with `/`. */
export function matches(pattern: string, path: string): boolean {
  const rooted = pattern.startsWith('/');
  const plain = pattern.replace(/^\//, '').replace(/\/$/, '/**');
  const source = plain
    .split(/(\*\*\/?|\*|\?)/)
    .map((part) => {
      if (part.startsWith('**')) return part.endsWith('/') ? '(?:.*/)?' : '.*';
      if (part === '*') return '[^/]*';
      return part === '?' ? '[^/]' : part.replace(/[.+^${}()|[\]\\]/g, '\\$&');
    })
    .join('');
  const anywhere = rooted || plain.replace(/\/\*\*$/, '').includes('/') ? '' : '(?:.*/)?';
  return new RegExp(`^${anywhere}${source}$`).test(path);
}

function verdictOf(report: FileReport, findings: readonly Finding[]): Verdict {
  if (findings.some((finding) => atLeast(finding, 'medium'))) return 'flagged';
  const { incomplete, notUnderstood, findingsDropped } = report.coverage;
  if (incomplete.length > 0 || findingsDropped > 0) return 'incomplete';
  return notUnderstood.length > 0 ? 'not-understood' : 'clean';
}
