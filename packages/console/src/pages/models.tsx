/** Models with their versions on the track, and the data they were made with. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useData, useDeployments, useJobs, useModels } from '../api/queries.ts';
import type { Artifact, Deployment, Job, Version } from '../api/types.ts';
import { bytes, percent, when } from '../components/format.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';
import { Track } from '../components/track.tsx';

/** The page. */
export function ModelsPage(): ReactNode {
  const models = useModels();
  const data = useData();
  const jobs = useJobs().data ?? [];
  const served = useDeployments().data ?? [];
  return (
    <>
      <h1>Models</h1>
      <Loaded query={models}>
        {(list) => (
          <section className="card flush" aria-label="Models">
            {list.length === 0 ? (
              <Empty>
                No models yet. Bring one in with <code>merlon model add</code>, or take the tour.
              </Empty>
            ) : (
              <ModelTable models={list} jobs={jobs} served={served} />
            )}
          </section>
        )}
      </Loaded>
      <h2>Data</h2>
      <Loaded query={data}>
        {(list) => (
          <section className="card flush" aria-label="Data sets">
            {list.length === 0 ? <Empty>No data sets yet.</Empty> : <DataTable data={list} />}
          </section>
        )}
      </Loaded>
    </>
  );
}

function ModelTable(props: {
  readonly models: readonly Artifact[];
  readonly jobs: readonly Job[];
  readonly served: readonly Deployment[];
}): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Model</th>
            <th>Version</th>
            <th>Journey</th>
            <th className="number">Clean</th>
            <th className="number">Robust</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {props.models.flatMap((model) =>
            model.versions.map((version) => (
              <ModelRow
                key={version.id}
                version={version}
                parent={model.versions.find((each) => each.id === version.parentId)}
                jobs={props.jobs.filter((job) => job.versionId === version.id)}
                served={props.served.some(
                  (each) => each.versionId === version.id && each.state === 'active',
                )}
              />
            )),
          )}
        </tbody>
      </table>
    </div>
  );
}

function ModelRow(props: {
  readonly version: Version;
  readonly parent: Version | undefined;
  readonly jobs: readonly Job[];
  readonly served: boolean;
}): ReactNode {
  const { version, parent } = props;
  const assessed = version.steps.find((step) => step.step === 'assess' && step.state === 'done');
  return (
    <tr>
      <td>
        <strong>{version.name}</strong>
      </td>
      <td className="nowrap">
        <Link to="/versions/$id" params={{ id: version.id }}>
          v{version.number}
        </Link>
        {parent === undefined ? null : (
          <span className="quiet small"> hardened from v{parent.number}</span>
        )}
      </td>
      <td>
        <Track steps={version.steps} jobs={props.jobs} />
      </td>
      <td className="number">{percent(assessed?.result.cleanAccuracy)}</td>
      <td className="number">{percent(assessed?.result.robustAccuracy)}</td>
      <td>
        <StateBadge version={version} served={props.served} />
      </td>
    </tr>
  );
}

function StateBadge(props: { readonly version: Version; readonly served: boolean }): ReactNode {
  const { version, served } = props;
  if (version.state === 'retired') return <Badge tone="plain">retired</Badge>;
  const refused = version.steps.find((step) => step.state === 'refused' || step.state === 'failed');
  if (refused !== undefined) return <Badge tone="bad">{`${refused.step} ${refused.state}`}</Badge>;
  if (served) return <Badge tone="ok">served</Badge>;
  if (version.steps.some((step) => step.step === 'approve' && step.state === 'done')) {
    return <Badge tone="ok">approved</Badge>;
  }
  return <Badge tone="plain">{version.state}</Badge>;
}

function DataTable({ data }: { readonly data: readonly Artifact[] }): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Name</th>
            <th>Version</th>
            <th className="number">Size</th>
            <th>Brought in</th>
            <th>State</th>
          </tr>
        </thead>
        <tbody>
          {data.flatMap(({ versions }) =>
            versions.map((version) => (
              <tr key={version.id}>
                <td>{version.name}</td>
                <td>
                  <Link to="/versions/$id" params={{ id: version.id }}>
                    v{version.number}
                  </Link>
                </td>
                <td className="number">{bytes(version.bytes)}</td>
                <td className="nowrap">{when(version.createdAt)}</td>
                <td>
                  {version.steps.some((step) => step.step === 'seal' && step.state === 'done') ? (
                    <Badge tone="ok">sealed</Badge>
                  ) : (
                    <StateBadge version={version} served={false} />
                  )}
                </td>
              </tr>
            )),
          )}
        </tbody>
      </table>
    </div>
  );
}
