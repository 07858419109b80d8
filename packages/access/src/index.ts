/** The public surface of @merlon/access. */
export {
  type Decide,
  type Decision,
  loadPolicies,
  type Principal,
  type Resource,
} from './decide.ts';
export { AccessError, type AccessErrorCode } from './error.ts';
export { type Action, actions, policies } from './policies.ts';
export {
  type ApprovalEvidence,
  type ApprovalPolicy,
  approvalPolicyDefault,
  unmet,
} from './quorum.ts';
