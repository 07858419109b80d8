/** Deployments, events, alerts and incidents in SQL. */
import type { Kysely, Selectable } from 'kysely';
import type { Alert, Deployment, Incident, ServeEvent, Share, TimelineEntry } from '../model.ts';
import { binary, changed, json, object } from './row.ts';
import type { Schema } from './schema.ts';
import type { WatchStore } from './store.ts';

/** The part of the store that keeps what happens to served models. */
export function watchStore(db: Kysely<Schema>): WatchStore {
  return { ...deploymentQueries(db), ...eventQueries(db), ...alertQueries(db), ...incidents(db) };
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

type EventPart = Pick<WatchStore, 'addEvents' | 'events' | 'rowsAnswered' | 'countEvents'>;

function eventQueries(db: Kysely<Schema>): EventPart {
  return {
    addEvents: async (events) => {
      if (events.length === 0) return;
      const rows = events.map((event) => ({ ...event, labels: json(event.labels) }));
      await db.insertInto('events').values(rows).execute();
    },
    events: async ({ versionId, keyId, since, limit }) => {
      let query = db.selectFrom('events').selectAll();
      if (versionId !== undefined) query = query.where('versionId', '=', versionId);
      if (keyId !== undefined) query = query.where('keyId', '=', keyId);
      if (since !== undefined) query = query.where('at', '>=', since);
      return (await query.orderBy('seq', 'desc').limit(limit).execute()).map(asEvent);
    },
    rowsAnswered: async (keyId, since) => {
      const row = await db
        .selectFrom('events')
        .select(({ fn }) => fn.sum<number | string | null>('rows').as('rows'))
        .where('keyId', '=', keyId)
        .where('decision', '=', 'answered')
        .where('at', '>=', since)
        .executeTakeFirst();
      return Number(row?.rows ?? 0);
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

function alertQueries(db: Kysely<Schema>): Pick<WatchStore, 'addAlert' | 'linkAlert' | 'alerts'> {
  return {
    addAlert: async (alert) => {
      await db
        .insertInto('alerts')
        .values({ ...alert, detail: json(alert.detail) })
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
      return rows.map((row): Alert => ({ ...row, detail: object(row.detail) }));
    },
  };
}

type IncidentPart = Omit<
  WatchStore,
  keyof DeploymentPart | keyof EventPart | 'addAlert' | 'linkAlert' | 'alerts'
>;

function incidents(db: Kysely<Schema>): IncidentPart {
  return {
    addIncident: async (incident) => {
      const detail = json(incident.detail);
      await db
        .insertInto('incidents')
        .values({ ...incident, detail })
        .execute();
    },
    updateIncident: async (id, change) => {
      const set = changed(change, ['detail']);
      await db.updateTable('incidents').set(set).where('id', '=', id).execute();
    },
    incident: async (id) => {
      const query = db.selectFrom('incidents').selectAll().where('id', '=', id);
      const row = await query.executeTakeFirst();
      return row === undefined ? null : asIncident(row);
    },
    incidents: async (workspaceId) => {
      const rows = await db
        .selectFrom('incidents')
        .selectAll()
        .where('workspaceId', '=', workspaceId)
        .orderBy('id', 'desc')
        .execute();
      return rows.map(asIncident);
    },
    addTimeline: async (entry) => {
      await db
        .insertInto('timeline')
        .values({ ...entry, detail: json(entry.detail) })
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
      return rows.map((row) => ({ ...row, detail: object(row.detail) }) as TimelineEntry);
    },
    addShare: async (share) => {
      await db.insertInto('shares').values(share).execute();
    },
    shares: async (incidentId): Promise<Share[]> =>
      db.selectFrom('shares').selectAll().where('incidentId', '=', incidentId).execute(),
  };
}

function asDeployment(row: Schema['deployments']): Deployment {
  return { ...row, guards: object(row.guards) } as Deployment;
}

function asEvent({ seq: _, ...row }: Selectable<Schema['events']>): ServeEvent {
  return {
    ...row,
    decision: row.decision as ServeEvent['decision'],
    labels: JSON.parse(row.labels) as number[],
    input: row.input === null ? null : binary(row.input),
  };
}

function asIncident(row: Schema['incidents']): Incident {
  return { ...row, detail: object(row.detail) } as Incident;
}
