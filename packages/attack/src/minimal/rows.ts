/** Attacks that look for the least change: their rows of the table. */
import { type AttackJob, type AttackRow, type Candidates, commonOf, gradientsOf } from '../row.ts';
import { fab } from './fab.ts';

/** Minimal attacks, cheapest first. */
export const minimalRows: readonly AttackRow[] = [
  {
    name: 'fab',
    summary: 'Steps onto the nearest linearised boundary, biased towards the clean input.',
    source: 'Croce and Hein 2020 (FAB)',
    needs: 'gradients',
    data: 'dense',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack-plus', 'minimal'],
    minimal: true,
    run: (job) => runFab(job, 0),
  },
  {
    name: 'fab-t',
    summary: 'The same towards each of the nine likeliest other classes in turn.',
    source: 'Croce and Hein 2020 (FAB)',
    needs: 'gradients',
    data: 'dense',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack', 'autoattack-plus'],
    minimal: true,
    run: (job) => runFab(job, job.settings.targetClasses ?? 9),
  },
];

async function runFab(job: AttackJob, targetClasses: number): Promise<Candidates> {
  const { restarts = 1, untilWithin = false } = job.settings;
  const options = { ...commonOf(job), restarts, targetClasses, untilWithin, onStep: job.onDone };
  return { x: await fab(gradientsOf(job), job.batch, options) };
}
