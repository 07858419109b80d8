/** The states that every list and page has besides its content. */
import type { UseQueryResult } from '@tanstack/react-query';
import type { ReactNode } from 'react';
import { Problem } from '../api/client.ts';

/** Shows a query: words while it loads, the problem when it fails, else its content. */
export function Loaded<T>(props: {
  readonly query: UseQueryResult<T>;
  readonly children: (value: T) => ReactNode;
}): ReactNode {
  const { query, children } = props;
  const retry = (): void => void query.refetch();
  if (query.data === undefined) {
    return query.isError ? <ProblemNote error={query.error} retry={retry} /> : <Loading />;
  }
  if (!query.isError) return children(query.data);
  return (
    <>
      <p className="note warn" role="status">
        What is shown may be old: the last try to fetch it failed.
      </p>
      {children(query.data)}
    </>
  );
}

/** Words that fade in late, so that quick answers do not flicker. */
function Loading(): ReactNode {
  return (
    <p className="empty late" role="status">
      Loading …
    </p>
  );
}

/** What went wrong and what to do. */
export function ProblemNote(props: {
  readonly error: unknown;
  readonly retry?: () => void;
}): ReactNode {
  const { error, retry } = props;
  const hint = error instanceof Problem ? error.hint : '';
  const message = error instanceof Error ? error.message : String(error);
  return (
    <div className="note bad" role="alert">
      <strong>{message}</strong>
      {hint === '' ? null : <p>{hint}</p>}
      {retry === undefined ? null : (
        <p>
          <button type="button" onClick={retry}>
            Try again
          </button>
        </p>
      )}
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

/** A measured figure with what it measures, and a bar when it is a fraction. */
export function Figure(props: {
  readonly value: string;
  readonly label: ReactNode;
  readonly share?: number | null;
  readonly tone?: Tone;
}): ReactNode {
  const { share } = props;
  return (
    <div className="figure">
      <strong>{props.value}</strong>
      {share === undefined || share === null ? null : <Meter share={share} tone={props.tone} />}
      <span>{props.label}</span>
    </div>
  );
}

/** A fraction as a bar; the figure itself always stands beside it as text. */
export function Meter(props: {
  readonly share: number;
  readonly tone?: Tone | undefined;
}): ReactNode {
  return (
    <div className={`meter ${props.tone ?? ''}`} aria-hidden="true">
      <span style={{ width: `${100 * Math.min(1, Math.max(0, props.share))}%` }} />
    </div>
  );
}

/** Tone of a severity. */
export function severityTone(severity: string): Tone {
  if (severity === 'critical' || severity === 'high') return 'bad';
  return severity === 'medium' ? 'warn' : 'plain';
}
