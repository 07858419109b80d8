/** Attacks that look for the least change: their rows of the table. */
import {
  type AttackJob,
  type AttackRow,
  type Candidates,
  commonOf,
  gradientsOf,
  wrongNorm,
} from '../row.ts';
import { carliniWagner } from './carlini-wagner.ts';
import { ddn } from './ddn.ts';
import { deepFool } from './deep-fool.ts';
import { elastic } from './elastic.ts';
import { fab } from './fab.ts';
import { fmn } from './fmn.ts';
import { saliency } from './saliency.ts';

const least = { needs: 'gradients', data: 'dense', minimal: true } as const;

/** Minimal attacks, cheapest first. */
export const minimalRows: readonly AttackRow[] = [
  {
    ...least,
    name: 'deepfool',
    summary: 'Steps onto the nearest linearised boundary until the decision turns.',
    source: 'Moosavi-Dezfooli, Fawzi and Frossard 2016',
    norms: ['l2', 'linf'],
    suites: [],
    run: async (job) => {
      const { norm } = job.threat.budget;
      if (norm !== 'l2' && norm !== 'linf') throw wrongNorm('"l2" or "linf"', norm);
      const options = { ...commonOf(job), norm, onStep: job.onDone };
      return { x: await deepFool(gradientsOf(job), job.batch, options) };
    },
  },
  {
    ...least,
    name: 'ddn',
    summary: 'Direction by the gradient, length by whether the point is adversarial.',
    source: 'Rony et al. 2019',
    norms: ['l2'],
    suites: ['minimal'],
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await ddn(gradientsOf(job), job.batch, options) };
    },
  },
  {
    ...least,
    name: 'fmn',
    summary: 'Steps on the logits, inside a radius that follows the boundary.',
    source: 'Pintor et al. 2021',
    norms: ['linf', 'l2', 'l1', 'l0'],
    suites: ['minimal'],
    run: async (job) => {
      const { norm } = job.threat.budget;
      const options = { ...commonOf(job), norm, onStep: job.onDone };
      return { x: await fmn(gradientsOf(job), job.batch, options) };
    },
  },
  {
    ...least,
    name: 'fab',
    summary: 'Steps onto the nearest linearised boundary, biased towards the clean input.',
    source: 'Croce and Hein 2020 (FAB)',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack-plus', 'minimal'],
    run: (job) => runFab(job, 0),
  },
  {
    ...least,
    name: 'fab-t',
    summary: 'The same towards each of the nine likeliest other classes in turn.',
    source: 'Croce and Hein 2020 (FAB)',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack', 'autoattack-plus'],
    run: (job) => runFab(job, job.settings.targetClasses ?? 9),
  },
  {
    ...least,
    name: 'carlini-wagner',
    summary: 'Least squared change plus a weighted margin; the weight is found for each sample.',
    source: 'Carlini and Wagner 2017',
    norms: ['l2'],
    suites: ['minimal'],
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await carliniWagner(gradientsOf(job), job.batch, options) };
    },
  },
  {
    ...least,
    name: 'ead',
    summary: 'The same with the sum of changes: few elements change, and little.',
    source: 'Chen et al. 2018 (EAD)',
    norms: ['l1'],
    suites: ['minimal'],
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await elastic(gradientsOf(job), job.batch, options) };
    },
  },
  {
    ...least,
    name: 'jsma',
    summary: 'Two elements at a time to a bound: those that favour another class most.',
    source: 'Papernot et al. 2016',
    norms: ['l0'],
    suites: ['minimal'],
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await saliency(gradientsOf(job), job.batch, options) };
    },
  },
];

async function runFab(job: AttackJob, targetClasses: number): Promise<Candidates> {
  const { restarts = 1, untilWithin = false } = job.settings;
  const options = { ...commonOf(job), restarts, targetClasses, untilWithin, onStep: job.onDone };
  return { x: await fab(gradientsOf(job), job.batch, options) };
}
