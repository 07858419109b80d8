/** Adversarial pictures: what the model saw, what fooled it, and the difference. */
import type { ReactNode } from 'react';
import type { VersionDetail } from '../../api/types.ts';

const parts = ['clean', 'perturbed', 'difference'] as const;

/** The section. */
export function Pictures({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version, pictures } = detail;
  const groups = [...new Set(pictures.map(({ name }) => name.replace(/-[a-z]+$/, '')))];
  const captionOf = (name: string): string =>
    pictures.find((picture) => picture.name === name)?.caption ?? '';
  return (
    <section className="card">
      <h2>Adversarial examples</h2>
      <div className="pictures">
        {groups.map((group) => (
          <div key={group} className="triple">
            {parts.map((part) => (
              <figure key={part}>
                <img
                  src={`/api/v1/versions/${version.id}/pictures/${group}-${part}.png`}
                  alt={altOf(part, captionOf(`${group}-${part}`))}
                  loading="lazy"
                />
                <figcaption>{shown(part, captionOf(`${group}-${part}`))}</figcaption>
              </figure>
            ))}
          </div>
        ))}
      </div>
    </section>
  );
}

function shown(part: (typeof parts)[number], caption: string): string {
  if (part === 'clean') return `seen as ${caption}`;
  return part === 'perturbed' ? `taken for ${caption}` : caption;
}

function altOf(part: (typeof parts)[number], caption: string): string {
  if (part === 'difference') return `difference, ${caption}`;
  return `${part} input, ${shown(part, caption)}`;
}
