/** Models with their versions on the track, and the data they were made with. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useData, useDeployments, useJobs, useModels } from '../api/queries.ts';
import type { Artifact, Deployment, Job, Version } from '../api/types.ts';
import { bytes, counted, percent, when } from '../components/format.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useTitle } from '../components/title.ts';
import { shareOf, Track } from '../components/track.tsx';

/** The page. */
export function ModelsPage(): ReactNode {
  useTitle('Models');
  const models = useModels();
  const data = useData();
  const jobs = useJobs();
  const served = useDeployments();
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
              <ModelTable models={list} jobs={jobs.data ?? []} served={served.data ?? []} />
            )}
          </section>
        )}
      </Loaded>
      <h2>Data</h2>
      <Loaded query={data}>
        {(list) => (
          <section className="card flush" aria-label="Data sets">
            {list.length === 0 ? (
              <Empty>
                No data sets yet. Bring one in with <code>merlon data add</code>.
              </Empty>
            ) : (
              <DataTable data={list} jobs={jobs.data ?? []} />
            )}
          </section>
        )}
      </Loaded>
    </>
  );
}

interface Around {
  readonly jobs: readonly Job[];
  readonly served: readonly Deployment[];
}

function ModelTable(props: Around & { readonly models: readonly Artifact[] }): ReactNode {
  return (
    <div className="scroll">
      <table className="models">
        <caption className="hidden">Versions of every model and how far they have come</caption>
        <thead>
          <tr>
            <th scope="col">Model</th>
            <th scope="col">Version</th>
            <th scope="col">Journey</th>
            <th scope="col" className="number">
              Clean
            </th>
            <th scope="col" className="number">
              Robust
            </th>
            <th scope="col">State</th>
          </tr>
        </thead>
        {props.models.map((model) => (
          <ModelGroup key={model.id} model={model} jobs={props.jobs} served={props.served} />
        ))}
      </table>
    </div>
  );
}

function ModelGroup(props: Around & { readonly model: Artifact }): ReactNode {
  const { model } = props;
  const family = familyOf(model.versions);
  return (
    <tbody>
      {family.map(({ version, depth }, i) => (
        <tr key={version.id}>
          {i === 0 ? (
            <th scope="rowgroup" rowSpan={family.length}>
              {model.name}
              {family.length > 1 ? (
                <span className="quiet small">{counted(family.length, 'version')}</span>
              ) : null}
            </th>
          ) : null}
          <VersionCells
            version={version}
            depth={depth}
            parent={model.versions.find((each) => each.id === version.parentId)}
            jobs={props.jobs.filter((job) => job.versionId === version.id)}
            served={props.served.filter(
              (each) => each.versionId === version.id && each.state === 'active',
            )}
          />
        </tr>
      ))}
    </tbody>
  );
}

interface Placed {
  readonly version: Version;
  /** How many hardenings lie between this version and the one that was brought in. */
  readonly depth: number;
}

/** Versions in order, each followed by those that were hardened from it. */
function familyOf(versions: readonly Version[]): Placed[] {
  const known = new Set(versions.map(({ id }) => id));
  const under = (parentId: string | null, depth: number): Placed[] =>
    versions
      .filter((each) => (known.has(each.parentId ?? '') ? each.parentId : null) === parentId)
      .flatMap((version) => [{ version, depth }, ...under(version.id, depth + 1)]);
  return under(null, 0);
}

function VersionCells(
  props: Around & {
    readonly version: Version;
    readonly depth: number;
    readonly parent: Version | undefined;
  },
): ReactNode {
  const { version, parent } = props;
  const assessed = version.steps.find((step) => step.step === 'assess' && step.state === 'done');
  return (
    <>
      <td className="nowrap version" style={{ paddingLeft: `${12 + 16 * props.depth}px` }}>
        {parent === undefined ? null : (
          <span className="quiet" aria-hidden="true">
            ↳{' '}
          </span>
        )}
        <Link
          to="/versions/$id"
          params={{ id: version.id }}
          aria-label={`${version.name} v${version.number}`}
        >
          v{version.number}
        </Link>
        {parent === undefined ? null : (
          <span className="quiet small"> hardened from v{parent.number}</span>
        )}
      </td>
      <td className="journey">
        <Track steps={version.steps} jobs={props.jobs} kind="model" />
      </td>
      <td className="number" data-label="clean">
        {percent(assessed?.result.cleanAccuracy)}
      </td>
      <td className="number" data-label="robust">
        {percent(assessed?.result.robustAccuracy)}
      </td>
      <td className="state">
        <StateBadge version={version} jobs={props.jobs} served={props.served.length > 0} />
      </td>
    </>
  );
}

function StateBadge(props: {
  readonly version: Version;
  readonly jobs: readonly Job[];
  readonly served: boolean;
}): ReactNode {
  const { version, served } = props;
  const isDone = (name: string): boolean =>
    version.steps.some((step) => step.step === name && step.state === 'done');
  if (version.state === 'retired') return <Badge tone="plain">retired</Badge>;
  const running = props.jobs.find((job) => job.state === 'running');
  if (running !== undefined) {
    const share = `${Math.round(100 * shareOf(running))} %`;
    return <Badge tone="run">{`${running.kind} ${share}`}</Badge>;
  }
  const refused = version.steps.find((step) => step.state === 'refused' || step.state === 'failed');
  if (refused !== undefined) return <Badge tone="bad">{`${refused.step} ${refused.state}`}</Badge>;
  if (served) return <Badge tone="ok">served</Badge>;
  if (isDone('approve')) return <Badge tone="ok">approved</Badge>;
  if (version.state === 'complete' && isDone('seal')) {
    // Sealing is where data arrives; a model has more to come.
    return <Badge tone={version.kind === 'data' ? 'ok' : 'plain'}>sealed</Badge>;
  }
  return <Badge tone="plain">{version.state}</Badge>;
}

function DataTable(props: {
  readonly data: readonly Artifact[];
  readonly jobs: readonly Job[];
}): ReactNode {
  const columns: readonly Column<Version>[] = [
    { head: 'Name', cell: ({ name }) => name },
    {
      head: 'Version',
      cell: ({ id, name, number }) => (
        <Link to="/versions/$id" params={{ id }} aria-label={`${name} v${number}`}>
          v{number}
        </Link>
      ),
    },
    { head: 'Size', kind: 'number', cell: (version) => bytes(version.bytes) },
    { head: 'Brought in', kind: 'nowrap', cell: ({ createdAt }) => when(createdAt) },
    {
      head: 'State',
      cell: (version) => (
        <StateBadge
          version={version}
          jobs={props.jobs.filter((job) => job.versionId === version.id)}
          served={false}
        />
      ),
    },
  ];
  return (
    <Table
      caption="Data sets"
      columns={columns}
      rows={props.data.flatMap(({ versions }) => versions)}
      rowKey={({ id }) => id}
    />
  );
}
