/** A version with everything that is known of it. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useApproval, useIncidents, useJobs, useVersion } from '../api/queries.ts';
import type { VersionDetail } from '../api/types.ts';
import { bytes, when } from '../components/format.ts';
import { Badge, Loaded } from '../components/state.tsx';
import { Track } from '../components/track.tsx';
import { IncidentTable } from './incidents.tsx';
import { Actions } from './sections/actions.tsx';
import { Events } from './sections/events.tsx';
import { Findings } from './sections/findings.tsx';
import { Pictures } from './sections/pictures.tsx';
import { Serving } from './sections/serving.tsx';
import { Verdict } from './sections/verdict.tsx';

/** The page. */
export function VersionPage({ id }: { readonly id: string }): ReactNode {
  const version = useVersion(id);
  return <Loaded query={version}>{(detail) => <Version detail={detail} />}</Loaded>;
}

function Version({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version } = detail;
  const jobs = (useJobs().data ?? []).filter((job) => job.versionId === version.id);
  const isModel = version.kind === 'model';
  return (
    <>
      <div className="head">
        <h1>
          {version.name} <span className="quiet">v{version.number}</span>
        </h1>
        <Badge tone={version.state === 'complete' ? 'ok' : 'plain'}>{version.state}</Badge>
        {isModel ? <Actions detail={detail} /> : null}
      </div>
      <section className="card" aria-label="Journey">
        <Track steps={version.steps} jobs={jobs} />
        {jobs.map((job) =>
          job.state === 'failed' ? (
            <p key={job.id} className="note bad">
              {job.kind} failed: {job.error}
            </p>
          ) : null,
        )}
        {isModel ? <Approval id={version.id} /> : null}
      </section>
      <div className="columns">
        <Facts detail={detail} />
        {isModel ? <Verdict version={version} /> : null}
      </div>
      <Findings detail={detail} />
      {detail.pictures.length > 0 ? <Pictures detail={detail} /> : null}
      {isModel ? <Serving version={version} /> : null}
      {isModel ? <Events version={version} /> : null}
      {isModel ? <Incidents id={version.id} /> : null}
    </>
  );
}

function Approval({ id }: { readonly id: string }): ReactNode {
  const { data } = useApproval(id);
  if (data === undefined) return null;
  if (data.approved) return <p className="note ok">Approved: it may be served.</p>;
  return (
    <div className="note warn">
      Not approved yet:
      <ul>
        {data.unmet.map((reason) => (
          <li key={reason}>{reason}</li>
        ))}
      </ul>
    </div>
  );
}

function Facts({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version, files, approvals, data, signed } = detail;
  return (
    <section className="card">
      <h2>Facts</h2>
      <dl className="facts">
        <dt>Digest</dt>
        <dd className="mono">{version.digest ?? 'not complete'}</dd>
        <dt>Files</dt>
        <dd>
          {files.map((file) => (
            <div key={file.path}>
              {file.path} <span className="quiet">{bytes(file.bytes)}</span>
            </div>
          ))}
        </dd>
        <dt>Brought in</dt>
        <dd>{when(version.createdAt)}</dd>
        {version.parentId === null ? null : (
          <>
            <dt>Hardened from</dt>
            <dd>
              <Link to="/versions/$id" params={{ id: version.parentId }}>
                its parent version
              </Link>
            </dd>
          </>
        )}
        {data.map(({ dataVersionId, use }) => (
          <div key={use} style={{ display: 'contents' }}>
            <dt>{use === 'train' ? 'Training data' : 'Test data'}</dt>
            <dd>
              <Link to="/versions/$id" params={{ id: dataVersionId }}>
                see the data
              </Link>
            </dd>
          </div>
        ))}
        <dt>Signature</dt>
        <dd>
          {signed ? (
            <a href={`/api/v1/versions/${version.id}/signature`}>OpenSSF Model Signing bundle</a>
          ) : (
            'not signed yet'
          )}
        </dd>
        {approvals.map((approval) => (
          <div key={approval.at} style={{ display: 'contents' }}>
            <dt>Approved by</dt>
            <dd>
              {approval.userName}, {when(approval.at)}
              <div className="quiet">{approval.comment}</div>
            </dd>
          </div>
        ))}
      </dl>
    </section>
  );
}

function Incidents({ id }: { readonly id: string }): ReactNode {
  const own = (useIncidents().data ?? []).filter((incident) => incident.versionId === id);
  if (own.length === 0) return null;
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Incidents</h2>
      </div>
      <IncidentTable incidents={own} />
    </section>
  );
}
