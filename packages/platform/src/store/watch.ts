/** Deployments, events, alerts and incidents in SQL. */
import { type Kysely, type Selectable, sql } from 'kysely';
import type { Alert, Deployment, Incident, ServeEvent, Share, TimelineEntry } from '../model.ts';
import type { Columns, Place } from './columns.ts';
import { binary, changed, json, object } from './row.ts';
import type { Schema } from './schema.ts';
import type { WatchStore } from './store.ts';

/** The part of the store that keeps what happens to served models. */
export function watchStore(db: Kysely<Schema>, columns: Columns): WatchStore {
  return {
    ...deploymentQueries(db),
    ...eventQueries(db, columns),
    ...alertQueries(db, columns),
    ...incidents(db, columns),
  };
}

/** A column of a row. */
function at(column: string, row: string): Place {
  return { column, row };
}

type DeploymentPart = Pick<
  WatchStore,
  'addDeployment' | 'updateDeployment' | 'deployment' | 'activeDeployment' | 'deployments'
>;

function deploymentQueries(db: Kysely<Schema>): DeploymentPart {
  return {
    addDeployment: async (deployment) => {
      const guards = json(deployment.guards);
      await db
        .insertInto('deployments')
        .values({ ...deployment, guards })
        .execute();
    },
    updateDeployment: async (id, change) => {
      const set = changed(change, ['guards']);
      await db.updateTable('deployments').set(set).where('id', '=', id).execute();
    },
    deployment: async (id) => {
      const query = db.selectFrom('deployments').selectAll().where('id', '=', id);
      const row = await query.executeTakeFirst();
      return row === undefined ? null : asDeployment(row);
    },
    activeDeployment: async (name) => {
      const row = await db
        .selectFrom('deployments')
        .selectAll()
        .where('name', '=', name)
        .where('state', '=', 'active')
        .executeTakeFirst();
      return row === undefined ? null : asDeployment(row);
    },
    deployments: async (workspaceId) => {
      let query = db.selectFrom('deployments').selectAll();
      if (workspaceId !== null) query = query.where('workspaceId', '=', workspaceId);
      return (await query.orderBy('id').execute()).map(asDeployment);
    },
  };
}

type EventPart = Pick<WatchStore, 'addEvents' | 'events' | 'rowsByMinute' | 'countEvents'>;

function eventQueries(db: Kysely<Schema>, columns: Columns): EventPart {
  return {
    addEvents: async (events) => {
      if (events.length === 0) return;
      const rows = events.map((event) => {
        const { id, input, labels } = event;
        const sealed = input === null ? null : columns.sealBytes(at('events/input', id), input);
        return { ...event, labels: json(labels), input: sealed };
      });
      // Events that were written and are still in a spool come a second time.
      await db
        .insertInto('events')
        .values(rows)
        .onConflict((conflict) => conflict.column('id').doNothing())
        .execute();
    },
    events: async ({ versionId, keyId, since, limit }) => {
      let query = db.selectFrom('events').selectAll();
      if (versionId !== undefined) query = query.where('versionId', '=', versionId);
      if (keyId !== undefined) query = query.where('keyId', '=', keyId);
      if (since !== undefined) query = query.where('at', '>=', since);
      const rows = await query.orderBy('seq', 'desc').limit(limit).execute();
      return rows.map((row) => asEvent(row, columns));
    },
    rowsByMinute: async (keyId, since) => {
      const minute = sql<string>`substr("at", 1, 16)`;
      const found = await db
        .selectFrom('events')
        .select(({ fn }) => [minute.as('minute'), fn.sum<number | string>('rows').as('rows')])
        .where('keyId', '=', keyId)
        .where('decision', '=', 'answered')
        .where('at', '>=', since)
        .groupBy(minute)
        .execute();
      return found.map((each) => ({ minute: each.minute, rows: Number(each.rows) }));
    },
    countEvents: async (versionId) => {
      const rows = await db
        .selectFrom('events')
        .select(({ fn }) => ['decision', fn.countAll<number | string>().as('count')])
        .where('versionId', '=', versionId)
        .groupBy('decision')
        .execute();
      const of = (decision: string): number =>
        Number(rows.find((row) => row.decision === decision)?.count ?? 0);
      return { answered: of('answered'), refused: of('refused') };
    },
  };
}

