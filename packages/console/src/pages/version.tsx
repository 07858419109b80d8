/** A version with everything that is known of it. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useIncidents, useVersion } from '../api/queries.ts';
import type { VersionDetail } from '../api/types.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';
import { useTitle } from '../components/title.ts';
import { IncidentTable } from './incidents.tsx';
import { Actions } from './sections/actions.tsx';
import { Events } from './sections/events.tsx';
import { FactSheet } from './sections/facts.tsx';
import { Findings } from './sections/findings.tsx';
import { Journey } from './sections/journey.tsx';
import { Pictures } from './sections/pictures.tsx';
import { Serving } from './sections/serving.tsx';
import { Verdict } from './sections/verdict.tsx';

/** The page. */
export function VersionPage({ id }: { readonly id: string }): ReactNode {
  const version = useVersion(id);
  if (version.data === undefined && version.isError) {
    return (
      <>
        <h1>Version</h1>
        <Loaded query={version}>{() => null}</Loaded>
        <p>
          <Link to="/">All models</Link>
        </p>
      </>
    );
  }
  return <Loaded query={version}>{(detail) => <Version detail={detail} />}</Loaded>;
}

function Version({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version } = detail;
  const isModel = version.kind === 'model';
  useTitle(`${version.name} v${version.number}`);
  return (
    <>
      <div className="head">
        <h1>
          {version.name} <span className="quiet">v{version.number}</span>
        </h1>
        <Badge tone={version.state === 'complete' ? 'ok' : 'plain'}>{version.state}</Badge>
        <code className="quiet small digest">{version.digest ?? 'no digest while a draft'}</code>
        {isModel ? <Actions detail={detail} /> : null}
      </div>
      <Journey version={version} />
      {isModel ? (
        <div className="columns">
          <Verdict version={version} />
          <FactSheet detail={detail} />
        </div>
      ) : (
        <FactSheet detail={detail} />
      )}
      <Findings detail={detail} />
      {isModel ? (
        <>
          <Pictures detail={detail} />
          <Serving version={version} />
          <Events version={version} />
          <Incidents id={version.id} />
        </>
      ) : null}
    </>
  );
}

function Incidents({ id }: { readonly id: string }): ReactNode {
  const incidents = useIncidents();
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Incidents</h2>
      </div>
      <Loaded query={incidents}>
        {(list) => {
          const own = list.filter((incident) => incident.versionId === id);
          if (own.length === 0) return <Empty>None. Alarms open them by themselves.</Empty>;
          return <IncidentTable incidents={own} />;
        }}
      </Loaded>
    </section>
  );
}
