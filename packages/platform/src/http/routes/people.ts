/** Routes of people: who am I, invites, keys. */
import { z } from '@hono/zod-openapi';
import { isoTime, uuidv7 } from '@merlon/core';
import { PlatformError } from '../../errors.ts';
import { type Actor, type ApiKey, type Invite, roles } from '../../model.ts';
import { freshKey, freshToken, hashOf } from '../../people/keys.ts';
import { platformActor } from '../../people/people.ts';
import type { Platform } from '../../platform.ts';
import { type App, addRoute } from '../route.ts';
import { idParams, keySchema, keyView } from '../views.ts';

const inviteHours = 24;
const dayRows = 100_000;

/** Makes an invite and returns its link; used by the first start and by owners. */
export async function createInvite(
  platform: Platform,
  by: { readonly createdBy: string; readonly role: Invite['role'] },
): Promise<{ link: string; token: string }> {
  const { store, clock, ledger, bus } = platform.services;
  const token = freshToken();
  const invite: Invite = {
    id: uuidv7(clock),
    workspaceId: platform.workspaceId,
    role: by.role,
    tokenHash: token.hash,
    expiresAt: isoTime(clock.nowMs() + inviteHours * 3_600_000),
    usedAt: null,
    createdBy: by.createdBy,
  };
  await store.transaction(async (tx) => {
    await tx.addInvite(invite);
    const resource = `invite/${invite.id}`;
    const actor = { ...platformActor(platform.workspaceId), id: by.createdBy };
    await ledger.append(tx, actor, {
      action: 'person.invite',
      resource,
      detail: { role: by.role },
    });
  });
  bus.publish({ topic: 'person', workspaceId: platform.workspaceId, id: invite.id });
  // The token stands behind `#`, so that it reaches no server log.
  return { token: token.text, link: `${platform.settings.origin}/join#${token.text}` };
}

/** Ends a person's sessions for good, and writes down who did it and why. */
export async function disablePerson(
  platform: Platform,
  actor: Actor,
  { id, why }: { readonly id: string; readonly why: string },
): Promise<void> {
  const { ledger, bus } = platform.services;
  await platform.people.disable(id, why);
  const resource = `person/${id}`;
  await ledger.record(actor, { action: 'person.disable', resource, detail: { why } });
  bus.publish({ topic: 'person', workspaceId: platform.workspaceId, id });
}

/** Adds the routes. */
export function peopleRoutes(app: App, platform: Platform): void {
  sessionRoutes(app, platform);
  inviteRoutes(app, platform);
  keyRoutes(app, platform);
  revokeRoute(app, platform);
}

const sessionSchema = z.object({
  signedIn: z.boolean(),
  name: z.string(),
  role: z.string(),
  kind: z.string(),
  secondFactor: z.boolean(),
  id: z.string(),
});

const personSchema = z.object({
  id: z.string(),
  name: z.string(),
  email: z.string(),
  role: z.enum(roles),
  secondFactor: z.boolean(),
  disabled: z.boolean(),
});

