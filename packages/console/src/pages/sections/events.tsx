/** Requests to a served version: counts and latency over time, the latest ones, and alarms. */
import { Link } from '@tanstack/react-router';
import { type ReactNode, useMemo } from 'react';
import { useEvents, useKeys } from '../../api/queries.ts';
import type { EventPage, ServeEvent, Version } from '../../api/types.ts';
import { Chart, type Series } from '../../components/chart.tsx';
import { clockTime, counted, detectorName, short, when } from '../../components/format.ts';
import { Badge, Empty, Loaded } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';

const shownEvents = 12;
const buckets = 60;

/** Two sections: requests, and the alarms that they set off. */
export function Events({ version }: { readonly version: Version }): ReactNode {
  const events = useEvents(version.id);
  return (
    <>
      <section className="card flush">
        <div className="card-head">
          <h2>Requests</h2>
          {events.data === undefined ? null : (
            <span className="quiet">
              {events.data.answered.toLocaleString()} answered,{' '}
              {events.data.refused.toLocaleString()} refused
            </span>
          )}
        </div>
        <Loaded query={events}>
          {({ events: latest }) =>
            latest.length === 0 ? <Empty>No requests yet.</Empty> : <Requests events={latest} />
          }
        </Loaded>
      </section>
      <section className="card flush">
        <div className="card-head">
          <h2>Alerts</h2>
        </div>
        <Loaded query={events}>
          {({ alerts }) =>
            alerts.length === 0 ? (
              <Empty>No detector has raised an alarm.</Empty>
            ) : (
              <Table caption="Alerts" columns={alertColumns} rows={alerts} rowKey={(a) => a.id} />
            )
          }
        </Loaded>
      </section>
    </>
  );
}

type Alert = EventPage['alerts'][number];

const alertColumns: readonly Column<Alert>[] = [
  { head: 'Detector', cell: ({ detector }) => detectorName(detector) },
  { head: 'At', kind: 'nowrap', cell: ({ at }) => when(at) },
  { head: 'Measured', kind: 'number', cell: ({ statistic }) => short(statistic) },
  { head: 'Alarm below', kind: 'number', cell: ({ threshold }) => short(threshold) },
  {
    head: 'Incident',
    cell: ({ incidentId }) =>
      incidentId === null ? (
        '–'
      ) : (
        <Link to="/incidents/$id" params={{ id: incidentId }}>
          see the incident
        </Link>
      ),
  },
];

function Requests({ events }: { readonly events: readonly ServeEvent[] }): ReactNode {
  const keys = useKeys().data ?? [];
  const { times, counts, latency } = useMemo(() => seriesOf(events), [events]);
  const columns: readonly Column<ServeEvent>[] = [
    { head: 'At', kind: 'mono', cell: ({ at }) => clockTime(at) },
    {
      head: 'Decision',
      cell: ({ decision, reason }) => (
        <Badge tone={decision === 'answered' ? 'ok' : 'bad'}>
          {decision === 'answered' ? 'answered' : `refused: ${reason}`}
        </Badge>
      ),
    },
    { head: 'Key', cell: ({ keyId }) => keys.find(({ id }) => id === keyId)?.name ?? '–' },
    { head: 'Rows', kind: 'number', cell: ({ rows }) => rows.toLocaleString() },
    { head: 'Predicted', kind: 'mono', cell: ({ labels }) => labels.join(', ') || '–' },
    { head: 'Latency', kind: 'number', cell: ({ latencyMs }) => `${latencyMs.toFixed(1)} ms` },
  ];
  return (
    <>
      <div className="charts">
        <Chart
          title="Requests"
          summary={`The latest ${counted(events.length, 'request')} over time`}
          times={times}
          series={counts}
        />
        <Chart
          title="Latency, ms"
          summary={`Mean and slowest latency, at most ${short(slowest(events))} ms`}
          times={times}
          series={latency}
        />
      </div>
      <Table
        caption="Latest requests"
        columns={columns}
        rows={events.slice(0, shownEvents)}
        rowKey={({ id }) => id}
        dense
      />
      {events.length > shownEvents ? (
        <p className="quiet small foot">The latest {shownEvents} are listed.</p>
      ) : null}
    </>
  );
}

function slowest(events: readonly ServeEvent[]): number {
  return events.reduce((most, { latencyMs }) => Math.max(most, latencyMs), 0);
}

/** Figures in equal spans between the first and the last event shown. */
function seriesOf(events: readonly ServeEvent[]): {
  times: number[];
  counts: Series[];
  latency: Series[];
} {
  const at = events.map((event) => Date.parse(event.at));
  const first = at.reduce((least, time) => Math.min(least, time), Number.POSITIVE_INFINITY);
  const last = at.reduce((most, time) => Math.max(most, time), first);
  const span = Math.max(1000, last - first) / buckets;
  const filled: ServeEvent[][] = Array.from({ length: buckets }, () => []);
  for (const [i, event] of events.entries()) {
    const bucket = Math.min(buckets - 1, Math.floor(((at[i] ?? first) - first) / span));
    filled[bucket]?.push(event);
  }
  const countOf = (decision: ServeEvent['decision']): number[] =>
    filled.map((each) => each.filter((event) => event.decision === decision).length);
  const mean = (each: readonly ServeEvent[]): number | null =>
    each.length === 0 ? null : each.reduce((sum, e) => sum + e.latencyMs, 0) / each.length;
  return {
    times: filled.map((_, i) => (first + i * span) / 1000),
    counts: [
      { name: 'answered', tone: '--ok', values: countOf('answered') },
      { name: 'refused', tone: '--bad', values: countOf('refused') },
    ],
    latency: [
      { name: 'mean', tone: '--run', values: filled.map(mean) },
      {
        name: 'slowest',
        tone: '--ink-3',
        values: filled.map((each) => (each.length === 0 ? null : slowest(each))),
      },
    ],
  };
}
