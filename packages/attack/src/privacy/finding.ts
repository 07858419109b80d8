/** Membership that shows more than policy allows, as a finding in the shape that audits share. */
import type { Finding, Severity } from '@merlon/core';
import { AttackError } from '../error.ts';
import type { MembershipReport } from './membership.ts';

/** What a model may tell of who was in its training data. */
export interface MembershipPolicy {
  /** Area under the curve that may be reached: in [0.5, 1]. */
  readonly aucMax: number;
  /** Of a model above it (default `high`). */
  readonly severity?: Severity;
}

/** Rule id of a model that tells members from others better than policy allows. */
export const membershipRule = 'MRL-PRV-001';

/**
 * The finding where even the lower end of the 95 % interval lies above policy; null elsewhere, so
 * that chance opens none. Throws `invalid-option` for an area outside [0.5, 1].
 */
export function membershipFindingOf(
  report: MembershipReport,
  path: string,
  policy: MembershipPolicy,
): Finding | null {
  const { aucMax, severity = 'high' } = policy;
  if (!(aucMax >= 0.5 && aucMax <= 1)) {
    throw new AttackError('invalid-option', `"aucMax" expected [0.5, 1], got ${aucMax}`);
  }
  const { auc, aucInterval, tprAtFpr001, members, nonmembers } = report;
  const [low, high] = aucInterval;
  if (low <= aucMax) return null;
  const rows = `${members} members and ${nonmembers} others`;
  return {
    rule: membershipRule,
    severity,
    title: 'the model tells who was in its training data',
    location: { path },
    evidence:
      `AUC ${auc.toFixed(3)} (${low.toFixed(3)} to ${high.toFixed(3)}) on ${rows}, ` +
      `policy ${aucMax.toFixed(2)}, ${(100 * tprAtFpr001).toFixed(1)} % found at 0.1 % false`,
    cwe: ['CWE-359'],
    atlas: ['AML.T0024.000'],
    cve: [],
    fix: 'train with differential privacy or less long, or tell labels instead of scores',
    detail: { auc, aucMax },
  };
}
