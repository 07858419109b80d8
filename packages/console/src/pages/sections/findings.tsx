/** Findings of a version. */
import type { ReactNode } from 'react';
import type { Facts, Finding, VersionDetail } from '../../api/types.ts';
import { counted } from '../../components/format.ts';
import { Badge, Empty, type Tone } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';
import {
  actionsColumn,
  severityColumn,
  stateColumn,
  titleColumn,
  whatToDoColumn,
} from './finding-columns.tsx';

const columns: readonly Column<Finding>[] = [
  titleColumn,
  severityColumn,
  stateColumn,
  { head: 'Where', kind: 'mono', cell: ({ location }) => placeOf(location) },
  { head: 'Evidence', kind: 'mono', cell: ({ evidence }) => evidence },
  whatToDoColumn,
  actionsColumn,
];

const order = ['critical', 'high', 'medium', 'low', 'note'];

/** The section. */
export function Findings({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { findings, version } = detail;
  const scan = version.steps.find((step) => step.step === 'scan');
  const verdict = scan?.state === 'running' ? 'scan runs' : String(scan?.result.verdict ?? '');
  const worstFirst = [...findings].sort(
    (a, b) => order.indexOf(a.severity) - order.indexOf(b.severity),
  );
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Findings</h2>
        {verdict === '' ? null : <Badge tone={toneOf(verdict)}>{verdict}</Badge>}
      </div>
      {findings.length === 0 ? (
        <Empty>{scan === undefined ? 'The scan has not run.' : scanned(scan.result)}</Empty>
      ) : (
        <Table caption="Findings" columns={columns} rows={worstFirst} rowKey={({ id }) => id} />
      )}
    </section>
  );
}

function toneOf(verdict: string): Tone {
  if (verdict === 'clean') return 'ok';
  return verdict === 'scan runs' ? 'run' : 'bad';
}

function scanned({ files, formats }: Facts): string {
  if (typeof files !== 'number') return 'Nothing was found so far.';
  return `Nothing was found in ${counted(files, 'file')} (${String(formats ?? '')}).`;
}

function placeOf({ path = '', member = '', offset }: Finding['location']): string {
  const inside = member === '' ? '' : `!${member}`;
  return `${path}${inside}${offset === undefined ? '' : ` @${offset}`}`;
}
