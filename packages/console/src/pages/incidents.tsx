/** Incidents: the list. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useIncidents, useVersionNames } from '../api/queries.ts';
import type { Incident } from '../api/types.ts';
import { secondsBetween, when } from '../components/format.ts';
import { Badge, Empty, Loaded, severityTone } from '../components/state.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useTitle } from '../components/title.ts';

/** Colours of an incident's states. */
export const stateTones = { open: 'bad', contained: 'warn', closed: 'ok' } as const;

/** The list. */
export function IncidentsPage(): ReactNode {
  useTitle('Incidents');
  const incidents = useIncidents();
  return (
    <>
      <h1>Incidents</h1>
      <Loaded query={incidents}>
        {(list) => (
          <section className="card flush" aria-label="Incidents">
            {list.length === 0 ? (
              <Empty>No incidents. Alarms of served models open them by themselves.</Empty>
            ) : (
              <IncidentTable incidents={list} />
            )}
          </section>
        )}
      </Loaded>
    </>
  );
}

/** Incidents as a table. */
export function IncidentTable(props: { readonly incidents: readonly Incident[] }): ReactNode {
  const nameOf = useVersionNames();
  const columns: readonly Column<Incident>[] = [
    {
      head: 'Incident',
      cell: ({ id, title }) => (
        <Link to="/incidents/$id" params={{ id }}>
          {title}
        </Link>
      ),
    },
    { head: 'Version', kind: 'nowrap', cell: ({ versionId }) => nameOf(versionId) },
    {
      head: 'Severity',
      cell: ({ severity }) => <Badge tone={severityTone(severity)}>{severity}</Badge>,
    },
    { head: 'State', cell: ({ state }) => <Badge tone={stateTones[state]}>{state}</Badge> },
    { head: 'Detected', kind: 'nowrap', cell: ({ detectedAt }) => when(detectedAt) },
    {
      head: 'Contained in',
      kind: 'number',
      cell: ({ detectedAt, containedAt }) => secondsBetween(detectedAt, containedAt),
    },
    { head: 'Technique', kind: 'mono', cell: ({ technique }) => technique },
  ];
  return (
    <Table
      caption="Incidents"
      columns={columns}
      rows={props.incidents}
      rowKey={(incident) => incident.id}
    />
  );
}
