/** People of the workspace: invite, see, disable. */
import { type ReactNode, useState } from 'react';
import { post } from '../api/client.ts';
import { usePeople, useSession } from '../api/queries.ts';
import { type roles, useMay } from '../api/roles.ts';
import type { Person } from '../api/types.ts';
import { Ask, Choice, Field, Form, Secret } from '../components/form.tsx';
import { Badge, Empty, Loaded } from '../components/state.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useTitle } from '../components/title.ts';

/** The page. */
export function PeoplePage(): ReactNode {
  useTitle('People');
  const people = usePeople();
  const may = useMay();
  const [link, setLink] = useState<string | null>(null);
  return (
    <>
      <div className="head">
        <h1>People</h1>
        {may('person.invite') ? (
          <div className="row actions">
            <Invite done={setLink} />
          </div>
        ) : null}
      </div>
      {link === null ? null : (
        <section className="note ok stack" aria-label="The new link">
          <strong>Send this link; it works once, for 24 hours, and is not shown again.</strong>
          <Secret text={link} label="One-time link" />
          <div>
            <button type="button" onClick={() => setLink(null)}>
              I have kept it
            </button>
          </div>
        </section>
      )}
      <Loaded query={people}>
        {(list) => (
          <section className="card flush" aria-label="People">
            {list.length === 0 ? (
              <Empty>Nobody is here.</Empty>
            ) : (
              <Table caption="People" columns={columns} rows={list} rowKey={({ id }) => id} />
            )}
          </section>
        )}
      </Loaded>
    </>
  );
}

const columns: readonly Column<Person>[] = [
  { head: 'Name', cell: ({ name }) => name },
  { head: 'E-mail', cell: ({ email }) => email },
  { head: 'Role', cell: ({ role }) => role },
  {
    head: 'Authenticator app',
    cell: ({ secondFactor }) =>
      secondFactor ? <Badge tone="ok">set up</Badge> : <Badge tone="plain">not set up</Badge>,
  },
  {
    head: 'State',
    cell: ({ disabled }) => (
      <Badge tone={disabled ? 'plain' : 'ok'}>{disabled ? 'disabled' : 'active'}</Badge>
    ),
  },
  { head: 'Actions', kind: 'actions', cell: (person) => <Disable person={person} /> },
];

const roleOptions = [
  ['owner', 'owner: everything, people too'],
  ['security', 'security: tests, approves, serves, answers incidents'],
  ['developer', 'developer: brings models in and tests them'],
  ['operator', 'operator: serves, manages keys, answers incidents'],
  ['auditor', 'auditor: sees everything, changes nothing'],
] as const satisfies readonly (readonly [(typeof roles)[number], string])[];

function Invite({ done }: { readonly done: (link: string) => void }): ReactNode {
  return (
    <Ask label="Invite" title="Invite a person" tone="primary">
      {(close) => (
        <Form
          submit="Make a one-time link"
          send={({ role = 'auditor' }) => post<{ link: string }>('invites', { role })}
          done={(answer) => {
            done(answer.link);
            close();
          }}
        >
          <Choice label="Role" name="role" options={roleOptions} defaultValue="developer" />
        </Form>
      )}
    </Ask>
  );
}

function Disable({ person }: { readonly person: Person }): ReactNode {
  const may = useMay();
  const own = useSession().data?.id === person.id;
  if (person.disabled || own || !may('person.disable')) return null;
  return (
    <Ask label="Disable" title={`Disable ${person.name}`} tone="danger">
      {(close) => (
        <Form
          submit="Disable"
          tone="danger"
          send={({ why = '' }) => post(`people/${person.id}/disable`, { why })}
          done={close}
        >
          <p>All sessions end now, and signing in is refused.</p>
          <Field label="Why" name="why" maxLength={200} />
        </Form>
      )}
    </Ask>
  );
}
