/** What channels still owe, in SQL. */
import type { Kysely } from 'kysely';
import type { Notice } from '../notify/notice.ts';
import type { Schema } from './schema.ts';
import type { NoticeStore } from './store.ts';

/** The part of the store that keeps messages until they are told. */
export function noticeStore(db: Kysely<Schema>): NoticeStore {
  return {
    addNotices: async (notices) => {
      if (notices.length === 0) return;
      await db
        .insertInto('notices')
        .values([...notices])
        .onConflict((conflict) => conflict.columns(['incidentId', 'channel', 'event']).doNothing())
        .execute();
    },
    notices: async (channels, limit) => {
      if (channels.length === 0) return [];
      const rows = await db
        .selectFrom('notices as now')
        .selectAll('now')
        .where('now.channel', 'in', [...channels])
        .where(({ not, exists, selectFrom }) =>
          not(
            exists(
              selectFrom('notices as before')
                .select('before.id')
                .whereRef('before.incidentId', '=', 'now.incidentId')
                .whereRef('before.channel', '=', 'now.channel')
                .whereRef('before.id', '<', 'now.id'),
            ),
          ),
        )
        .orderBy('now.dueAt')
        .orderBy('now.id')
        .limit(limit)
        .execute();
      return rows.map((row) => row as Notice);
    },
    updateNotice: async (id, change) => {
      await db.updateTable('notices').set(change).where('id', '=', id).execute();
    },
    removeNotice: async (id) => {
      await db.deleteFrom('notices').where('id', '=', id).execute();
    },
  };
}
