/** A verdict below policy as a finding, in the shape that every audit shares. */
import type { Finding, Severity } from '@merlon/core';
import { AttackError } from './error.ts';
import { percent } from './report/text.ts';
import type { AttackVerdict } from './verdict.ts';

/** What a model must withstand. */
export interface RobustnessPolicy {
  /** Share of samples that must be right clean and under every attack: in [0, 1]. */
  readonly robustMin: number;
  /** Of a model below it (default `high`). */
  readonly severity?: Severity;
}

/** Rule id of a model that attacks break more often than policy allows. */
export const robustnessRule = 'MRL-ATK-001';

/**
 * The finding of a verdict below policy; null where it holds. Throws `invalid-option` for a share
 * outside [0, 1].
 */
export function findingOf(
  verdict: AttackVerdict,
  path: string,
  policy: RobustnessPolicy,
): Finding | null {
  const { robustMin, severity = 'high' } = policy;
  if (!(robustMin >= 0 && robustMin <= 1)) {
    const message = `"robustMin" expected a share in [0, 1], got ${robustMin}`;
    throw new AttackError('invalid-option', message);
  }
  if (verdict.robustAccuracy >= robustMin) return null;
  const worst = verdict.attacks.reduce<AttackVerdict['attacks'][number] | null>(
    (least, each) => (least && least.robustAccuracy <= each.robustAccuracy ? least : each),
    null,
  );
  const figures = [
    `robust ${percent(verdict.robustAccuracy)} of ${verdict.samples} samples`,
    `policy ${percent(robustMin)}`,
    `clean ${percent(verdict.clean.accuracy)}`,
  ];
  const { name = '', norm = '', epsilon = null } = worst ?? {};
  const by = worst === null ? '' : `, hardest ${name} (${norm} ${epsilon ?? 'unlimited'})`;
  return {
    rule: robustnessRule,
    severity,
    title: 'attacks change more answers than policy allows',
    location: { path },
    evidence: `${figures.join(', ')}${by}`,
    cwe: ['CWE-1039'],
    atlas: ['AML.T0015', 'AML.T0043'],
    cve: [],
    fix: 'train the model against these attacks, or serve it behind guards and a tighter budget',
    detail: { robustAccuracy: verdict.robustAccuracy, robustMin, seed: verdict.seed },
  };
}
