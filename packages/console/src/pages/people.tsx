/** People of the workspace: invite, see, disable. */
import { type ReactNode, useState } from 'react';
import { post } from '../api/client.ts';
import { usePeople } from '../api/queries.ts';
import type { Person } from '../api/types.ts';
import { Ask, Choice, Field, Form, Secret } from '../components/form.tsx';
import { Badge, Empty, Loaded } from '../components/state.tsx';

const roles = ['owner', 'security', 'developer', 'operator', 'auditor'] as const;

/** The page. */
export function PeoplePage(): ReactNode {
  const people = usePeople();
  const [link, setLink] = useState<string | null>(null);
  return (
    <>
      <div className="head">
        <h1>People</h1>
        <Ask label="Invite" title="Invite a person">
          {(close) => (
            <Form
              submit="Make a one-time link"
              send={({ role = 'auditor' }) => post<{ link: string }>('invites', { role })}
              done={(answer) => {
                setLink(answer.link);
                close();
              }}
            >
              <Choice label="Role" name="role" options={roles} defaultValue="developer" />
            </Form>
          )}
        </Ask>
      </div>
      {link === null ? null : (
        <section className="note ok stack">
          <strong>Send this link; it works once, for 24 hours.</strong>
          <Secret text={link} label="One-time link" />
        </section>
      )}
      <Loaded query={people}>
        {(list) => (
          <section className="card flush" aria-label="People">
            {list.length === 0 ? <Empty>Nobody is here.</Empty> : <PeopleTable people={list} />}
          </section>
        )}
      </Loaded>
    </>
  );
}

function PeopleTable({ people }: { readonly people: readonly Person[] }): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Name</th>
            <th>E-mail</th>
            <th>Role</th>
            <th>Second factor</th>
            <th>State</th>
            <th>
              <span className="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {people.map((person) => (
            <tr key={person.id}>
              <td>{person.name}</td>
              <td>{person.email}</td>
              <td>{person.role}</td>
              <td>
                {person.secondFactor ? (
                  <Badge tone="ok">set up</Badge>
                ) : (
                  <Badge tone="warn">missing</Badge>
                )}
              </td>
              <td>
                {person.disabled ? (
                  <Badge tone="plain">disabled</Badge>
                ) : (
                  <Badge tone="ok">active</Badge>
                )}
              </td>
              <td>{person.disabled ? null : <Disable person={person} />}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Disable({ person }: { readonly person: Person }): ReactNode {
  return (
    <Ask label="Disable" title={`Disable ${person.name}`} danger>
      {(close) => (
        <Form
          submit="Disable"
          danger
          send={({ why = '' }) => post(`people/${person.id}/disable`, { why })}
          done={close}
        >
          <p>All sessions end now, and signing in is refused.</p>
          <Field label="Why" name="why" />
        </Form>
      )}
    </Ask>
  );
}
