/** The ledger: its proof, and every decision. */
import { type ReactNode, useState } from 'react';
import { useEntries, useLedger } from '../api/queries.ts';
import { when } from '../components/format.ts';
import { Badge, Empty, Loaded } from '../components/state.tsx';

const pageEntries = 50;

/** The page. */
export function LedgerPage(): ReactNode {
  const report = useLedger();
  return (
    <>
      <h1>Ledger</h1>
      <Loaded query={report}>
        {({ valid, size, root, faults, verifierKey }) => (
          <section className="card">
            <div className="row">
              <Badge tone={valid ? 'ok' : 'bad'}>{valid ? 'verified' : 'NOT valid'}</Badge>
              <span>{size} decisions; each is bound to all before it.</span>
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
        )}
      </Loaded>
      {report.data === undefined ? null : <Entries size={report.data.size} />}
    </>
  );
}

function Entries({ size }: { readonly size: number }): ReactNode {
  const last = Math.max(0, Math.ceil(size / pageEntries) - 1);
  const [page, setPage] = useState(last);
  const entries = useEntries(page * pageEntries, pageEntries);
  return (
    <section className="card flush" aria-label="Decisions">
      <div className="card-head">
        <h2>Decisions</h2>
        <div className="row">
          <button type="button" disabled={page === 0} onClick={() => setPage(page - 1)}>
            Older
          </button>
          <span>
            {page + 1} of {last + 1}
          </span>
          <button type="button" disabled={page >= last} onClick={() => setPage(page + 1)}>
            Newer
          </button>
        </div>
      </div>
      <Loaded query={entries}>
        {(found) =>
          found.entries.length === 0 ? (
            <Empty>No decisions yet.</Empty>
          ) : (
            <div className="scroll">
              <table>
                <thead>
                  <tr>
                    <th className="number">#</th>
                    <th>When</th>
                    <th>Who</th>
                    <th>Decision</th>
                    <th>About</th>
                  </tr>
                </thead>
                <tbody>
                  {[...found.entries].reverse().map(({ index, leaf }) => (
                    <Entry key={index} index={index} leaf={leaf} />
                  ))}
                </tbody>
              </table>
            </div>
          )
        }
      </Loaded>
    </section>
  );
}

interface Leaf {
  readonly at: string;
  readonly actor: { readonly name: string; readonly kind: string };
  readonly action: string;
  readonly resource: string;
}

function Entry({ index, leaf }: { readonly index: number; readonly leaf: string }): ReactNode {
  const { at, actor, action, resource } = JSON.parse(leaf) as Leaf;
  return (
    <tr>
      <td className="number">{index}</td>
      <td className="nowrap">{when(at)}</td>
      <td className="nowrap">{actor.name}</td>
      <td className="mono">{action}</td>
      <td className="mono">{resource}</td>
    </tr>
  );
}
