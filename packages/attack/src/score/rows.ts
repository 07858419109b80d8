/** Attacks that see scores but no gradients: their rows of the table. */
import { type AttackJob, type AttackRow, type Candidates, commonOf } from '../row.ts';
import { estimate } from './estimate.ts';
import { simba } from './simba.ts';
import { square } from './square.ts';
import { zoo } from './zoo.ts';

/** Attacks by scores, weakest and cheapest first. */
export const scoreRows: readonly AttackRow[] = [
  {
    name: 'square',
    summary: 'Random squares kept when the margin falls; needs scores, finds masked gradients out.',
    source: 'Andriushchenko et al. 2020',
    needs: 'scores',
    data: 'dense',
    norms: ['linf', 'l2', 'l1'],
    suites: ['standard', 'autoattack', 'autoattack-plus', 'scores', 'decision'],
    run: async (job) => {
      const options = { ...askingOf(job), onRound: job.onDone };
      return { x: await square(job.model, job.batch, options) };
    },
  },
  {
    name: 'simba',
    summary: 'Elements in random order, moved when that lowers the margin.',
    source: 'Guo et al. 2019',
    needs: 'scores',
    data: 'dense',
    norms: ['l2', 'linf'],
    suites: ['scores'],
    run: async (job) => {
      const options = { ...askingOf(job), onRound: job.onDone };
      return { x: await simba(job.model, job.batch, options) };
    },
  },
  {
    name: 'nes',
    summary: 'Projected steps along gradients estimated from scores in normal directions.',
    source: 'Ilyas et al. 2018',
    needs: 'scores',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['scores'],
    run: (job) => runEstimate(job, 'normal'),
  },
  {
    name: 'spsa',
    summary: 'The same with directions of random signs.',
    source: 'Uesato et al. 2018',
    needs: 'scores',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['scores'],
    run: (job) => runEstimate(job, 'signs'),
  },
  {
    name: 'zoo',
    summary: 'The objective of Carlini and Wagner with slopes from two queries an element.',
    source: 'Chen et al. 2017 (ZOO)',
    needs: 'scores',
    data: 'dense',
    norms: ['l2'],
    suites: [],
    minimal: true,
    run: async (job) => {
      const options = { ...askingOf(job), pool: job.pool, onStep: job.onDone };
      return { x: await zoo(job.model, job.batch, options) };
    },
  },
];

async function runEstimate(job: AttackJob, directions: 'normal' | 'signs'): Promise<Candidates> {
  const options = { ...askingOf(job), directions, onStep: job.onDone };
  return { x: await estimate(job.model, job.batch, options) };
}

/** What every attack by scores takes, with the query budget where one is set. */
function askingOf(job: AttackJob) {
  const { queriesMax } = job.settings;
  return { ...commonOf(job), ...(queriesMax && { queriesMax }) };
}
