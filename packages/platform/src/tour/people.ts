/** The two people of the tour: made by one-time links, signed in with a second factor, disabled. */
import { base64, isJsonObject, type JsonObject, MerlonError, secureBytes } from '@merlon/core';
import { createInvite, disablePerson } from '../http/routes/people.ts';
import type { Role } from '../model.ts';
import { platformActor } from '../people/people.ts';
import type { Platform } from '../platform.ts';
import { TourClient, type TourPerson } from './client.ts';
import type { TourMemory } from './state.ts';
import { totp } from './totp.ts';

/** Both people, signed in. */
export interface TourPeople {
  readonly developer: TourClient;
  readonly approver: TourClient;
  /** A fresh code of the approver's authenticator. */
  code(): string;
}

/** Fresh people with passwords that nobody ever sees. */
export function newPeople(): Record<'developer' | 'approver', TourPerson> {
  const person = (name: string, email: string): TourPerson => {
    return { name, email, password: base64(secureBytes(24)), secret: null };
  };
  return {
    developer: person('Tour developer', 'developer@tour.invalid'),
    approver: person('Tour approver', 'approver@tour.invalid'),
  };
}

/** Makes the people if they are not there yet, and signs both in. */
export async function signInPeople(platform: Platform, memory: TourMemory): Promise<TourPeople> {
  const developer = await ready(platform, memory, { who: 'developer', role: 'developer' });
  const approver = await ready(platform, memory, { who: 'approver', role: 'security' });
  const { clock } = platform.services;
  const code = (): string => totp(memory.state.people.approver.secret ?? '', clock.nowMs());
  return { developer, approver, code };
}

async function ready(
  platform: Platform,
  memory: TourMemory,
  { who, role }: { readonly who: 'developer' | 'approver'; readonly role: Role },
): Promise<TourClient> {
  const client = new TourClient(platform.settings.origin);
  const { clock } = platform.services;
  const now = (): TourPerson => memory.state.people[who];
  const known = await platform.people.list(platform.workspaceId);
  if (!known.some((person) => person.email === now().email)) {
    const { token } = await createInvite(platform, { createdBy: 'platform', role });
    const { name, email, password } = now();
    await client.ask('POST', '/api/v1/invites/accept', { token, name, email, password });
  }
  if (!(await client.signIn(now(), clock.nowMs()))) {
    throw new MerlonError('not-signed-in', `${now().name} cannot sign in`, {
      hint: 'take the tour in a fresh --home',
    });
  }
  const session = await client.ask('GET', '/api/v1/session');
  if (session.secondFactor !== true) await enrol(platform, memory, { who, client });
  return client;
}

/** Sets the authenticator up; an interrupted set-up simply begins again. */
async function enrol(
  platform: Platform,
  memory: TourMemory,
  { who, client }: { readonly who: 'developer' | 'approver'; readonly client: TourClient },
): Promise<void> {
  const person = memory.state.people[who];
  const { password } = person;
  const answer = await client.ask('POST', '/api/v1/auth/two-factor/enable', { password });
  const secret = new URL(String(answer.totpURI)).searchParams.get('secret');
  if (secret === null) throw new MerlonError('internal', 'the authenticator has no secret');
  await memory.change({ people: { ...memory.state.people, [who]: { ...person, secret } } });
  const code = totp(secret, platform.services.clock.nowMs());
  await client.ask('POST', '/api/v1/auth/two-factor/verify-totp', { code });
}

/** Disables both people; what they did stays in the ledger under their names. */
export async function disablePeople(platform: Platform, memory: TourMemory): Promise<void> {
  const people = await platform.people.list(platform.workspaceId);
  for (const { email } of Object.values(memory.state.people)) {
    const person = people.find((each) => each.email === email);
    if (person === undefined || person.disabled) continue;
    const actor = platformActor(platform.workspaceId);
    await disablePerson(platform, actor, { id: person.id, why: 'the tour has ended' });
  }
}

/** The object under a name; throws when the API answered something else. */
export function part(answer: JsonObject, name: string): JsonObject {
  const value = answer[name];
  if (!isJsonObject(value)) throw new MerlonError('internal', `the API gave no "${name}"`);
  return value;
}

/** The objects in a list; throws when the API answered something else. */
export function parts(answer: JsonObject, name: string): JsonObject[] {
  const value = answer[name];
  if (!Array.isArray(value)) throw new MerlonError('internal', `the API gave no list "${name}"`);
  return value.filter(isJsonObject);
}
