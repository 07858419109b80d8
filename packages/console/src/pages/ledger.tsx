/** The ledger: its proof, and every decision. */
import { type ReactNode, useState } from 'react';
import { useEntries, useLedger } from '../api/queries.ts';
import { counted, when } from '../components/format.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';
import { type Column, Table } from '../components/table.tsx';
import { useTitle } from '../components/title.ts';

const pageEntries = 50;

/** The page. */
export function LedgerPage(): ReactNode {
  useTitle('Ledger');
  const report = useLedger();
  return (
    <>
      <h1>Ledger</h1>
      <Loaded query={report}>
        {({ valid, size, root, faults, verifierKey }) => (
          <>
            <section className="card" aria-label="Proof">
              <div className="row">
                <Badge tone={valid ? 'ok' : 'bad'}>{valid ? 'verified' : 'NOT valid'}</Badge>
                <span>{counted(size, 'decision')}; each is bound to all before it.</span>
              </div>
              {faults.map((fault) => (
                <p key={fault} className="note bad">
                  {fault}
                </p>
              ))}
              <dl className="facts">
                <dt>Root</dt>
                <dd className="mono">{root}</dd>
                <dt>Verifier key</dt>
                <dd className="mono">{verifierKey}</dd>
              </dl>
            </section>
            <Entries size={size} />
          </>
        )}
      </Loaded>
    </>
  );
}

/** Pages count back from the newest decision, so the first page is always the present. */
function Entries({ size }: { readonly size: number }): ReactNode {
  const [page, setPage] = useState(0);
  const pages = Math.max(1, Math.ceil(size / pageEntries));
  const end = size - page * pageEntries;
  const from = Math.max(0, end - pageEntries);
  const entries = useEntries(from, Math.max(1, end - from));
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Decisions</h2>
        <nav className="row" aria-label="Pages of decisions">
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Newer
          </button>
          <span>
            {page + 1} of {pages}
          </span>
          <button type="button" disabled={page + 1 >= pages} onClick={() => setPage(page + 1)}>
            Older
          </button>
        </nav>
      </div>
      <Loaded query={entries}>
        {(found) =>
          found.entries.length === 0 ? (
            <Empty>No decisions yet.</Empty>
          ) : (
            <Table
              caption="Decisions, newest first"
              columns={columns}
              rows={found.entries.map(decisionOf).reverse()}
              rowKey={({ index }) => String(index)}
            />
          )
        }
      </Loaded>
    </section>
  );
}

interface Decision {
  readonly index: number;
  readonly at: string | null;
  readonly who: string;
  readonly action: string;
  readonly resource: string;
  readonly leaf: string;
}

/** Reads a leaf; one that cannot be read is shown as it is rather than hidden. */
function decisionOf({ index, leaf }: { index: number; leaf: string }): Decision {
  const found = parsed(leaf);
  const text = (value: unknown): string => (typeof value === 'string' ? value : '');
  const actor = (found.actor ?? {}) as { readonly name?: unknown };
  return {
    index,
    at: text(found.at) || null,
    who: text(actor.name),
    action: text(found.action),
    resource: text(found.resource),
    leaf: Object.keys(found).length === 0 ? leaf : JSON.stringify(found, null, 2),
  };
}

function parsed(leaf: string): Readonly<Record<string, unknown>> {
  try {
    const value: unknown = JSON.parse(leaf);
    return typeof value === 'object' && value !== null ? { ...value } : {};
  } catch {
    return {};
  }
}

const columns: readonly Column<Decision>[] = [
  { head: 'Number', kind: 'number', cell: ({ index }) => index },
  { head: 'When', kind: 'nowrap', cell: ({ at }) => when(at) },
  { head: 'Who', kind: 'nowrap', cell: ({ who }) => who },
  { head: 'Decision', kind: 'mono', cell: ({ action }) => action },
  { head: 'About', kind: 'mono', cell: ({ resource }) => resource },
  {
    head: 'Record',
    cell: ({ leaf, index }) => (
      <details>
        <summary>
          leaf <span className="hidden">of decision {index}</span>
        </summary>
        <pre className="leaf">{leaf}</pre>
      </details>
    ),
  },
];
