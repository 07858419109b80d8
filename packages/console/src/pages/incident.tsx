/** One incident: how fast it was seen and contained, its timeline, closing and sharing. */
import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode, useState } from 'react';
import { post } from '../api/client.ts';
import { useIncident, useVersionNames } from '../api/queries.ts';
import { useMay } from '../api/roles.ts';
import type { Incident, IncidentDetail } from '../api/types.ts';
import { Ask, Choice, Form, LongField } from '../components/form.tsx';
import { clockTime, day, detectorName, secondsBetween, short, when } from '../components/format.ts';
import { Badge, Figure, Loaded, severityTone, type Tone } from '../components/state.tsx';
import { useTitle } from '../components/title.ts';
import { stateTones } from './incidents.tsx';

/** The page. */
export function IncidentPage({ id }: { readonly id: string }): ReactNode {
  const incident = useIncident(id);
  if (incident.data === undefined && incident.isError) {
    return (
      <>
        <h1>Incident</h1>
        <Loaded query={incident}>{() => null}</Loaded>
        <p>
          <Link to="/incidents">All incidents</Link>
        </p>
      </>
    );
  }
  return <Loaded query={incident}>{(detail) => <Body detail={detail} />}</Loaded>;
}

function Body({ detail }: { readonly detail: IncidentDetail }): ReactNode {
  const { incident } = detail;
  useTitle(incident.title);
  return (
    <>
      <div className="head">
        <h1>{incident.title}</h1>
        <Badge tone={severityTone(incident.severity)}>{incident.severity}</Badge>
        <Badge tone={stateTones[incident.state]}>{incident.state}</Badge>
        <Actions incident={incident} />
      </div>
      <section className="card" aria-label="Figures">
        <div className="figures">
          <Figure
            value={secondsBetween(incident.startedAt, incident.detectedAt)}
            label="from its first request to the alarm"
          />
          <Figure
            value={secondsBetween(incident.detectedAt, incident.containedAt)}
            label="from the alarm to containment"
          />
          <Measured incident={incident} />
        </div>
        <FactList detail={detail} />
      </section>
      <section className="card">
        <h2>Timeline</h2>
        <Timeline lines={detail.timeline} />
      </section>
    </>
  );
}

/** What the detector saw; each detector counts in words of its own. */
function Measured({ incident }: { readonly incident: Incident }): ReactNode {
  const { queries, rows, statistic, threshold } = incident.detail;
  const seen = typeof queries === 'number' ? queries : rows;
  // Some alarm when their figure falls, some when it grows.
  const side = Number(statistic) < Number(threshold) ? 'below' : 'above';
  return (
    <>
      {typeof seen === 'number' ? (
        <Figure value={seen.toLocaleString()} label="rows seen until then" />
      ) : null}
      {typeof statistic === 'number' ? (
        <Figure value={short(statistic)} label={`measured; alarm ${side} ${short(threshold)}`} />
      ) : null}
    </>
  );
}

