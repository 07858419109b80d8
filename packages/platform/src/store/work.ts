/** Steps and jobs in SQL. */
import type { Kysely, Selectable } from 'kysely';
import type { Job, StepRecord } from '../model.ts';
import { changed, json, object } from './row.ts';
import type { Schema } from './schema.ts';
import type { WorkStore } from './store.ts';

/** The part of the store that keeps where work stands. */
export function workStore(db: Kysely<Schema>): WorkStore {
  return { ...stepQueries(db), ...jobQueries(db) };
}

function stepQueries(db: Kysely<Schema>): Pick<WorkStore, 'steps' | 'step' | 'putStep'> {
  return {
    steps: async (versionId) => {
      const rows = await db
        .selectFrom('steps')
        .selectAll()
        .where('versionId', '=', versionId)
        .orderBy('startedAt')
        .execute();
      return rows.map(asStep);
    },
    step: async (versionId, step) => {
      const row = await db
        .selectFrom('steps')
        .selectAll()
        .where('versionId', '=', versionId)
        .where('step', '=', step)
        .executeTakeFirst();
      return row === undefined ? null : asStep(row);
    },
    putStep: async (record) => {
      const { state, startedAt, finishedAt } = record;
      const result = json(record.result);
      await db
        .insertInto('steps')
        .values({ ...record, result })
        .onConflict((conflict) =>
          conflict
            .columns(['versionId', 'step'])
            .doUpdateSet({ state, startedAt, finishedAt, result }),
        )
        .execute();
    },
  };
}

function jobQueries(db: Kysely<Schema>): Omit<WorkStore, 'steps' | 'step' | 'putStep'> {
  return {
    addJob: async (job) => {
      const { input, progress, ...rest } = job;
      await db
        .insertInto('jobs')
        .values({ ...rest, owner: null, input: json(input), progress: json(progress) })
        .execute();
    },
    job: async (id) => {
      const row = await db.selectFrom('jobs').selectAll().where('id', '=', id).executeTakeFirst();
      return row === undefined ? null : asJob(row);
    },
    jobs: async ({ workspaceId, versionId }) => {
      let query = db.selectFrom('jobs').selectAll();
      if (workspaceId !== undefined) query = query.where('workspaceId', '=', workspaceId);
      if (versionId !== undefined) query = query.where('versionId', '=', versionId);
      return (await query.orderBy('id').execute()).map(asJob);
    },
    claimJob: (owner) => claim(db, owner),
    updateJob: async (id, change) => {
      const set = changed(change, ['input', 'progress']);
      await db.updateTable('jobs').set(set).where('id', '=', id).execute();
    },
    requeueJobs: async (owner) => {
      const result = await db
        .updateTable('jobs')
        .set({ state: 'queued', owner: null })
        .where('state', '=', 'running')
        .where('owner', '!=', owner)
        .executeTakeFirst();
      return Number(result.numUpdatedRows);
    },
  };
}

/** The condition on `state` makes the claim atomic everywhere: a lost race updates 0 rows. */
async function claim(db: Kysely<Schema>, owner: string): Promise<Job | null> {
  for (;;) {
    const next = await db
      .selectFrom('jobs')
      .selectAll()
      .where('state', '=', 'queued')
      .orderBy('id')
      .executeTakeFirst();
    if (next === undefined) return null;
    const attempts = next.attempts + 1;
    const result = await db
      .updateTable('jobs')
      .set({ state: 'running', owner, attempts })
      .where('id', '=', next.id)
      .where('state', '=', 'queued')
      .executeTakeFirst();
    if (Number(result.numUpdatedRows) === 1) return asJob({ ...next, state: 'running', attempts });
  }
}

function asStep(row: Schema['steps']): StepRecord {
  return { ...row, result: object(row.result) } as StepRecord;
}

function asJob({ owner: _, ...row }: Selectable<Schema['jobs']>): Job {
  return { ...row, input: object(row.input), progress: object(row.progress) } as Job;
}
