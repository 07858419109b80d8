/**
 * What must hold before a version is served. The policy is data; `unmet` tells every condition
 * that does not hold, so that a person can see at once what is missing.
 */

/** Conditions on a version. */
export interface ApprovalPolicy {
  /** Steps that must be done. */
  readonly steps: readonly string[];
  /** People who must have approved, none of whom brought the version in. */
  readonly approvals: number;
  /** Least robust accuracy under the assessed threat; null when not demanded. */
  readonly robustAccuracyMin: number | null;
  /** Area under the curve of membership inference above which there is a finding; null: none. */
  readonly membershipAucMax: number | null;
  /** Least accuracy on clean data. */
  readonly cleanAccuracyMin: number;
  /** Open findings at or above `high` that are let pass. */
  readonly seriousFindingsMax: number;
}

/** Scan, seal and assessment done, one approval, an accuracy above chance. */
export const approvalPolicyDefault: ApprovalPolicy = {
  steps: ['intake', 'scan', 'seal', 'assess'],
  approvals: 1,
  robustAccuracyMin: null,
  membershipAucMax: null,
  cleanAccuracyMin: 0.5,
  seriousFindingsMax: 0,
};

/** What is known of a version. */
export interface ApprovalEvidence {
  readonly stepsDone: readonly string[];
  readonly broughtBy: string;
  readonly approvers: readonly string[];
  readonly cleanAccuracy: number | null;
  readonly robustAccuracy: number | null;
  readonly seriousFindings: number;
}

/** Every condition that does not hold, as sentences; `ignoreApprovals` asks before the vote. */
export function unmet(
  policy: ApprovalPolicy,
  evidence: ApprovalEvidence,
  options: { readonly ignoreApprovals?: boolean } = {},
): string[] {
  const faults: string[] = [];
  for (const step of policy.steps) {
    if (!evidence.stepsDone.includes(step)) faults.push(`step "${step}" is not done`);
  }
  const { cleanAccuracy, robustAccuracy, seriousFindings } = evidence;
  // Absent evidence is a no: an unmeasured accuracy satisfies nothing.
  if (cleanAccuracy === null || !(cleanAccuracy >= policy.cleanAccuracyMin)) {
    faults.push(`clean accuracy expected ≥ ${policy.cleanAccuracyMin}, got ${told(cleanAccuracy)}`);
  }
  const floor = policy.robustAccuracyMin;
  if (floor !== null && (robustAccuracy === null || !(robustAccuracy >= floor))) {
    faults.push(`robust accuracy expected ≥ ${floor}, got ${told(robustAccuracy)}`);
  }
  if (seriousFindings > policy.seriousFindingsMax) {
    const expected = `expected at most ${policy.seriousFindingsMax}`;
    faults.push(`open serious findings ${expected}, got ${seriousFindings}`);
  }
  if (options.ignoreApprovals !== true) {
    const others = new Set(evidence.approvers.filter((each) => each !== evidence.broughtBy));
    if (others.size < policy.approvals) {
      faults.push(`approvals expected ${policy.approvals}, got ${others.size}`);
    }
  }
  return faults;
}

function told(measured: number | null): string {
  return measured === null ? 'none: it was not measured' : String(measured);
}
