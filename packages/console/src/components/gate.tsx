/** The frame of the pages before somebody is inside: one card with the mark. */
import type { ReactNode } from 'react';
import { Mark } from './mark.tsx';
import { useTitle } from './title.ts';

/** A card with a heading. */
export function Gate(props: { readonly title: string; readonly children: ReactNode }): ReactNode {
  useTitle(props.title);
  return (
    <main className="narrow">
      <div className="card roomy">
        <p className="brand">
          <Mark /> Merlon
        </p>
        <h1>{props.title}</h1>
        {props.children}
      </div>
    </main>
  );
}
