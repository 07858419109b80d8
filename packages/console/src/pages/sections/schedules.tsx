/** Scheduled work: when everything is audited, every object read, and retention ended. */
import type { ReactNode } from 'react';
import { ask, post } from '../../api/client.ts';
import { useSchedules } from '../../api/queries.ts';
import { useMay } from '../../api/roles.ts';
import type { Facts, ScheduledTask } from '../../api/types.ts';
import { Ask, Field, Form } from '../../components/form.tsx';
import { when } from '../../components/format.ts';
import { Loaded } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';

const does = {
  audit: 'Scan every version anew, and assess those that were assessed',
  scrub: 'Read every sealed object, and repair what a copy can repair',
  retention: 'Destroy the keys of versions that are past their day of retention',
} as const;

const columns: readonly Column<ScheduledTask>[] = [
  {
    head: 'What',
    cell: ({ name }) => (
      <>
        {does[name]}
        <div className="quiet small">{name}</div>
      </>
    ),
  },
  { head: 'When (cron, UTC)', kind: 'mono', cell: ({ cron }) => cron ?? 'never' },
  { head: 'Next', kind: 'nowrap', cell: ({ next, runs }) => (runs ? 'now' : when(next)) },
  {
    head: 'Last',
    cell: ({ last }) => (
      <>
        {when(last?.at ?? null)}
        {last === null ? null : <div className="quiet small">{told(last.result)}</div>}
      </>
    ),
  },
  { head: 'Actions', kind: 'actions', cell: (task) => <Decide task={task} /> },
];

/** The section. */
export function Schedules(): ReactNode {
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Scheduled</h2>
      </div>
      <Loaded query={useSchedules()}>
        {(tasks) => (
          <Table caption="Scheduled" columns={columns} rows={tasks} rowKey={({ name }) => name} />
        )}
      </Loaded>
    </section>
  );
}

function told(result: Facts): string {
  return Object.entries(result)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
}

function Decide({ task }: { readonly task: ScheduledTask }): ReactNode {
  const may = useMay();
  if (!may('incident.manage')) return null;
  const path = `schedules/${task.name}`;
  return (
    <div className="row">
      <Ask label="Run now" title={does[task.name]}>
        {(close) => (
          <Form submit="Run now" send={() => post(`${path}/run`)} done={close}>
            <p>It is done beside everything else; large estates take their time.</p>
          </Form>
        )}
      </Ask>
      <Ask label="Change" title="Say when it is done">
        {(close) => (
          <Form
            submit="Change"
            send={({ cron = '' }) =>
              ask('PUT', `/api/v1/${path}`, { cron: cron.trim() === '' ? null : cron.trim() })
            }
            done={close}
          >
            <Field
              label="Cron expression"
              name="cron"
              required={false}
              defaultValue={task.cron ?? ''}
              hint="Minute, hour, day of the month, month, day of the week, in UTC. Empty: never."
            />
          </Form>
        )}
      </Ask>
    </div>
  );
}
