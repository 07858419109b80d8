/** The ten steps of a version as a track. */
import type { ReactNode } from 'react';
import { type Job, type Step, stepNames } from '../api/types.ts';

const tones = { done: 'ok', running: 'run', refused: 'bad', failed: 'bad' } as const;
const words = { done: 'done', running: 'running', refused: 'refused', failed: 'failed' } as const;

/** The track; running steps show how far their job is. */
export function Track(props: {
  readonly steps: readonly Step[];
  readonly jobs?: readonly Job[];
}): ReactNode {
  return (
    <ol className="track" aria-label="Steps of the journey">
      {stepNames.map((name) => {
        const step = props.steps.find((each) => each.step === name);
        const tone = step === undefined ? '' : tones[step.state];
        const word = step === undefined ? 'to come' : words[step.state];
        const share = step?.state === 'running' ? progressOf(name, props.jobs ?? []) : 0;
        return (
          <li key={name} className={tone} title={`${name}: ${word}`}>
            <span className="bar" aria-hidden="true">
              {share > 0 ? <span style={{ width: `${Math.round(100 * share)}%` }} /> : null}
            </span>
            <span className="label" aria-hidden="true">
              {name}
            </span>
            <span className="hidden">{`${name}: ${word}`}</span>
          </li>
        );
      })}
    </ol>
  );
}

function progressOf(name: string, jobs: readonly Job[]): number {
  const job = jobs.find((each) => each.kind === name && each.state === 'running');
  const { done = 0, total = 0 } = job?.progress ?? {};
  return total > 0 ? done / total : 0;
}
