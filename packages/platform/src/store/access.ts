/** Keys, members, invites and API keys in SQL. */
import type { Kysely } from 'kysely';
import type { ApiKey, Invite, Member, WrappedKey } from '../model.ts';
import { binary } from './row.ts';
import type { Schema } from './schema.ts';
import type { AccessStore } from './store.ts';

/** The part of the store that keeps who may do what, and with which key. */
export function accessStore(db: Kysely<Schema>): AccessStore {
  return { ...wrappedKeyQueries(db), ...peopleQueries(db), ...apiKeyQueries(db) };
}

type WrappedPart = Pick<
  AccessStore,
  'addWrappedKey' | 'wrappedKey' | 'wrappedKeys' | 'destroyWrappedKey'
>;

function wrappedKeyQueries(db: Kysely<Schema>): WrappedPart {
  return {
    addWrappedKey: async (key) => {
      await db.insertInto('wrappedKeys').values(key).execute();
    },
    wrappedKey: async (id) => {
      const row = await db
        .selectFrom('wrappedKeys')
        .selectAll()
        .where('id', '=', id)
        .executeTakeFirst();
      return row === undefined ? null : asWrapped(row);
    },
    wrappedKeys: async (workspaceId) =>
      (
        await db
          .selectFrom('wrappedKeys')
          .selectAll()
          .where('workspaceId', '=', workspaceId)
          .orderBy('id')
          .execute()
      ).map(asWrapped),
    destroyWrappedKey: async (id, at) => {
      const result = await db
        .updateTable('wrappedKeys')
        .set({ wrapped: new Uint8Array(0), destroyedAt: at })
        .where('id', '=', id)
        .where('destroyedAt', 'is', null)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) === 1;
    },
  };
}

type PeoplePart = Pick<
  AccessStore,
  'addMember' | 'membersOf' | 'members' | 'addInvite' | 'inviteByHash' | 'useInvite'
>;

function peopleQueries(db: Kysely<Schema>): PeoplePart {
  return {
    addMember: async (member) => {
      await db
        .insertInto('members')
        .values(member)
        .onConflict((c) => c.columns(['userId', 'workspaceId']).doUpdateSet({ role: member.role }))
        .execute();
    },
    membersOf: async (userId) =>
      (await db
        .selectFrom('members')
        .selectAll()
        .where('userId', '=', userId)
        .execute()) as Member[],
    members: async (workspaceId) =>
      (await db
        .selectFrom('members')
        .selectAll()
        .where('workspaceId', '=', workspaceId)
        .execute()) as Member[],
    addInvite: async (invite) => {
      await db.insertInto('invites').values(invite).execute();
    },
    inviteByHash: async (tokenHash) => {
      const row = await db
        .selectFrom('invites')
        .selectAll()
        .where('tokenHash', '=', tokenHash)
        .executeTakeFirst();
      return row === undefined ? null : (row as Invite);
    },
    useInvite: async (id, at) => {
      const result = await db
        .updateTable('invites')
        .set({ usedAt: at })
        .where('id', '=', id)
        .where('usedAt', 'is', null)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) === 1;
    },
  };
}

type ApiKeyPart = Pick<
  AccessStore,
  'addApiKey' | 'apiKey' | 'apiKeyByHash' | 'apiKeys' | 'revokeApiKey'
>;

function apiKeyQueries(db: Kysely<Schema>): ApiKeyPart {
  const one = async (column: 'id' | 'hash', value: string): Promise<ApiKey | null> => {
    const row = await db
      .selectFrom('apiKeys')
      .selectAll()
      .where(column, '=', value)
      .executeTakeFirst();
    return row === undefined ? null : (row as ApiKey);
  };
  return {
    addApiKey: async (key) => {
      await db.insertInto('apiKeys').values(key).execute();
    },
    apiKey: (id) => one('id', id),
    apiKeyByHash: (hash) => one('hash', hash),
    apiKeys: async (workspaceId) =>
      (await db
        .selectFrom('apiKeys')
        .selectAll()
        .where('workspaceId', '=', workspaceId)
        .orderBy('id')
        .execute()) as ApiKey[],
    revokeApiKey: async (id, at, why) => {
      const result = await db
        .updateTable('apiKeys')
        .set({ revokedAt: at, revokedWhy: why })
        .where('id', '=', id)
        .where('revokedAt', 'is', null)
        .executeTakeFirst();
      return Number(result.numUpdatedRows) === 1;
    },
  };
}

function asWrapped(row: Schema['wrappedKeys']): WrappedKey {
  return { ...row, wrapped: binary(row.wrapped) } as WrappedKey;
}