function FactList({ detail }: { readonly detail: IncidentDetail }): ReactNode {
  const { incident, shares } = detail;
  const nameOf = useVersionNames();
  const times = [
    ['First request', incident.startedAt],
    ['Detected', incident.detectedAt],
    ['Contained', incident.containedAt],
    ['Closed', incident.closedAt],
  ] as const;
  return (
    <div className="columns">
      <dl className="facts">
        <dt>Version</dt>
        <dd>
          <Link to="/versions/$id" params={{ id: incident.versionId }}>
            {nameOf(incident.versionId)}
          </Link>
        </dd>
        <dt>Detector</dt>
        <dd>{detectorName(incident.detail.detector)}</dd>
        <dt>Technique (ATLAS)</dt>
        <dd className="mono">{incident.technique}</dd>
        <dt>Shared</dt>
        <dd>
          {shares.length === 0 ? 'not yet' : null}
          {shares.map((share) => (
            <div key={share.id}>
              TLP:{share.tlp.toUpperCase()} <span className="quiet">{when(share.at)}</span>
            </div>
          ))}
        </dd>
      </dl>
      <dl className="facts">
        {times.map(([label, at]) => (
          <Fragment key={label}>
            <dt>{label}</dt>
            <dd>{when(at)}</dd>
          </Fragment>
        ))}
      </dl>
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
      {lines.map((line, i) => {
        const date = day(line.at);
        const former = lines[i - 1];
        const isNewDay = former === undefined || day(former.at) !== date;
        return (
          <li key={`${line.at} ${line.text}`} className={lineTones[line.kind] ?? 'plain'}>
            <time dateTime={line.at}>
              {isNewDay ? <span className="date">{date}</span> : null}
              {clockTime(line.at)}
            </time>
            <span className="dot" aria-hidden="true" />
            <span>
              <span className="kind">{line.kind}</span> {line.text}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Actions({ incident }: { readonly incident: Incident }): ReactNode {
  const may = useMay();
  if (!may('incident.manage')) return null;
  return (
    <div className="row actions">
      {incident.state === 'closed' ? null : <Run id={incident.id} />}
      {incident.state === 'contained' ? <Close id={incident.id} /> : null}
      {incident.state === 'closed' ? <Share id={incident.id} /> : null}
    </div>
  );
}

interface Step {
  readonly step: string;
  readonly name: string;
  readonly ok: boolean;
  readonly text: string;
}

interface Ran {
  readonly playbook: string;
  readonly steps: readonly Step[];
}

const playbooks = [
  ['', 'The one for this kind of incident'],
  ['contain-extraction', 'Contain extraction: revoke the key, tighten the guard, tell people'],
  ['contain-evasion', 'Contain a search for adversarial inputs: the same three'],
  ['contain-drift', 'Contain drift: tighten the guard, tell people'],
  ['tell-people', 'Tell people'],
] as const;

/** Says first what would be done, and does it when that is confirmed. */
function Run({ id }: { readonly id: string }): ReactNode {
  const [planned, setPlanned] = useState<(Ran & { readonly wish: string | null }) | null>(null);
  const run = (playbook: string | null, dryRun: boolean): Promise<Ran> =>
    post<Ran>(`incidents/${id}/run`, { playbook, dryRun });
  return (
    <Ask label="Run a playbook" title="Run a playbook for this incident">
      {(close) =>
        planned === null ? (
          <Form
            submit="Show what it would do"
            send={async ({ playbook = '' }) => {
              const wish = playbook === '' ? null : playbook;
              return { ...(await run(wish, true)), wish };
            }}
            done={setPlanned}
          >
            <Choice label="Playbook" name="playbook" defaultValue="" options={playbooks} />
          </Form>
        ) : (
          <Form
            submit="Run it"
            send={() => run(planned.wish, false)}
            done={() => {
              setPlanned(null);
              close();
            }}
          >
            <ol className="small">
              {planned.steps.map(({ step, name, text }) => (
                <li key={step}>
                  {name}
                  <div className="quiet mono wrap">{text}</div>
                </li>
              ))}
            </ol>
          </Form>
        )
      }
    </Ask>
  );
}

function Close({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Close" title="Close this incident" tone="primary">
      {(close) => (
        <Form
          submit="Close it"
          send={({ comment = '' }) => post(`incidents/${id}/close`, { comment })}
          done={close}
        >
          <LongField label="What was learned" name="comment" />
        </Form>
      )}
    </Ask>
  );
}

function Share({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Share" title="Share as STIX 2.1">
      {(close) => (
        <Form
          submit="Export and download"
          send={({ tlp = 'amber' }) => post<{ bundle: unknown }>(`incidents/${id}/share`, { tlp })}
          done={({ bundle }) => {
            download(`incident-${id}.json`, JSON.stringify(bundle, null, 2));
            close();
          }}
        >
          <Choice
            label="Traffic Light Protocol 2.0"
            name="tlp"
            defaultValue="amber"
            options={[
              ['clear', 'TLP:CLEAR, for everyone'],
              ['green', 'TLP:GREEN, for the community'],
              ['amber', 'TLP:AMBER, for the organisation and its clients'],
              ['amber+strict', 'TLP:AMBER+STRICT, for the organisation'],
              ['red', 'TLP:RED, for those named'],
            ]}
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
