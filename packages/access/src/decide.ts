/** Decisions: request → allow or deny with the policies that decided, by the Cedar engine. */
import {
  type DetailedError,
  preparsePolicySet,
  statefulIsAuthorized,
} from '@cedar-policy/cedar-wasm/nodejs';
import { AccessError } from './error.ts';
import { type Action, policies } from './policies.ts';

/** Who asks. */
export interface Principal {
  readonly kind: 'person' | 'key' | 'platform';
  readonly id: string;
  readonly workspace: string;
  readonly role: string;
  readonly secondFactor: boolean;
  /** `inference` or `platform` for keys, empty for others. */
  readonly scope: string;
}

/** What it is about. */
export interface Resource {
  readonly id: string;
  readonly workspace: string;
  /** Who brought a version in; empty for other things. */
  readonly broughtBy?: string;
}

/** The answer. */
export interface Decision {
  readonly allowed: boolean;
  /** Names of the policies that decided; empty when none permitted. */
  readonly because: readonly string[];
}

/** Decides requests. */
export type Decide = (principal: Principal, action: Action, resource: Resource) => Decision;

let loadedSets = 0;

/**
 * Loads policies and answers decisions against them (about 0.1 ms each). Throws `bad-policy` for
 * text that is not Cedar, `decision-failed` when a request cannot be evaluated.
 */
export function loadPolicies(texts: Readonly<Record<string, string>> = policies): Decide {
  const set = `merlon-${loadedSets++}`;
  const loaded = preparsePolicySet(set, { staticPolicies: { ...texts } });
  if (loaded.type === 'failure') {
    throw new AccessError('bad-policy', `a policy is not Cedar: ${messagesOf(loaded.errors)}`);
  }
  return (principal, action, resource) => {
    const { id, workspace, role, secondFactor, kind, scope } = principal;
    const answer = statefulIsAuthorized({
      principal: { type: 'Principal', id },
      action: { type: 'Action', id: action },
      resource: { type: 'Resource', id: resource.id },
      context: {},
      preparsedPolicySetId: set,
      entities: [
        {
          uid: { type: 'Principal', id },
          attrs: { id, workspace, role, secondFactor, kind, scope },
          parents: [],
        },
        {
          uid: { type: 'Resource', id: resource.id },
          attrs: { workspace: resource.workspace, broughtBy: resource.broughtBy ?? '' },
          parents: [],
        },
      ],
    });
    if (answer.type === 'failure') {
      throw new AccessError('decision-failed', messagesOf(answer.errors));
    }
    const { decision, diagnostics } = answer.response;
    // A policy that cannot be evaluated counts as a refusal, never as silence.
    const [fault] = diagnostics.errors;
    if (fault !== undefined) return { allowed: false, because: [fault.policyId] };
    return { allowed: decision === 'allow', because: [...diagnostics.reason] };
  };
}

function messagesOf(errors: readonly DetailedError[]): string {
  return errors.map((error) => error.message).join('; ');
}
