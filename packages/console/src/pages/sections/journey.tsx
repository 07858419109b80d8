/** Where a version stands: its track, what runs now, what failed, and what its approval lacks. */
import type { ReactNode } from 'react';
import { post } from '../../api/client.ts';
import { useApproval, useJobs, useSession } from '../../api/queries.ts';
import { useMay } from '../../api/roles.ts';
import type { Job, Version } from '../../api/types.ts';
import { Ask, Form } from '../../components/form.tsx';
import { Loaded, Meter } from '../../components/state.tsx';
import { shareOf, Track } from '../../components/track.tsx';

/** The section. */
export function Journey({ version }: { readonly version: Version }): ReactNode {
  const jobs = useJobs();
  return (
    <section className="card" aria-label="Journey">
      <Loaded query={jobs}>
        {(all) => {
          const own = all.filter((job) => job.versionId === version.id);
          return (
            <>
              <Track steps={version.steps} jobs={own} kind={version.kind} />
              {latestOfEachKind(own).map((job) => (
                <JobLine key={job.id} job={job} />
              ))}
            </>
          );
        }}
      </Loaded>
      {version.steps
        .filter((step) => step.state === 'refused')
        .map((step) => (
          <p key={step.step} className="note bad">
            The step “{step.step}” refused this version
            {typeof step.result.verdict === 'string' ? `: it is ${step.result.verdict}.` : '.'}
          </p>
        ))}
      {version.kind === 'model' ? <Approval version={version} /> : null}
    </section>
  );
}

/** Older jobs of a kind are history: a failure that was mended is no news. */
function latestOfEachKind(jobs: readonly Job[]): Job[] {
  return [...new Map(jobs.map((job) => [job.kind, job])).values()];
}

function JobLine({ job }: { readonly job: Job }): ReactNode {
  const may = useMay();
  if (job.state === 'failed') {
    return (
      <p className="note bad">
        {job.kind} failed: {job.error ?? 'nothing more is known'}
      </p>
    );
  }
  if (job.state !== 'running' && job.state !== 'queued') return null;
  const { label = '', done = 0, total = 0 } = job.progress;
  const told = total > 0 ? `${done.toLocaleString()} of ${total.toLocaleString()}` : '';
  return (
    <div className="job">
      <strong>{job.kind}</strong>
      <Meter share={shareOf(job)} tone="run" />
      <span className="quiet">
        {job.state === 'queued' ? 'waits for its turn' : [label, told].filter(Boolean).join(', ')}
      </span>
      {may('job.cancel') ? <Cancel job={job} /> : null}
    </div>
  );
}

function Cancel({ job }: { readonly job: Job }): ReactNode {
  return (
    <Ask label="Stop" title={`Stop "${job.kind}"`}>
      {(close) => (
        <Form
          submit="Stop it"
          tone="danger"
          send={() => post(`jobs/${job.id}/cancel`)}
          done={close}
        >
          <p>What it has done so far is thrown away. It can be started again.</p>
        </Form>
      )}
    </Ask>
  );
}

function Approval({ version }: { readonly version: Version }): ReactNode {
  const approval = useApproval(version.id);
  const own = useSession().data?.id === version.broughtBy;
  return (
    <Loaded query={approval}>
      {({ approved, unmet }) =>
        approved ? (
          <p className="note ok">Approved: it may be served.</p>
        ) : (
          <div className="note warn">
            <strong>Not approved yet:</strong>
            <ul>
              {unmet.map((reason) => (
                <li key={reason}>{reason}</li>
              ))}
            </ul>
            {own ? <p>You brought it in, so somebody else must approve it.</p> : null}
          </div>
        )
      }
    </Loaded>
  );
}
