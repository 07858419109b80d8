/**
 * Which role is offered which action. The platform decides every request anew; this only keeps
 * buttons away that it would refuse. A test holds the two together.
 */
import { useSession } from './queries.ts';

/** The five roles. */
export const roles = ['owner', 'security', 'developer', 'operator', 'auditor'] as const;

/** One of the roles. */
export type Role = (typeof roles)[number];

const builders: readonly Role[] = ['owner', 'security', 'developer'];
const operators: readonly Role[] = ['owner', 'security', 'operator'];

/** Roles by the action that they may take, in the words of the platform's policies. */
export const offered = {
  'artifact.bring': builders,
  'job.run': builders,
  'job.cancel': builders,
  'version.approve': ['owner', 'security'],
  'finding.update': builders,
  'finding.accept': ['owner', 'security'],
  'version.serve': operators,
  'version.retire': operators,
  'key.create': operators,
  'key.revoke': operators,
  'person.invite': ['owner'],
  'person.disable': ['owner', 'security'],
  'incident.manage': operators,
} as const satisfies Readonly<Record<string, readonly Role[]>>;

/** One of the actions. */
export type Action = keyof typeof offered;

/** Tells whether the signed-in person is offered an action. */
export function useMay(): (action: Action) => boolean {
  const role = useSession().data?.role ?? '';
  return (action) => (offered[action] as readonly string[]).includes(role);
}
