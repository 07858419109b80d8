/**
 * Identity by better-auth: passwords (scrypt), TOTP (RFC 6238), passkeys (WebAuthn) and sessions.
 * There is no open sign-up; a person comes in by a one-time invite only.
 */
import { passkey } from '@better-auth/passkey';
import { messageOf } from '@merlon/core';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { admin, twoFactor } from 'better-auth/plugins';
import type { Kysely } from 'kysely';
import { PlatformError } from '../errors.ts';
import type { Role } from '../model.ts';
import type { Schema } from '../store/schema.ts';
import type { Store } from '../store/store.ts';
import type { NewPerson, People, Person, SessionView } from './people.ts';

/** Header in which the server tells the caller's address; a caller's own is removed. */
export const addressHeader = 'x-merlon-address';

/** What identity needs. */
export interface IdentityParts {
  readonly db: Kysely<Schema>;
  readonly dialect: 'sqlite' | 'postgres';
  readonly store: Store;
  /** Signs session cookies; 32 random bytes in text. */
  readonly secret: string;
  /** Where people reach the console, such as `http://localhost:7700`. */
  readonly origin: string;
  /** Limits on sign-in attempts; off only where tests sign in many people at once. */
  readonly rateLimit: boolean;
}

const passwordCharactersMin = 12;

/** Opens identity on the platform's database and brings its tables up to date. */
export async function openIdentity(parts: IdentityParts): Promise<People> {
  const auth = makeAuth(parts);
  const { runMigrations } = await getMigrations(auth.options);
  await runMigrations();
  const { store } = parts;
  return {
    handle: (request) => auth.handler(request),
    session: async (headers) => {
      const found = await auth.api.getSession({ headers });
      return found === null ? null : sessionView(found);
    },
    create: (person) => createPerson(auth, person),
    verifyCode: async (headers, code) => {
      try {
        await auth.api.verifyTOTP({ body: { code }, headers });
        return true;
      } catch (error) {
        if (isRefusal(error)) return false;
        throw error;
      }
    },
    list: (workspaceId) => listPeople(auth, store, workspaceId),
    disable: async (userId, why) => {
      const { internalAdapter } = await auth.$context;
      await internalAdapter.updateUser(userId, { banned: true, banReason: why });
      await internalAdapter.deleteUserSessions(userId);
    },
  };
}

type Auth = ReturnType<typeof makeAuth>;

function makeAuth({ db, dialect, secret, origin, rateLimit }: IdentityParts) {
  return betterAuth({
    appName: 'Merlon',
    baseURL: origin,
    basePath: '/api/v1/auth',
    secret,
    database: { db, type: dialect },
    telemetry: { enabled: false },
    logger: { disabled: true },
    trustedOrigins: [origin],
    emailAndPassword: {
      enabled: true,
      disableSignUp: true,
      minPasswordLength: passwordCharactersMin,
    },
    session: {
      expiresIn: 12 * 3600,
      additionalFields: { method: { type: 'string', required: false, input: false } },
    },
    databaseHooks: {
      session: {
        create: {
          // A passkey proves possession and the person at once; a password alone does not.
          before: async (session, context) => ({
            data: {
              ...session,
              method: context?.path?.includes('passkey') ? 'passkey' : 'password',
            },
          }),
        },
      },
    },
    rateLimit: { enabled: rateLimit },
    advanced: {
      cookiePrefix: 'merlon',
      useSecureCookies: origin.startsWith('https:'),
      ipAddress: { ipAddressHeaders: [addressHeader] },
    },
    plugins: [
      twoFactor({ issuer: 'Merlon' }),
      admin(),
      passkey({ rpID: new URL(origin).hostname, rpName: 'Merlon', origin }),
    ],
  });
}

type FoundSession = NonNullable<Awaited<ReturnType<Auth['api']['getSession']>>>;

function sessionView({ user, session }: FoundSession): SessionView {
  const byPasskey = session.method === 'passkey';
  return {
    userId: user.id,
    name: user.name,
    email: user.email,
    secondFactor: byPasskey || user.twoFactorEnabled === true,
  };
}

async function createPerson(auth: Auth, person: NewPerson): Promise<string> {
  if (person.password.length < passwordCharactersMin) {
    const got = `got ${person.password.length}`;
    const expected = `expected at least ${passwordCharactersMin} characters, ${got}`;
    throw new PlatformError('bad-request', `"password" ${expected}`);
  }
  try {
    const { user } = await auth.api.createUser({ body: { ...person, role: 'user' } });
    return user.id;
  } catch (error) {
    if (!isRefusal(error)) throw error;
    throw new PlatformError('conflict', `this person cannot be made: ${messageOf(error)}`, {
      hint: 'sign in instead, or use another address',
      cause: error,
    });
  }
}

async function listPeople(auth: Auth, store: Store, workspaceId: string): Promise<Person[]> {
  const { internalAdapter } = await auth.$context;
  const people: Person[] = [];
  for (const { userId, role } of await store.members(workspaceId)) {
    const user = await internalAdapter.findUserById(userId);
    if (user === null) continue;
    const flags = user as typeof user & { banned?: boolean; twoFactorEnabled?: boolean };
    people.push({
      id: user.id,
      name: user.name,
      email: user.email,
      role: role as Role,
      secondFactor: flags.twoFactorEnabled === true,
      disabled: flags.banned === true,
    });
  }
  return people;
}

/** better-auth throws API errors with a 4xx status for refusals; anything else is a fault. */
function isRefusal(error: unknown): boolean {
  const { statusCode } = error as { statusCode?: unknown };
  return typeof statusCode === 'number' && statusCode >= 400 && statusCode < 500;
}
