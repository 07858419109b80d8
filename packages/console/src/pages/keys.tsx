/** API keys: make, show once, revoke. */
import { type ReactNode, useState } from 'react';
import { post } from '../api/client.ts';
import { useKeys } from '../api/queries.ts';
import { roles, useMay } from '../api/roles.ts';
import type { ApiKey } from '../api/types.ts';
import { Ask, Choice, Field, Form, Secret } from '../components/form.tsx';
import { when } from '../components/format.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useTitle } from '../components/title.ts';

/** The page. */
export function KeysPage(): ReactNode {
  useTitle('API keys');
  const keys = useKeys();
  const may = useMay();
  const [fresh, setFresh] = useState<string | null>(null);
  return (
    <>
      <div className="head">
        <h1>API keys</h1>
        {may('key.create') ? (
          <div className="row actions">
            <NewKey done={setFresh} />
          </div>
        ) : null}
      </div>
      {fresh === null ? null : (
        <section className="note ok stack" aria-label="The new key">
          <strong>This is the only time that the key is shown.</strong>
          <Secret text={fresh} label="API key" rows={1} />
          <div>
            <button type="button" onClick={() => setFresh(null)}>
              I have kept it
            </button>
          </div>
        </section>
      )}
      <Loaded query={keys}>
        {(list) => (
          <section className="card flush" aria-label="Keys">
            {list.length === 0 ? (
              <Empty>No keys yet. Served models answer only to keys.</Empty>
            ) : (
              <Table caption="Keys" columns={columns} rows={list} rowKey={({ id }) => id} />
            )}
          </section>
        )}
      </Loaded>
    </>
  );
}

const columns: readonly Column<ApiKey>[] = [
  { head: 'Name', cell: ({ name }) => name },
  { head: 'Key', kind: 'mono', cell: ({ prefix }) => `${prefix}…` },
  {
    head: 'Scope',
    cell: ({ scope, role }) => (scope === 'platform' ? `platform, as ${role}` : scope),
  },
  { head: 'Rows a day', kind: 'number', cell: ({ budgetRows }) => budgetRows.toLocaleString() },
  { head: 'Made', kind: 'nowrap', cell: ({ createdAt }) => when(createdAt) },
  { head: 'State', cell: (key) => <KeyState apiKey={key} /> },
  { head: 'Actions', kind: 'actions', cell: (key) => <Revoke apiKey={key} /> },
];

function KeyState({ apiKey }: { readonly apiKey: ApiKey }): ReactNode {
  if (apiKey.revokedAt === null) return <Badge tone="ok">valid</Badge>;
  return (
    <>
      <Badge tone="bad">revoked</Badge>
      <div className="quiet small">
        {when(apiKey.revokedAt)}
        {apiKey.revokedWhy === null || apiKey.revokedWhy === '' ? '' : `: ${apiKey.revokedWhy}`}
      </div>
    </>
  );
}

function NewKey({ done }: { readonly done: (key: string) => void }): ReactNode {
  return (
    <Ask label="New key" title="New API key" tone="primary">
      {(close) => (
        <Form
          submit="Make the key"
          send={({ name = '', scope = '', role = '', budgetRows = '' }) =>
            post<{ key: string }>('keys', { name, scope, role, budgetRows: Number(budgetRows) })
          }
          done={({ key }) => {
            done(key);
            close();
          }}
        >
          <Field label="Name" name="name" maxLength={100} hint="Who or what will use it." />
          <Choice
            label="Scope"
            name="scope"
            options={[
              ['inference', 'inference: asks served models'],
              ['platform', 'platform: uses the API and the command line'],
            ]}
          />
          <Choice
            label="Role"
            name="role"
            options={roles}
            defaultValue="developer"
            hint="What a platform key may do; inference keys only ask."
          />
          <Field
            label="Budget, rows a day"
            name="budgetRows"
            type="number"
            min={1}
            max={1_000_000_000}
            defaultValue="100000"
          />
        </Form>
      )}
    </Ask>
  );
}

function Revoke({ apiKey }: { readonly apiKey: ApiKey }): ReactNode {
  const may = useMay();
  if (apiKey.revokedAt !== null || !may('key.revoke')) return null;
  return (
    <Ask label="Revoke" title={`Revoke "${apiKey.name}"`} tone="danger">
      {(close) => (
        <Form
          submit="Revoke it"
          tone="danger"
          send={({ why = '' }) => post(`keys/${apiKey.id}/revoke`, { why })}
          done={close}
        >
          <p>Requests with this key are refused from the next one on.</p>
          <Field label="Why" name="why" maxLength={200} />
        </Form>
      )}
    </Ask>
  );
}
