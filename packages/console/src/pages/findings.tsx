/** Findings of all models and data: what stands, what somebody lives with, what is gone. */
import { Link } from '@tanstack/react-router';
import type { ReactNode } from 'react';
import { useFindings } from '../api/queries.ts';
import type { EstateFinding } from '../api/types.ts';
import { when } from '../components/format.ts';
import { Empty, Loaded } from '../components/state.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useTitle } from '../components/title.ts';
import {
  actionsColumn,
  severityColumn,
  stateColumn,
  titleColumn,
  whatToDoColumn,
} from './sections/finding-columns.tsx';
import { Schedules } from './sections/schedules.tsx';

const columns: readonly Column<EstateFinding>[] = [
  titleColumn,
  severityColumn,
  {
    head: 'Last seen in',
    kind: 'nowrap',
    cell: ({ model, number, versionId }) => (
      <Link to="/versions/$id" params={{ id: versionId }}>
        {model} v{number}
      </Link>
    ),
  },
  {
    ...stateColumn,
    cell: (finding) => (
      <>
        {stateColumn.cell(finding)}
        {finding.verifiedIn === null ? null : (
          <div className="quiet small">not in v{finding.verifiedIn}</div>
        )}
      </>
    ),
  },
  { head: 'First seen', kind: 'nowrap', cell: ({ createdAt }) => when(createdAt) },
  whatToDoColumn,
  actionsColumn,
];

/** The page. */
export function FindingsPage(): ReactNode {
  useTitle('Findings');
  return (
    <>
      <h1>Findings</h1>
      <Loaded query={useFindings()}>
        {(findings) => (
          <section className="card flush" aria-label="Findings">
            {findings.length === 0 ? (
              <Empty>
                Nothing was found so far. Scans and assessments put here what they find.
              </Empty>
            ) : (
              <Table caption="Findings" columns={columns} rows={findings} rowKey={({ id }) => id} />
            )}
          </section>
        )}
      </Loaded>
      <Schedules />
    </>
  );
}
