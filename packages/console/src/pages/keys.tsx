/** API keys: make, show once, revoke. */
import { type ReactNode, useState } from 'react';
import { post } from '../api/client.ts';
import { useKeys } from '../api/queries.ts';
import type { ApiKey } from '../api/types.ts';
import { Ask, Choice, Field, Form, Secret } from '../components/form.tsx';
import { when } from '../components/format.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';

/** The page. */
export function KeysPage(): ReactNode {
  const keys = useKeys();
  const [fresh, setFresh] = useState<string | null>(null);
  return (
    <>
      <div className="head">
        <h1>API keys</h1>
        <NewKey done={setFresh} />
      </div>
      {fresh === null ? null : (
        <section className="note ok stack">
          <strong>This is the only time that the key is shown.</strong>
          <Secret text={fresh} label="API key" />
        </section>
      )}
      <Loaded query={keys}>
        {(list) => (
          <section className="card flush" aria-label="Keys">
            {list.length === 0 ? (
              <Empty>No keys yet. Served models answer only to keys.</Empty>
            ) : (
              <KeyTable keys={list} />
            )}
          </section>
        )}
      </Loaded>
    </>
  );
}

function NewKey({ done }: { readonly done: (key: string) => void }): ReactNode {
  return (
    <Ask label="New key" title="New API key">
      {(close) => (
        <Form
          submit="Make the key"
          send={({ name = '', scope = '', budgetRows = '' }) =>
            post<{ key: string }>('keys', { name, scope, budgetRows: Number(budgetRows) })
          }
          done={({ key }) => {
            done(key);
            close();
          }}
        >
          <Field label="Name" name="name" hint="Who or what will use it." />
          <Choice label="Scope" name="scope" options={['inference', 'platform']} />
          <Field
            label="Budget, rows a day"
            name="budgetRows"
            type="number"
            min={1}
            defaultValue="100000"
          />
        </Form>
      )}
    </Ask>
  );
}

function KeyTable({ keys }: { readonly keys: readonly ApiKey[] }): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Name</th>
            <th>Key</th>
            <th>Scope</th>
            <th className="number">Rows a day</th>
            <th>Made</th>
            <th>State</th>
            <th>
              <span className="hidden">Actions</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {keys.map((key) => (
            <tr key={key.id}>
              <td>{key.name}</td>
              <td className="mono">{key.prefix}…</td>
              <td>{key.scope}</td>
              <td className="number">{key.budgetRows.toLocaleString()}</td>
              <td className="nowrap">{when(key.createdAt)}</td>
              <td>
                {key.revokedAt === null ? (
                  <Badge tone="ok">valid</Badge>
                ) : (
                  <>
                    <Badge tone="bad">revoked</Badge>
                    <span className="quiet small"> {key.revokedWhy}</span>
                  </>
                )}
              </td>
              <td>{key.revokedAt === null ? <Revoke apiKey={key} /> : null}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Revoke({ apiKey }: { readonly apiKey: ApiKey }): ReactNode {
  return (
    <Ask label="Revoke" title={`Revoke "${apiKey.name}"`} danger>
      {(close) => (
        <Form
          submit="Revoke it"
          danger
          send={({ why = '' }) => post(`keys/${apiKey.id}/revoke`, { why })}
          done={close}
        >
          <p>Requests with this key are refused from the next one on.</p>
          <Field label="Why" name="why" />
        </Form>
      )}
    </Ask>
  );
}
