/**
 * The policies as Cedar text (cedarpolicy.com): nothing is allowed that no permit names, and each
 * forbid beats every permit.
 */

/** Every action that can be asked about, with what it means. */
export const actions = {
  read: 'see models, data, findings, events, incidents and people',
  'ledger.read': 'read and verify the ledger',
  'artifact.bring': 'bring in models and data',
  'job.run': 'run scans, attacks and hardening',
  'job.cancel': 'cancel a job',
  'version.approve': 'approve a version for serving',
  'finding.update': 'say that a finding is fixed, or open it again',
  'finding.accept': 'live with a finding until a day',
  'version.serve': 'serve an approved version, change its guards',
  'version.retire': 'stop serving a version for good',
  'key.create': 'make an API key',
  'key.revoke': 'revoke an API key',
  'person.invite': 'invite a person',
  'person.disable': 'disable a person',
  'incident.manage': 'act on, close and share incidents',
  infer: 'ask a served model',
} as const;

/** One of the actions. */
export type Action = keyof typeof actions;

/** Names of the policies are told with each decision, so keep them stable. */
export const policies: Readonly<Record<string, string>> = {
  'own-workspace-only': `
    forbid(principal, action, resource)
    unless { principal.workspace == resource.workspace };`,
  'people-need-a-second-factor': `
    forbid(principal, action, resource)
    when { principal.kind == "person" }
    unless { principal.secondFactor };`,
  'nobody-approves-what-they-brought': `
    forbid(principal, action in [Action::"version.approve", Action::"finding.accept"], resource)
    when { principal.id == resource.broughtBy };`,
  'only-people-approve': `
    forbid(principal, action in [Action::"version.approve", Action::"finding.accept"], resource)
    unless { principal.kind == "person" };`,
  'inference-keys-only-infer': `
    forbid(principal, action, resource)
    when { principal.kind == "key" && principal.scope == "inference" }
    unless { action == Action::"infer" };`,
  'everyone-reads': `
    permit(principal, action in [Action::"read", Action::"ledger.read"], resource);`,
  'bring-and-test': `
    permit(
      principal,
      action in [
        Action::"artifact.bring",
        Action::"job.run",
        Action::"job.cancel",
        Action::"finding.update"
      ],
      resource
    ) when { ["owner", "security", "developer"].contains(principal.role) };`,
  approve: `
    permit(principal, action in [Action::"version.approve", Action::"finding.accept"], resource)
    when { ["owner", "security"].contains(principal.role) };`,
  operate: `
    permit(
      principal,
      action in [Action::"version.serve", Action::"version.retire"],
      resource
    ) when { ["owner", "security", "operator"].contains(principal.role) };`,
  'manage-keys': `
    permit(principal, action in [Action::"key.create", Action::"key.revoke"], resource)
    when { ["owner", "security", "operator"].contains(principal.role) };`,
  'manage-people': `
    permit(principal, action in [Action::"person.invite", Action::"person.disable"], resource)
    when { principal.role == "owner" };`,
  'security-disables-people': `
    permit(principal, action == Action::"person.disable", resource)
    when { principal.role == "security" };`,
  'manage-incidents': `
    permit(principal, action == Action::"incident.manage", resource)
    when { ["owner", "security", "operator"].contains(principal.role) };`,
  'inference-keys-infer': `
    permit(principal, action == Action::"infer", resource)
    when { principal.kind == "key" && principal.scope == "inference" };`,
};
