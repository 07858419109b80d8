/** The product's mark. */
import type { ReactNode } from 'react';

/** The mark: a battlement. */
export function Mark(): ReactNode {
  return (
    <svg viewBox="0 0 16 16" aria-hidden="true">
      <path fill="currentColor" d="M2 3h3v3h2V3h2v3h2V3h3v11H2z" />
    </svg>
  );
}