function sessionRoutes(app: App, platform: Platform): void {
  const { people, services } = platform;
  addRoute(
    app,
    platform,
    { method: 'get', path: '/api/v1/session', summary: 'Who am I', answer: sessionSchema },
    async ({ context }) => {
      const actor = context.get('actor');
      if (actor === null) {
        const nobody = { name: '', role: '', kind: '', id: '' };
        return { ...nobody, signedIn: false, secondFactor: false };
      }
      const { name, role, kind, secondFactor, id } = actor;
      return { signedIn: true, name, role, kind, secondFactor, id };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/people',
      summary: 'People of the workspace',
      answer: z.object({ people: z.array(personSchema) }),
    },
    async ({ actor, authorize }) => {
      authorize('read');
      return { people: await people.list(actor.workspaceId) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/people/{id}/disable',
      summary: 'End a person’s sessions and refuse new ones',
      params: idParams,
      body: z.object({ why: z.string().max(200).default('') }),
      answer: z.object({ disabled: z.boolean() }),
    },
    async ({ actor, params, body, authorize }) => {
      authorize('person.disable', { id: params.id });
      const members = await services.store.members(actor.workspaceId);
      if (!members.some((member) => member.userId === params.id)) {
        throw new PlatformError('not-found', 'there is no such person');
      }
      await disablePerson(platform, actor, { id: params.id, why: body.why });
      return { disabled: true };
    },
  );
}

function inviteRoutes(app: App, platform: Platform): void {
  const { people, services } = platform;
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/invites',
      summary: 'Invite a person by a one-time link',
      body: z.object({ role: z.enum(roles) }),
      answer: z.object({ link: z.string(), token: z.string() }),
      status: 201,
    },
    async ({ actor, body, authorize }) => {
      authorize('person.invite');
      return createInvite(platform, { createdBy: actor.id, role: body.role });
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/invites/accept',
      summary: 'Join by a one-time link',
      body: z.object({
        token: z.string().min(20).max(100),
        name: z.string().min(1).max(100),
        email: z.email().max(200),
        password: z.string().min(12).max(128),
      }),
      answer: z.object({ userId: z.string(), role: z.enum(roles) }),
      status: 201,
    },
    async ({ body }) => {
      const { store, clock, ledger, bus } = services;
      const invite = await store.inviteByHash(hashOf(body.token));
      const now = isoTime(clock.nowMs());
      if (invite === null || invite.usedAt !== null || invite.expiresAt < now) {
        throw new PlatformError('forbidden', 'this link is not valid, or was used', {
          hint: 'ask for a new one',
        });
      }
      const { name, email, password } = body;
      const userId = await people.create({ name, email, password });
      const { workspaceId, role } = invite;
      const actor = { ...platformActor(workspaceId), kind: 'person' as const, id: userId, name };
      const isFirst = await store.transaction(async (tx) => {
        if (!(await tx.useInvite(invite.id, now))) return false;
        await tx.addMember({ userId, workspaceId, role });
        const resource = `person/${userId}`;
        await ledger.append(tx, actor, { action: 'person.join', resource, detail: { role } });
        return true;
      });
      if (!isFirst) {
        await people.disable(userId, 'the invite was used twice');
        throw new PlatformError('forbidden', 'this link is not valid, or was used', {
          hint: 'ask for a new one',
        });
      }
      bus.publish({ topic: 'person', workspaceId, id: userId });
      return { userId, role };
    },
  );
}

function keyRoutes(app: App, platform: Platform): void {
  const { store, clock, ledger, bus } = platform.services;
  addRoute(
    app,
    platform,
    {
      method: 'get',
      path: '/api/v1/keys',
      summary: 'API keys',
      answer: z.object({ keys: z.array(keySchema) }),
    },
    async ({ actor, authorize }) => {
      authorize('read');
      return { keys: (await store.apiKeys(actor.workspaceId)).map(keyView) };
    },
  );
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/keys',
      summary: 'Make an API key; its text is shown this once',
      body: z.object({
        name: z.string().min(1).max(100),
        scope: z.enum(['inference', 'platform']).default('inference'),
        role: z.enum(roles).default('developer'),
        budgetRows: z.int().min(1).max(1_000_000_000).default(dayRows),
      }),
      answer: z.object({ key: z.string(), id: z.string(), prefix: z.string() }),
      status: 201,
    },
    async ({ actor, body, authorize }) => {
      authorize('key.create');
      const fresh = freshKey();
      const key: ApiKey = {
        id: uuidv7(clock),
        workspaceId: actor.workspaceId,
        ...body,
        prefix: fresh.prefix,
        hash: fresh.hash,
        createdBy: actor.id,
        createdAt: isoTime(clock.nowMs()),
        revokedAt: null,
        revokedWhy: null,
      };
      await store.transaction(async (tx) => {
        await tx.addApiKey(key);
        const detail = { name: key.name, scope: key.scope, role: key.role };
        await ledger.append(tx, actor, { action: 'key.create', resource: `key/${key.id}`, detail });
      });
      bus.publish({ topic: 'key', workspaceId: actor.workspaceId, id: key.id });
      return { key: fresh.text, id: key.id, prefix: fresh.prefix };
    },
  );
}

function revokeRoute(app: App, platform: Platform): void {
  addRoute(
    app,
    platform,
    {
      method: 'post',
      path: '/api/v1/keys/{id}/revoke',
      summary: 'Revoke an API key from the next request on',
      params: idParams,
      body: z.object({ why: z.string().max(200).default('') }),
      answer: z.object({ revoked: z.string() }),
    },
    async ({ actor, params, body, authorize }) => {
      authorize('key.revoke', { id: params.id });
      return { revoked: await platform.containment.revokeKey(actor, params.id, body.why) };
    },
  );
}
