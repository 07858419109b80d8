/**
 * What an approval rests on. `Approved` can only be had from `requireApproved`, so a version that
 * was not approved cannot even be handed to the code that serves.
 */

import {
  type ApprovalEvidence,
  type ApprovalPolicy,
  approvalPolicyDefault,
  unmet,
} from '@merlon/access';
import { atLeast } from '@merlon/core';
import { PlatformError } from './errors.ts';
import { findingsOf } from './findings/findings.ts';
import { stands } from './findings/track.ts';
import type { Version } from './model.ts';
import { approvalPolicyMeta } from './store/names.ts';
import type { Store } from './store/store.ts';

declare const approvedBrand: unique symbol;
/** A version that fulfils the approval policy now. */
export type Approved = Version & { readonly [approvedBrand]: true };

/** The workspace's approval policy: data, with a sensible default. */
export async function approvalPolicy(store: Store, workspaceId: string): Promise<ApprovalPolicy> {
  const kept = await store.meta(approvalPolicyMeta(workspaceId));
  if (kept === null) return approvalPolicyDefault;
  return { ...approvalPolicyDefault, ...(JSON.parse(kept) as Partial<ApprovalPolicy>) };
}

/** Gathers what is known of a version. */
export async function evidenceOf(
  store: Store,
  version: Version,
  now: string,
): Promise<ApprovalEvidence> {
  const steps = await store.steps(version.id);
  const assessed = steps.find((step) => step.step === 'assess' && step.state === 'done');
  const findings = await findingsOf(store, version, now);
  const approvals = await store.approvals(version.id);
  const fraction = (name: string): number | null => {
    const value = assessed?.result[name];
    return typeof value === 'number' ? value : null;
  };
  return {
    stepsDone: steps.filter((step) => step.state === 'done').map((step) => step.step),
    broughtBy: version.broughtBy,
    approvers: approvals.map((approval) => approval.userId),
    cleanAccuracy: fraction('cleanAccuracy'),
    robustAccuracy: fraction('robustAccuracy'),
    seriousFindings: findings.filter((f) => stands(f.state) && atLeast(f, 'high')).length,
  };
}

/** What still stands between a version and being served; empty when nothing does. */
export async function unmetOf(
  store: Store,
  version: Version,
  options: { readonly now: string; readonly ignoreApprovals?: boolean },
): Promise<string[]> {
  const policy = await approvalPolicy(store, version.workspaceId);
  const faults = unmet(policy, await evidenceOf(store, version, options.now), options);
  if (version.state !== 'complete') faults.unshift(`the version is ${version.state}`);
  return faults;
}

/** The version as approved; throws `not-approved` with everything that is missing. */
export async function requireApproved(
  store: Store,
  version: Version,
  now: string,
): Promise<Approved> {
  const faults = await unmetOf(store, version, { now });
  if (faults.length > 0) {
    throw new PlatformError(
      'not-approved',
      `this version may not be served: ${faults.join('; ')}`,
      {
        hint: 'finish the missing steps; a person who did not bring it in must approve it',
      },
    );
  }
  return version as Approved;
}
