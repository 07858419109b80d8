/** People: who they are and whether they proved it. The interface that the HTTP layer needs. */
import type { Principal } from '@merlon/access';
import type { Actor, Role } from '../model.ts';

/** A person as lists show one. */
export interface Person {
  readonly id: string;
  readonly name: string;
  readonly email: string;
  readonly role: Role;
  readonly secondFactor: boolean;
  readonly disabled: boolean;
}

/** A new person. */
export interface NewPerson {
  readonly email: string;
  readonly name: string;
  readonly password: string;
}

/** What a session says. */
export interface SessionView {
  readonly userId: string;
  readonly name: string;
  readonly email: string;
  readonly secondFactor: boolean;
}

/** Identity as the platform uses it. */
export interface People {
  /** Serves the sign-in routes below `/api/v1/auth`. */
  handle(request: Request): Promise<Response>;
  /** The signed-in person of a request, or null. */
  session(headers: Headers): Promise<SessionView | null>;
  /** Makes a person; throws `conflict` when the address is taken, `bad-request` when unfit. */
  create(person: NewPerson): Promise<string>;
  /** True when the code is the present one of the signed-in person's authenticator. */
  verifyCode(headers: Headers, code: string): Promise<boolean>;
  /** Everyone in a workspace. */
  list(workspaceId: string): Promise<Person[]>;
  /** Ends all sessions and refuses new ones. */
  disable(userId: string, why: string): Promise<void>;
}

/** An actor as the policies see one. */
export function principalOf(actor: Actor): Principal {
  const { kind, id, role, secondFactor, workspaceId, scope } = actor;
  return { kind, id, role, secondFactor, workspace: workspaceId, scope: scope ?? '' };
}

/** The actor that a session is in a workspace. */
export function actorOf(session: SessionView, workspaceId: string, role: Role): Actor {
  return {
    kind: 'person',
    id: session.userId,
    name: session.name,
    workspaceId,
    role,
    secondFactor: session.secondFactor,
    scope: null,
  };
}

/** The platform itself, for what it does unasked. */
export function platformActor(workspaceId: string): Actor {
  return {
    kind: 'platform',
    id: 'platform',
    name: 'Merlon',
    workspaceId,
    role: 'operator',
    secondFactor: true,
    scope: null,
  };
}
