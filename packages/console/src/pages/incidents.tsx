/** Incidents: the list, and one with its timeline, closing and sharing. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { post } from '../api/client.ts';
import { useIncident, useIncidents } from '../api/queries.ts';
import type { Incident, IncidentDetail } from '../api/types.ts';
import { Ask, Choice, Form } from '../components/form.tsx';
import { clockTime, secondsBetween, short, when } from '../components/format.ts';
import { Badge, Empty, Loaded, severityTone, type Tone } from '../components/state.tsx';

const stateTones = { open: 'bad', contained: 'warn', closed: 'ok' } as const;

/** The list. */
export function IncidentsPage(): ReactNode {
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
export function IncidentTable({
  incidents,
}: {
  readonly incidents: readonly Incident[];
}): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Incident</th>
            <th>Severity</th>
            <th>State</th>
            <th>Detected</th>
            <th className="number">Contained in</th>
            <th>Technique</th>
          </tr>
        </thead>
        <tbody>
          {incidents.map((incident) => (
            <tr key={incident.id}>
              <td>
                <Link to="/incidents/$id" params={{ id: incident.id }}>
                  {incident.title}
                </Link>
              </td>
              <td>
                <Badge tone={severityTone(incident.severity)}>{incident.severity}</Badge>
              </td>
              <td>
                <Badge tone={stateTones[incident.state]}>{incident.state}</Badge>
              </td>
              <td className="nowrap">{when(incident.detectedAt)}</td>
              <td className="number">
                {secondsBetween(incident.detectedAt, incident.containedAt)}
              </td>
              <td className="mono">{incident.technique}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

/** One incident. */
export function IncidentPage({ id }: { readonly id: string }): ReactNode {
  const incident = useIncident(id);
  return <Loaded query={incident}>{(detail) => <IncidentBody detail={detail} />}</Loaded>;
}

function IncidentBody({ detail }: { readonly detail: IncidentDetail }): ReactNode {
  const { incident, shares } = detail;
  return (
    <>
      <div className="head">
        <h1>{incident.title}</h1>
        <Badge tone={stateTones[incident.state]}>{incident.state}</Badge>
        <div className="row">
          <Actions incident={incident} />
        </div>
      </div>
      <section className="card" aria-label="Figures">
        <div className="figures">
          <Figure
            value={secondsBetween(incident.startedAt, incident.detectedAt)}
            label="to detect"
          />
          <Figure
            value={secondsBetween(incident.detectedAt, incident.containedAt)}
            label="to contain"
          />
          <Figure
            value={String(incident.detail.queries ?? incident.detail.rows ?? '–')}
            label="rows seen"
          />
          <Figure
            value={short(incident.detail.statistic)}
            label={`below ${short(incident.detail.threshold)}`}
          />
        </div>
        <dl className="facts">
          <dt>Detector</dt>
          <dd>{String(incident.detail.detector)}</dd>
          <dt>Technique</dt>
          <dd className="mono">{incident.technique}</dd>
          <dt>Version</dt>
          <dd>
            <Link to="/versions/$id" params={{ id: incident.versionId }}>
              {incident.versionId}
            </Link>
          </dd>
          <dt>Shared</dt>
          <dd>
            {shares.length === 0
              ? 'not yet'
              : shares.map((s) => `TLP:${s.tlp.toUpperCase()}`).join(', ')}
          </dd>
        </dl>
      </section>
      <section className="card">
        <h2>Timeline</h2>
        <Timeline lines={detail.timeline} />
      </section>
    </>
  );
}

function Figure({ value, label }: { readonly value: string; readonly label: string }): ReactNode {
  return (
    <div className="figure">
      <strong>{value}</strong>
      <span>{label}</span>
    </div>
  );
}

const lineTones: Readonly<Record<string, Tone>> = {
  detected: 'bad',
  contained: 'ok',
  closed: 'ok',
  shared: 'run',
};

function Timeline({ lines }: { readonly lines: IncidentDetail['timeline'] }): ReactNode {
  return (
    <ol className="timeline">
      {lines.map((line) => (
        <li key={`${line.at} ${line.text}`} className={lineTones[line.kind] ?? 'plain'}>
          <time dateTime={line.at}>{clockTime(line.at)}</time>
          <span className="dot" aria-hidden="true" />
          <span>{line.text}</span>
        </li>
      ))}
    </ol>
  );
}

function Actions({ incident }: { readonly incident: Incident }): ReactNode {
  if (incident.state === 'contained') {
    return (
      <Ask label="Close" title="Close this incident">
        {(close) => (
          <Form
            submit="Close it"
            send={({ comment = '' }) => post(`incidents/${incident.id}/close`, { comment })}
            done={close}
          >
            <label>
              What was learned
              <textarea name="comment" rows={3} />
            </label>
          </Form>
        )}
      </Ask>
    );
  }
  if (incident.state !== 'closed') return null;
  return (
    <Ask label="Share" title="Share as STIX 2.1">
      {(close) => (
        <Form
          submit="Export"
          send={({ tlp = 'amber' }) =>
            post<{ bundle: unknown }>(`incidents/${incident.id}/share`, { tlp })
          }
          done={({ bundle }) => {
            download(`incident-${incident.id}.json`, JSON.stringify(bundle, null, 2));
            close();
          }}
        >
          <Choice
            label="Traffic Light Protocol 2.0"
            name="tlp"
            defaultValue="amber"
            options={['clear', 'green', 'amber', 'amber+strict', 'red']}
          />
        </Form>
      )}
    </Ask>
  );
}

function download(name: string, text: string): void {
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  const link = document.createElement('a');
  link.href = url;
  link.download = name;
  link.click();
  URL.revokeObjectURL(url);
}