function alertQueries(
  db: Kysely<Schema>,
  columns: Columns,
): Pick<WatchStore, 'addAlert' | 'linkAlert' | 'alerts'> {
  const detailOf = (id: string) => at('alerts/detail', id);
  return {
    addAlert: async (alert) => {
      await db
        .insertInto('alerts')
        .values({ ...alert, detail: columns.seal(detailOf(alert.id), json(alert.detail)) })
        .execute();
    },
    linkAlert: async (id, incidentId) => {
      await db.updateTable('alerts').set({ incidentId }).where('id', '=', id).execute();
    },
    alerts: async (versionId) => {
      const rows = await db
        .selectFrom('alerts')
        .selectAll()
        .where('versionId', '=', versionId)
        .orderBy('id')
        .execute();
      return rows.map((row): Alert => {
        return { ...row, detail: object(columns.open(detailOf(row.id), row.detail)) };
      });
    },
  };
}

type IncidentPart = Omit<
  WatchStore,
  keyof DeploymentPart | keyof EventPart | 'addAlert' | 'linkAlert' | 'alerts'
>;

function incidents(db: Kysely<Schema>, columns: Columns): IncidentPart {
  return { ...incidentQueries(db, columns), ...timelineQueries(db, columns) };
}

type TimelinePart = Pick<IncidentPart, 'addTimeline' | 'timeline' | 'addShare' | 'shares'>;

function incidentQueries(
  db: Kysely<Schema>,
  columns: Columns,
): Omit<IncidentPart, keyof TimelinePart> {
  const detailOf = (id: string) => at('incidents/detail', id);
  const read = (row: Schema['incidents']): Incident => {
    const detail = object(columns.open(detailOf(row.id), row.detail));
    return { ...row, detail } as Incident;
  };
  return {
    addIncident: async (incident) => {
      const detail = columns.seal(detailOf(incident.id), json(incident.detail));
      await db
        .insertInto('incidents')
        .values({ ...incident, detail })
        .execute();
    },
    updateIncident: async (id, change) => {
      const { detail, ...others } = change;
      const sealed =
        detail === undefined ? {} : { detail: columns.seal(detailOf(id), json(detail)) };
      const set = { ...others, ...sealed };
      await db.updateTable('incidents').set(set).where('id', '=', id).execute();
    },
    incident: async (id) => {
      const query = db.selectFrom('incidents').selectAll().where('id', '=', id);
      const row = await query.executeTakeFirst();
      return row === undefined ? null : read(row);
    },
    incidents: async (workspaceId) => {
      const rows = await db
        .selectFrom('incidents')
        .selectAll()
        .where('workspaceId', '=', workspaceId)
        .orderBy('id', 'desc')
        .execute();
      return rows.map(read);
    },
  };
}

function timelineQueries(db: Kysely<Schema>, columns: Columns): TimelinePart {
  const [text, detail, bundle] = ['timeline/text', 'timeline/detail', 'shares/bundle'] as const;
  return {
    addTimeline: async (entry) => {
      await db
        .insertInto('timeline')
        .values({
          ...entry,
          text: columns.seal(at(text, entry.id), entry.text),
          detail: columns.seal(at(detail, entry.id), json(entry.detail)),
        })
        .execute();
    },
    timeline: async (incidentId) => {
      const rows = await db
        .selectFrom('timeline')
        .selectAll()
        .where('incidentId', '=', incidentId)
        .orderBy('at')
        .orderBy('id')
        .execute();
      return rows.map((row) => {
        const own = {
          text: columns.open(at(text, row.id), row.text),
          detail: object(columns.open(at(detail, row.id), row.detail)),
        };
        return { ...row, ...own } as TimelineEntry;
      });
    },
    addShare: async (share) => {
      const sealed = columns.seal(at(bundle, share.id), share.bundle);
      await db
        .insertInto('shares')
        .values({ ...share, bundle: sealed })
        .execute();
    },
    shares: async (incidentId): Promise<Share[]> => {
      const query = db.selectFrom('shares').selectAll().where('incidentId', '=', incidentId);
      return (await query.execute()).map((row) => {
        return { ...row, bundle: columns.open(at(bundle, row.id), row.bundle) };
      });
    },
  };
}

function asDeployment(row: Schema['deployments']): Deployment {
  return { ...row, guards: object(row.guards) } as Deployment;
}

function asEvent({ seq: _, ...row }: Selectable<Schema['events']>, columns: Columns): ServeEvent {
  const stored = row.input === null ? null : binary(row.input);
  return {
    ...row,
    decision: row.decision as ServeEvent['decision'],
    labels: JSON.parse(row.labels) as number[],
    input: stored === null ? null : columns.openBytes(at('events/input', row.id), stored),
  };
}
