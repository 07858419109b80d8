/** The verdict of the attacks, beside the parent's when this version was hardened from one. */
import type { ReactNode } from 'react';
import { useVersion } from '../../api/queries.ts';
import type { AttackRecord, Facts, Version } from '../../api/types.ts';
import { percent, short } from '../../components/format.ts';
import { Empty } from '../../components/state.tsx';

/** The section. */
export function Verdict({ version }: { readonly version: Version }): ReactNode {
  const result = verdictOf(version);
  return (
    <section className="card">
      <h2>Verdict</h2>
      {result === null ? (
        <Empty>Not assessed yet. Link test data, then assess.</Empty>
      ) : (
        <>
          <div className="figures">
            <Figure value={percent(result.cleanAccuracy)} label="clean accuracy" />
            <Figure value={percent(result.robustAccuracy)} label="under every attack" />
            {version.parentId === null ? null : <Parent id={version.parentId} />}
          </div>
          <Attacks attacks={(result.attacks ?? []) as readonly AttackRecord[]} />
          <p className="quiet small">
            {String(result.samples)} samples, seed {String(result.seed)}
            {result.blackBoxBecause === '' ? '' : `; black box: ${String(result.blackBoxBecause)}`}
          </p>
        </>
      )}
    </section>
  );
}

function verdictOf(version: Version | undefined): Facts | null {
  const step = version?.steps.find((each) => each.step === 'assess' && each.state === 'done');
  return step?.result ?? null;
}

function Parent({ id }: { readonly id: string }): ReactNode {
  const before = verdictOf(useVersion(id).data?.version);
  if (before === null) return null;
  return <Figure value={percent(before.robustAccuracy)} label="under every attack, its parent" />;
}

function Figure({ value, label }: { readonly value: string; readonly label: string }): ReactNode {
  return (
    <div className="figure">
      <strong>{value}</strong>
      <span>{label}</span>
    </div>
  );
}

function Attacks({ attacks }: { readonly attacks: readonly AttackRecord[] }): ReactNode {
  return (
    <div className="scroll">
      <table>
        <thead>
          <tr>
            <th>Attack</th>
            <th>Still right</th>
            <th>
              <span className="hidden">As a bar</span>
            </th>
            <th className="number">Distance</th>
            <th className="number">Queries</th>
            <th className="number">Seconds</th>
          </tr>
        </thead>
        <tbody>
          {attacks.map((attack) => (
            <tr key={attack.name}>
              <td>
                {attack.name}
                <div className="quiet small">
                  {attack.norm}
                  {attack.epsilon === null ? '' : ` ≤ ${attack.epsilon}`}
                </div>
              </td>
              <td>{percent(attack.robustAccuracy)}</td>
              <td>
                <div className={`meter ${toneOf(attack.robustAccuracy)}`} aria-hidden="true">
                  <span style={{ width: `${100 * attack.robustAccuracy}%` }} />
                </div>
              </td>
              <td className="number">{short(attack.medianDistance)}</td>
              <td className="number">{attack.queries.toLocaleString()}</td>
              <td className="number">{attack.seconds.toFixed(1)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

const good = 0.7;
const poor = 0.3;

function toneOf(share: number): string {
  if (share >= good) return 'ok';
  return share >= poor ? 'warn' : 'bad';
}
