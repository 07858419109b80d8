/** Adversarial pictures: what the model saw, what fooled it, and the difference. */
import type { ReactNode } from 'react';
import type { VersionDetail } from '../../api/types.ts';

interface Triple {
  readonly group: string;
  readonly attack: string;
  /** Label of the clean picture, and of the perturbed one. */
  readonly before: string;
  readonly after: string;
  readonly distance: string;
}

/** The section; nothing when no picture was made (rows of tables have none). */
export function Pictures({ detail }: { readonly detail: VersionDetail }): ReactNode {
  const { version } = detail;
  const triples = triplesOf(detail.pictures);
  if (triples.length === 0) return null;
  const attacks = [...new Set(triples.map(({ attack }) => attack))];
  return (
    <section className="card">
      <div className="card-head">
        <h2>Adversarial examples</h2>
        <span className="quiet small">
          The clean input, the perturbed one, and what was changed (grey is unchanged)
        </span>
      </div>
      {attacks.map((attack) => (
        <div key={attack} className="stack">
          <h3>{attack}</h3>
          <div className="pictures">
            {triples
              .filter((triple) => triple.attack === attack)
              .map((triple) => (
                <Shown key={triple.group} triple={triple} versionId={version.id} />
              ))}
          </div>
        </div>
      ))}
    </section>
  );
}

/** The platform names its pictures ATTACK-NUMBER-PART and captions them with label or distance. */
function triplesOf(pictures: VersionDetail['pictures']): Triple[] {
  const captions = new Map(pictures.map(({ name, caption }) => [name, caption]));
  const groups = [...new Set(pictures.map(({ name }) => name.replace(/-[a-z]+$/, '')))];
  return groups.map((group) => ({
    group,
    attack: group.replace(/-\d+$/, ''),
    before: captions.get(`${group}-clean`) ?? '',
    after: captions.get(`${group}-perturbed`) ?? '',
    distance: captions.get(`${group}-difference`)?.replace(/^.*distance /, '') ?? '',
  }));
}

function Shown(props: { readonly triple: Triple; readonly versionId: string }): ReactNode {
  const { group, before, after, distance } = props.triple;
  const at = `/api/v1/versions/${encodeURIComponent(props.versionId)}/pictures/${group}`;
  return (
    <figure className="triple">
      <img src={`${at}-clean.png`} alt={`clean input, seen as ${before}`} loading="lazy" />
      <img src={`${at}-perturbed.png`} alt={`perturbed input, taken for ${after}`} loading="lazy" />
      <img src={`${at}-difference.png`} alt="difference of the two" loading="lazy" />
      <figcaption>
        <strong>{before}</strong> taken for <strong>{after}</strong>
        <span className="quiet"> at distance {distance}</span>
      </figcaption>
    </figure>
  );
}
