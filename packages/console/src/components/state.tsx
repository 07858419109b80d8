/** The three states that every list and page has besides its content. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Problem } from '../api/client.ts';

/** Shows a query: words while it loads, the problem when it fails, else its content. */
export function Loaded<T>(props: {
  readonly query: UseQueryResult<T>;
  readonly children: (value: T) => ReactNode;
}): ReactNode {
  const { query, children } = props;
  if (query.data !== undefined) return children(query.data);
  if (query.isError) return <ProblemNote error={query.error} />;
  return (
    <p className="empty" aria-live="polite">
      Loading …
    </p>
  );
}

/** What went wrong and what to do. */
export function ProblemNote({ error }: { readonly error: unknown }): ReactNode {
  const hint = error instanceof Problem ? error.hint : '';
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="note bad" role="alert">
      <strong>{message}</strong>
      {hint === '' ? null : <p>{hint}</p>}
    </div>
  );
}

/** A list without entries, with what would fill it. */
export function Empty({ children }: { readonly children: ReactNode }): ReactNode {
  return <p className="empty">{children}</p>;
}

/** Colour by meaning. */
export type Tone = 'ok' | 'run' | 'warn' | 'bad' | 'plain';

/** A word in a pill. */
export function Badge(props: { readonly tone: Tone; readonly children: ReactNode }): ReactNode {
  return <span className={`badge ${props.tone}`}>{props.children}</span>;
}

/** Tone of a severity. */
export function severityTone(severity: string): Tone {
  if (severity === 'critical' || severity === 'high') return 'bad';
  return severity === 'medium' ? 'warn' : 'plain';
}
