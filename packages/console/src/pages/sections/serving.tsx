/** Where a version is served, behind which guards, and what the detectors say. */
import type { ReactNode } from 'react';
import { post } from '../../api/client.ts';
import { useDeployments } from '../../api/queries.ts';
import type { Deployment, Facts, Version } from '../../api/types.ts';
import { Ask, Choice, Form } from '../../components/form.tsx';
import { short, when } from '../../components/format.ts';
import { Badge } from '../../components/state.tsx';

/** The section; nothing when the version was never served. */
export function Serving({ version }: { readonly version: Version }): ReactNode {
  const own = (useDeployments().data ?? []).filter((each) => each.versionId === version.id);
  if (own.length === 0) return null;
  return (
    <section className="card">
      <h2>Serving</h2>
      {own.map((deployment) => (
        <DeploymentView key={deployment.id} deployment={deployment} />
      ))}
    </section>
  );
}

function DeploymentView({ deployment }: { readonly deployment: Deployment }): ReactNode {
  const { id, name, state, startedAt, guards, detectors } = deployment;
  return (
    <div className="stack">
      <div className="card-head">
        <div className="row">
          <code>/v2/models/{name}/infer</code>
          <Badge tone={state === 'active' ? 'ok' : 'plain'}>{state}</Badge>
          <span className="quiet">since {when(startedAt)}</span>
        </div>
        {state === 'active' ? <Tighten id={id} /> : null}
      </div>
      <div className="columns">
        <div className="stack">
          <h3>Guards</h3>
          <dl className="facts">
            {guardRows(guards).map(([label, value]) => (
              <div key={label} style={{ display: 'contents' }}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </div>
            ))}
          </dl>
        </div>
        <div className="stack">
          <h3>Detectors</h3>
          <dl className="facts">
            {detectors.map((detector) => (
              <div key={String(detector.detector)} style={{ display: 'contents' }}>
                <dt>{String(detector.detector)}</dt>
                <dd>{detectorSentence(detector)}</dd>
              </div>
            ))}
          </dl>
        </div>
      </div>
    </div>
  );
}

/** Guards as people read them. */
function guardRows(guards: Facts): [string, string][] {
  const input = (guards.input ?? {}) as Facts;
  const output = (guards.output ?? {}) as Facts;
  const range = input.range as { min?: readonly number[]; margin?: number } | undefined;
  const rounding = input.rounding as { steps?: readonly number[] } | undefined;
  const noise = input.noise as { sigma?: number } | undefined;
  const rows: [string, string][] = [['Values', 'finite numbers only']];
  if (range !== undefined) {
    rows.push(['Range', `${range.min?.length ?? 0} features, margin ${range.margin ?? 0}`]);
  }
  if (rounding !== undefined) {
    const count = rounding.steps?.filter((step) => step > 0).length ?? 0;
    rows.push(['Rounding', `${count} features snapped to their steps`]);
  }
  if (noise !== undefined) rows.push(['Noise', `Gaussian, σ ${noise.sigma ?? 0}`]);
  if (output.decimals !== undefined) rows.push(['Scores', `${String(output.decimals)} decimals`]);
  if (output.topK !== undefined) rows.push(['Told scores', `the best ${String(output.topK)}`]);
  if (output.labelOnly === true) rows.push(['Answer', 'label only']);
  return rows;
}

function detectorSentence(detector: Facts): string {
  if (detector.detector === 'drift-ks') {
    const drifting = detector.drifting === true ? 'drifting' : 'as in training';
    return `${drifting}; least p ${short(detector.pValue)} over ${String(detector.rows)} rows`;
  }
  const least = `lowest W ${short(detector.lowestW)}`;
  return `${least}, alarm below ${short(detector.threshold)}; ${String(detector.clients)} keys`;
}

function Tighten({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Tighten the guard" title="Tighten the guard">
      {(close) => (
        <Form
          submit="Tighten"
          send={({ level = '1' }) =>
            post(`deployments/${id}/tighten`, { level: Number(level.slice(0, 1)) })
          }
          done={close}
        >
          <Choice
            label="Level"
            name="level"
            options={['1: one decimal', '2: best score only', '3: label only']}
          />
        </Form>
      )}
    </Ask>
  );
}
