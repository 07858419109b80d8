/** Attacks that see scores but no gradients: their rows of the table. */
import { type AttackRow, commonOf } from '../row.ts';
import { square } from './square.ts';

/** Attacks by scores, weakest and cheapest first. */
export const scoreRows: readonly AttackRow[] = [
  {
    name: 'square',
    summary: 'Random squares kept when the margin falls; needs scores, finds masked gradients out.',
    source: 'Andriushchenko et al. 2020',
    needs: 'scores',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['standard', 'autoattack', 'autoattack-plus', 'scores', 'decision'],
    run: async (job) => {
      const { queriesMax } = job.settings;
      const options = { ...commonOf(job), ...(queriesMax && { queriesMax }), onRound: job.onDone };
      return { x: await square(job.model, job.batch, options) };
    },
  },
];
