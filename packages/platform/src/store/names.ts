/** Names under which whole documents are kept in `meta`; writers and readers meet here. */

/** The signature bundle of a version. */
export const signatureMeta = (versionId: string): string => `signature/${versionId}`;

/** A signed statement about a version: `provenance` or `test-result`. */
export const attestationMeta = (versionId: string, kind: string): string =>
  `attestation/${kind}/${versionId}`;

/** The guards that hardening recommends for a version. */
export const guardsMeta = (versionId: string): string => `guards/${versionId}`;

/** The approval policy of a workspace. */
export const approvalPolicyMeta = (workspaceId: string): string => `approvalPolicy/${workspaceId}`;

/** What the detectors of a deployment learnt from its training data. */
export const watchMeta = (deploymentId: string): string => `watch/${deploymentId}`;

/** What is known of the advisories that scans go by. */
export const advisoriesMeta = (workspaceId: string): string => `advisories/${workspaceId}`;

/** The advisories themselves. */
export const advisoriesTextMeta = (workspaceId: string): string => `advisoriesText/${workspaceId}`;

/** When scheduled work is done, and when it was done last. */
export const scheduleMeta = (workspaceId: string, name: string): string =>
  `schedule/${workspaceId}/${name}`;
