/** Attacks that see decisions only: their rows of the table. */
import { type AttackRow, denseBudget } from '../row.ts';
import { hopSkipJump } from './hop-skip-jump.ts';
import { noise } from './noise.ts';

/** Attacks by decisions, weakest and cheapest first. */
export const decisionRows: readonly AttackRow[] = [
  {
    name: 'noise',
    summary: 'Twenty random points on the edge of the ball: the floor under every attack.',
    source: 'Carlini et al. 2019',
    needs: 'decisions',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['standard', 'decision'],
    run: async (job) => {
      const { bounds, criterion } = job.threat;
      const options = { budget: denseBudget(job), bounds, criterion, random: job.random };
      return { x: await noise(job.model, job.batch, { ...options, onTry: job.onDone }) };
    },
  },
  {
    name: 'hop-skip-jump',
    summary: 'Walks along the decision boundary towards the clean input; sees classes only.',
    source: 'Chen, Jordan and Wainwright 2020',
    needs: 'decisions',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['decision'],
    run: async (job) => {
      const { bounds, criterion } = job.threat;
      const { random, pool, signal, onDone } = job;
      const common = { budget: denseBudget(job), bounds, criterion, random, pool, onRow: onDone };
      const options = { ...common, ...(signal && { signal }) };
      return { x: await hopSkipJump(job.model, job.batch, options) };
    },
  },
];
