/** Requests to a served version: counts over time, the latest ones, and alarms. */
import type { ReactNode } from 'react';
import { useEvents } from '../../api/queries.ts';
import type { EventPage, ServeEvent, Version } from '../../api/types.ts';
import { Chart, type Series } from '../../components/chart.tsx';
import { clockTime, short } from '../../components/format.ts';
import { Badge, Empty, Loaded } from '../../components/state.tsx';

const shownEvents = 12;
const buckets = 60;

/** The section. */
export function Events({ version }: { readonly version: Version }): ReactNode {
  const events = useEvents(version.id);
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Requests</h2>
        {events.data === undefined ? null : <span className="quiet">{counted(events.data)}</span>}
      </div>
      <Loaded query={events}>
        {(page) =>
          page.events.length === 0 ? <Empty>No requests yet.</Empty> : <Content page={page} />
        }
      </Loaded>
    </section>
  );
}

function counted({ answered, refused }: EventPage): string {
  return `${answered.toLocaleString()} answered, ${refused.toLocaleString()} refused`;
}

function Content({ page }: { readonly page: EventPage }): ReactNode {
  return (
    <>
      {page.alerts.map((alert) => (
        <p key={alert.id} className="note bad" style={{ margin: '0 16px' }}>
          {clockTime(alert.at)} · {alert.detector}: {short(alert.statistic)} below{' '}
          {short(alert.threshold)}
        </p>
      ))}
      <div style={{ padding: '0 16px' }}>
        <Chart {...seriesOf(page.events)} label="Requests over time" />
      </div>
      <div className="scroll">
        <table>
          <thead>
            <tr>
              <th>At</th>
              <th>Decision</th>
              <th className="number">Rows</th>
              <th>Predicted</th>
              <th className="number">Latency</th>
            </tr>
          </thead>
          <tbody>
            {page.events.slice(0, shownEvents).map((event) => (
              <tr key={event.id}>
                <td className="mono nowrap">{clockTime(event.at)}</td>
                <td>
                  <Badge tone={event.decision === 'answered' ? 'ok' : 'bad'}>
                    {event.decision === 'answered' ? 'answered' : event.reason}
                  </Badge>
                </td>
                <td className="number">{event.rows}</td>
                <td className="mono">{event.labels.join(', ')}</td>
                <td className="number">{event.latencyMs.toFixed(1)} ms</td>
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </>
  );
}

/** Counts in equal spans between the first and the last event shown. */
function seriesOf(events: readonly ServeEvent[]): { times: number[]; series: Series[] } {
  const at = events.map((event) => Date.parse(event.at));
  const first = Math.min(...at);
  const span = Math.max(1000, Math.max(...at) - first) / buckets;
  const answered = new Array<number>(buckets + 1).fill(0);
  const refused = new Array<number>(buckets + 1).fill(0);
  for (const [i, event] of events.entries()) {
    const bucket = Math.min(buckets, Math.floor(((at[i] ?? first) - first) / span));
    const counts = event.decision === 'answered' ? answered : refused;
    counts[bucket] = (counts[bucket] ?? 0) + 1;
  }
  const times = answered.map((_, i) => (first + i * span) / 1000);
  return {
    times,
    series: [
      { name: 'answered', tone: '--ok', values: answered },
      { name: 'refused', tone: '--bad', values: refused },
    ],
  };
}
