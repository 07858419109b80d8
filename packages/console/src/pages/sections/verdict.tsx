/** The verdict of the attacks, beside the parent's when this version was hardened from one. */
import type { ReactNode } from 'react';
import { useVersion } from '../../api/queries.ts';
import type { AttackRecord, Facts, Version } from '../../api/types.ts';
import { percent, points, short } from '../../components/format.ts';
import { Badge, Empty, Figure, Loaded, Meter, type Tone } from '../../components/state.tsx';
import { type Column, Table } from '../../components/table.tsx';

/** The section. */
export function Verdict({ version }: { readonly version: Version }): ReactNode {
  const result = verdictOf(version);
  const isRunning = version.steps.some(
    ({ step, state }) => step === 'assess' && state === 'running',
  );
  return (
    <section className="card flush">
      <div className="card-head">
        <h2>Verdict</h2>
      </div>
      {result === null ? (
        <Empty>
          {isRunning ? 'Being attacked now.' : 'Not assessed. Link test data, then assess.'}
        </Empty>
      ) : version.parentId === null ? (
        <Measured result={result} before={null} />
      ) : (
        <BesideParent result={result} parentId={version.parentId} />
      )}
    </section>
  );
}

function verdictOf(version: Version): Facts | null {
  const step = version.steps.find((each) => each.step === 'assess' && each.state === 'done');
  return step?.result ?? null;
}

interface Before {
  readonly name: string;
  readonly result: Facts;
}

function BesideParent(props: { readonly result: Facts; readonly parentId: string }): ReactNode {
  const parent = useVersion(props.parentId);
  return (
    <Loaded query={parent}>
      {({ version }) => {
        const result = verdictOf(version);
        const before = result === null ? null : { name: `v${version.number}`, result };
        return <Measured result={props.result} before={before} />;
      }}
    </Loaded>
  );
}

function Measured(props: { readonly result: Facts; readonly before: Before | null }): ReactNode {
  const { result, before } = props;
  const note = typeof result.blackBoxBecause === 'string' ? result.blackBoxBecause : '';
  return (
    <>
      <div className="figures">
        <Accuracy name="cleanAccuracy" label="right on clean data" {...props} />
        <Accuracy name="robustAccuracy" label="right under every attack" {...props} />
      </div>
      <Attacks attacks={attacksOf(result)} before={before} />
      <p className="quiet small foot">
        {short(result.samples)} samples, seed {String(result.seed)}
        {typeof result.seconds === 'number' ? `, ${result.seconds.toFixed(1)} s` : ''}
        {note === '' ? '' : `. Attacked as a black box: ${note}`}
      </p>
    </>
  );
}

function Accuracy(props: {
  readonly name: 'cleanAccuracy' | 'robustAccuracy';
  readonly label: string;
  readonly result: Facts;
  readonly before: Before | null;
}): ReactNode {
  const now = fractionOf(props.result, props.name);
  const then = props.before === null ? null : fractionOf(props.before.result, props.name);
  const change =
    now === null || then === null
      ? ''
      : `${points(now, then)} from ${percent(then)} of ${props.before?.name}`;
  return (
    <Figure
      value={percent(now)}
      share={now}
      tone={props.name === 'robustAccuracy' && now !== null ? toneOf(now) : 'plain'}
      label={
        <>
          {props.label}
          {change === '' ? null : <span className="small change">{change}</span>}
        </>
      }
    />
  );
}

function fractionOf(result: Facts, name: string): number | null {
  const value = result[name];
  return typeof value === 'number' ? value : null;
}

function attacksOf(result: Facts): readonly AttackRecord[] {
  return Array.isArray(result.attacks) ? (result.attacks as readonly AttackRecord[]) : [];
}

function Attacks(props: {
  readonly attacks: readonly AttackRecord[];
  readonly before: Before | null;
}): ReactNode {
  const { attacks, before } = props;
  const columns: Column<AttackRecord>[] = [
    { head: 'Attack', cell: (attack) => <AttackName attack={attack} /> },
    {
      head: 'Still right',
      cell: ({ robustAccuracy }) => (
        <div className="bar-cell">
          {percent(robustAccuracy)}
          <Meter share={robustAccuracy} tone={toneOf(robustAccuracy)} />
        </div>
      ),
    },
    { head: 'Distance', kind: 'number', cell: (attack) => short(attack.medianDistance) },
    { head: 'Queries', kind: 'number', cell: ({ queries }) => queries.toLocaleString() },
    { head: 'Seconds', kind: 'number', cell: ({ seconds }) => seconds.toFixed(1) },
  ];
  if (before !== null) {
    const parents = attacksOf(before.result);
    columns.splice(2, 0, {
      head: `${before.name} was`,
      kind: 'number',
      cell: ({ name }) => percent(parents.find((each) => each.name === name)?.robustAccuracy),
    });
  }
  return (
    <Table
      caption="Attacks: share still right, median distance, queries and time"
      columns={columns}
      rows={attacks}
      rowKey={({ name }) => name}
    />
  );
}

function AttackName({ attack }: { readonly attack: AttackRecord }): ReactNode {
  const { name, norm, epsilon, unreliable = '' } = attack;
  return (
    <>
      {name}
      <div className="quiet small">
        {norm}
        {epsilon === null ? '' : ` ≤ ${short(epsilon)}`}
      </div>
      {unreliable === '' ? null : (
        <div className="small">
          <Badge tone="warn">unreliable</Badge> {unreliable}
        </div>
      )}
    </>
  );
}

const good = 0.7;
const poor = 0.3;

function toneOf(share: number): Tone {
  if (share >= good) return 'ok';
  return share >= poor ? 'warn' : 'bad';
}
