/** Where a version is served, behind which guards, and what the detectors say. */
import { Fragment, type ReactNode } from 'react';
import { post } from '../../api/client.ts';
import { useDeployments } from '../../api/queries.ts';
import { useMay } from '../../api/roles.ts';
import type { Deployment, Facts, Version } from '../../api/types.ts';
import { Ask, Choice, Form } from '../../components/form.tsx';
import { counted, detectorName, short, when } from '../../components/format.ts';
import { Badge, Empty, Loaded, type Tone } from '../../components/state.tsx';

/** The section. */
export function Serving({ version }: { readonly version: Version }): ReactNode {
  const deployments = useDeployments();
  return (
    <section className="card">
      <h2>Guards and serving</h2>
      <Loaded query={deployments}>
        {(all) => {
          const own = all.filter((each) => each.versionId === version.id);
          if (own.length === 0) return <Empty>Not served. An approved version can be.</Empty>;
          return own.map((each) => <DeploymentView key={each.id} deployment={each} />);
        }}
      </Loaded>
    </section>
  );
}

function DeploymentView({ deployment }: { readonly deployment: Deployment }): ReactNode {
  const { id, name, state, startedAt, guards, detectors } = deployment;
  const may = useMay();
  const isActive = state === 'active';
  return (
    <div className="stack">
      <div className="card-head">
        <div className="row">
          <code>/v2/models/{name}/infer</code>
          <Badge tone={isActive ? 'ok' : 'plain'}>{state}</Badge>
          <span className="quiet">since {when(startedAt)}</span>
        </div>
        {isActive && may('version.serve') ? <Tighten id={id} /> : null}
      </div>
      <div className="columns">
        <div className="stack">
          <h3>Guards</h3>
          <dl className="facts">
            {guardRows(guards).map(([label, value]) => (
              <Fragment key={label}>
                <dt>{label}</dt>
                <dd>{value}</dd>
              </Fragment>
            ))}
          </dl>
        </div>
        <div className="stack">
          <h3>Detectors</h3>
          {detectors.length === 0 ? <p className="quiet">None watch it now.</p> : null}
          <dl className="facts">
            {detectors.map((detector) => (
              <DetectorRow key={String(detector.detector)} detector={detector} />
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
  const rows: [string, string][] = [['Inputs', 'finite numbers only']];
  if (range !== undefined) {
    const count = counted(range.min?.length ?? 0, 'feature');
    rows.push(['Range', `${count} kept to what was seen, plus ${short(range.margin)} of it`]);
  }
  if (rounding !== undefined) {
    const count = rounding.steps?.filter((step) => step > 0).length ?? 0;
    rows.push(['Rounding', `${counted(count, 'feature')} snapped to steps`]);
  }
  if (noise !== undefined) rows.push(['Noise', `Gaussian, σ ${short(noise.sigma)}`]);
  return [...rows, ...outputRows(output)];
}

function outputRows({ decimals, topK, labelOnly }: Facts): [string, string][] {
  if (labelOnly === true) return [['Answer', 'the label alone']];
  const rows: [string, string][] = [];
  if (typeof decimals === 'number') rows.push(['Scores', counted(decimals, 'decimal')]);
  if (typeof topK === 'number') {
    rows.push(['Scores told', topK === 1 ? 'the best alone' : `the best ${topK}`]);
  }
  if (rows.length === 0) rows.push(['Scores', 'as the model gives them']);
  return rows;
}

function DetectorRow({ detector }: { readonly detector: Facts }): ReactNode {
  const { tone, word, text } = detectorWords(detector);
  return (
    <>
      <dt>{detectorName(detector.detector)}</dt>
      <dd>
        <Badge tone={tone}>{word}</Badge> <span className="quiet">{text}</span>
      </dd>
    </>
  );
}

function detectorWords(detector: Facts): { tone: Tone; word: string; text: string } {
  if (detector.detector === 'drift-ks') {
    const drifting = detector.drifting === true;
    return {
      tone: drifting ? 'warn' : 'ok',
      word: drifting ? 'drifting' : 'as in training',
      text: `least p ${short(detector.pValue)} over ${counted(Number(detector.rows ?? 0), 'row')}`,
    };
  }
  const { lowestW, highestSum, levels, threshold } = detector;
  const keys = counted(Number(detector.clients ?? 0), 'key');
  if (typeof highestSum === 'number') {
    const alarm = highestSum > Number(threshold);
    const text = `highest sum ${short(highestSum)}, alarm above ${short(threshold)}; ${keys}`;
    return { tone: alarm ? 'bad' : 'ok', word: alarm ? 'alarm' : 'quiet', text };
  }
  if (Array.isArray(levels)) {
    const text = `alarm above ${levels.map(short).join(' and ')}; ${keys}`;
    return { tone: 'ok', word: 'watching', text };
  }
  const alarm = typeof lowestW === 'number' && typeof threshold === 'number' && lowestW < threshold;
  return {
    tone: alarm ? 'bad' : 'ok',
    word: alarm ? 'alarm' : 'quiet',
    text: `lowest W ${short(lowestW)}, alarm below ${short(threshold)}; ${keys}`,
  };
}

function Tighten({ id }: { readonly id: string }): ReactNode {
  return (
    <Ask label="Tighten the guard" title="Tighten the guard">
      {(close) => (
        <Form
          submit="Tighten"
          send={({ level = '1' }) => post(`deployments/${id}/tighten`, { level: Number(level) })}
          done={close}
        >
          <p>It holds from the next request on. Callers see less of the scores.</p>
          <Choice
            label="What is still told"
            name="level"
            options={[
              ['1', 'scores with one decimal'],
              ['2', 'the best score alone'],
              ['3', 'the label alone'],
            ]}
          />
        </Form>
      )}
    </Ask>
  );
}
