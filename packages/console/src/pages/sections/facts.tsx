/** What a version is: its files, where it comes from, what it was made with, who approved it. */
import { Link } from '@tanstack/react-router';
import { Fragment, type ReactNode } from 'react';
import { usePeople, useVersionNames } from '../../api/queries.ts';
import type { VersionDetail } from '../../api/types.ts';
import { bytes, when } from '../../components/format.ts';

/** The section. */
export function FactSheet({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version, files, approvals, signed } = detail;
  const people = usePeople().data ?? [];
  const by = people.find((person) => person.id === version.broughtBy)?.name;
  return (
    <section className="card">
      <h2>Facts</h2>
      <dl className="facts">
        <dt>Files</dt>
        <dd>
          {files.length === 0 ? 'none yet' : null}
          {files.map((file) => (
            <div key={file.path} title={file.digest}>
              {file.path} <span className="quiet">{bytes(file.bytes)}</span>
            </div>
          ))}
        </dd>
        <dt>Brought in</dt>
        <dd>
          {when(version.createdAt)}
          {by === undefined ? null : <span className="quiet"> by {by}</span>}
        </dd>
        <Relations detail={detail} />
        <Retention version={version} />
        <dt>Signature</dt>
        <dd>
          {signed ? (
            <a href={`/api/v1/versions/${version.id}/signature`} download="model.sig">
              OpenSSF Model Signing bundle
            </a>
          ) : (
            'not signed yet'
          )}
        </dd>
        {approvals.map((approval) => (
          <Fragment key={approval.at}>
            <dt>Approved by</dt>
            <dd>
              {approval.userName} <span className="quiet">{when(approval.at)}</span>
              {approval.comment === '' ? null : <div className="quiet">“{approval.comment}”</div>}
            </dd>
          </Fragment>
        ))}
      </dl>
    </section>
  );
}

/** How long its content is kept; nothing where nobody said. */
function Retention({ version }: { readonly version: VersionDetail['version'] }): ReactNode {
  const { retainUntil, destroyedAt } = version;
  if (retainUntil === null && destroyedAt === null) return null;
  return (
    <>
      <dt>Content</dt>
      <dd>
        {destroyedAt === null
          ? `destroyed on ${retainUntil}, UTC`
          : `gone since ${when(destroyedAt)}`}
      </dd>
    </>
  );
}

/** Lineage: parent, child, and data. */
function Relations({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version, data } = detail;
  const nameOf = useVersionNames();
  const hardened = version.steps.find(({ step, state }) => step === 'harden' && state === 'done');
  const childId = hardened?.result.childId;
  const related: [label: string, id: string][] = [];
  if (version.parentId !== null) related.push(['Hardened from', version.parentId]);
  if (typeof childId === 'string') related.push(['Hardened into', childId]);
  for (const { dataVersionId, use } of data) {
    related.push([use === 'train' ? 'Training data' : 'Test data', dataVersionId]);
  }
  return (
    <>
      {related.map(([label, id]) => (
        <Fragment key={label + id}>
          <dt>{label}</dt>
          <dd>
            <Link to="/versions/$id" params={{ id }}>
              {nameOf(id)}
            </Link>
          </dd>
        </Fragment>
      ))}
    </>
  );
}
