/** What tables of findings show, and what a person can decide about one. */
import type { ReactNode } from 'react';
import { post } from '../../api/client.ts';
import { useSession } from '../../api/queries.ts';
import { useMay } from '../../api/roles.ts';
import type { Finding } from '../../api/types.ts';
import { Ask, CodeField, Field, Form } from '../../components/form.tsx';
import { Badge, severityTone } from '../../components/state.tsx';
import type { Column } from '../../components/table.tsx';

/** What was found. */
export const titleColumn: Column<Finding> = {
  head: 'Finding',
  cell: ({ title, rule }) => (
    <>
      {title}
      <div className="quiet small">{rule}</div>
    </>
  ),
};

/** How bad it is. */
export const severityColumn: Column<Finding> = {
  head: 'Severity',
  cell: ({ severity }) => <Badge tone={severityTone(severity)}>{severity}</Badge>,
};

const tones = { open: 'bad', accepted: 'warn', fixed: 'run', verified: 'ok' } as const;

/** Where it stands; an accepted one with who lives with it, until when and why. */
export const stateColumn: Column<Finding> = {
  head: 'State',
  cell: ({ state, acceptance }) => (
    <>
      <Badge tone={tones[state]}>{state}</Badge>
      {acceptance === null ? null : (
        <div className="quiet small">
          until {acceptance.until.slice(0, 10)} by {acceptance.byName}: {acceptance.why}
        </div>
      )}
    </>
  ),
};

/** The way out. */
export const whatToDoColumn: Column<Finding> = { head: 'What to do', cell: ({ fix }) => fix };

/** What a person can decide, by role; the platform decides anew. */
export const actionsColumn: Column<Finding> = {
  head: 'Actions',
  kind: 'actions',
  cell: (finding) => <Decide finding={finding} />,
};

function Decide({ finding }: { readonly finding: Finding }): ReactNode {
  const may = useMay();
  const { state, broughtBy } = finding;
  const own = useSession().data?.id === broughtBy;
  if (state === 'verified') return null;
  return (
    <div className="row">
      {may('finding.accept') && state !== 'accepted' && !own ? <Accept finding={finding} /> : null}
      {may('finding.update') && state === 'open' ? <Update finding={finding} kind="fixed" /> : null}
      {may('finding.update') && state !== 'open' ? (
        <Update finding={finding} kind="reopen" />
      ) : null}
    </div>
  );
}

const monthMs = 30 * 86_400_000;

function Accept({ finding }: { readonly finding: Finding }): ReactNode {
  const { id, versionId } = finding;
  const dayOf = (ms: number): string => new Date(ms).toISOString().slice(0, 10);
  return (
    <Ask label="Accept" title="Live with this finding for a while">
      {(close) => (
        <Form
          submit="Accept"
          send={({ why = '', until = '', code = '' }) =>
            post(`findings/${id}/accept`, { why, until, code, versionId })
          }
          done={close}
        >
          <p>
            It holds for these very bytes, until the day that you name. Your name goes into the
            ledger.
          </p>
          <Field label="Why" name="why" minLength={3} maxLength={2000} />
          <Field
            label="Until"
            name="until"
            type="date"
            min={dayOf(Date.now())}
            max={dayOf(Date.now() + 12 * monthMs)}
            defaultValue={dayOf(Date.now() + 3 * monthMs)}
          />
          <CodeField />
        </Form>
      )}
    </Ask>
  );
}

const updates = {
  fixed: {
    label: 'Fixed',
    title: 'Say that it is fixed',
    says: 'The scan of the next version verifies that it is gone, or opens it again.',
  },
  reopen: {
    label: 'Reopen',
    title: 'Open it again',
    says: 'It counts against the version from now on.',
  },
} as const;

function Update(props: {
  readonly finding: Finding;
  readonly kind: 'fixed' | 'reopen';
}): ReactNode {
  const { finding, kind } = props;
  const { label, title, says } = updates[kind];
  return (
    <Ask label={label} title={title}>
      {(close) => (
        <Form
          submit={label}
          send={({ why = '' }) => post(`findings/${finding.id}/${kind}`, { why })}
          done={close}
        >
          <p>{says}</p>
          <Field label="Why" name="why" minLength={3} maxLength={2000} />
        </Form>
      )}
    </Ask>
  );
}
