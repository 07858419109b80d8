/** The steps of a version as a track: what is done, what runs and how far, what said no. */
import type { ReactNode } from 'react';
import { type Job, type Step, type StepName, stepNames } from '../api/types.ts';

/** The steps that a data set takes. */
const dataSteps: readonly StepName[] = ['intake', 'scan', 'seal'];

const tones = { done: 'ok', running: 'run', refused: 'bad', failed: 'bad' } as const;

/** The track. Every bar also stands as words, for those who do not see its colour. */
export function Track(props: {
  readonly steps: readonly Step[];
  readonly jobs: readonly Job[];
  readonly kind: 'model' | 'data';
}): ReactNode {
  const names = props.kind === 'data' ? dataSteps : stepNames;
  return (
    <ol className={`track ${props.kind}`} aria-label="Steps of the journey">
      {names.map((name) => (
        <Segment
          key={name}
          name={name}
          step={props.steps.find((each) => each.step === name)}
          job={openJob(name, props.jobs)}
        />
      ))}
    </ol>
  );
}

function Segment(props: {
  readonly name: StepName;
  readonly step: Step | undefined;
  readonly job: Job | undefined;
}): ReactNode {
  const { name, step, job } = props;
  const runs = job?.state === 'running' || (job === undefined && step?.state === 'running');
  const tone = runs ? 'run' : job === undefined && step !== undefined ? tones[step.state] : '';
  const share = job?.state === 'running' ? shareOf(job) : null;
  const word = wordOf({ step, job, share });
  return (
    <li className={tone} title={`${name}: ${word}`}>
      <span className={`bar${share === null ? '' : ' partial'}`} aria-hidden="true">
        {share === null ? null : <span style={{ width: `${Math.round(100 * share)}%` }} />}
      </span>
      <span className="label" aria-hidden="true">
        {name}
      </span>
      <span className="hidden">{`${name}: ${word}`}</span>
    </li>
  );
}

function wordOf(of: {
  readonly step: Step | undefined;
  readonly job: Job | undefined;
  readonly share: number | null;
}): string {
  if (of.job?.state === 'queued') return 'waiting for its turn';
  if (of.share !== null) return `running, ${Math.round(100 * of.share)} %`;
  return of.job === undefined ? (of.step?.state ?? 'to come') : 'running';
}

/** The job that waits for or does a step now. */
function openJob(name: string, jobs: readonly Job[]): Job | undefined {
  return jobs.find(
    ({ kind, state }) => kind === name && (state === 'running' || state === 'queued'),
  );
}

/** How far a job is, as a fraction; 0 until it tells. */
export function shareOf(job: Job): number {
  const { done = 0, total = 0 } = job.progress;
  return total > 0 ? Math.min(1, done / total) : 0;
}
