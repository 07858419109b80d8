/** Attacks that see scores but no gradients: their rows of the table. */
import { type AttackRow, wrongNorm } from '../row.ts';
import { square } from './square.ts';

/** Attacks by scores, weakest and cheapest first. */
export const scoreRows: readonly AttackRow[] = [
  {
    name: 'square',
    summary: 'Random squares kept when the margin falls; needs scores, finds masked gradients out.',
    source: 'Andriushchenko et al. 2020',
    needs: 'scores',
    data: 'dense',
    norms: ['linf'],
    suites: ['standard', 'decision'],
    run: async (job) => {
      const { bounds, criterion, budget } = job.threat;
      if (budget.norm !== 'linf') throw wrongNorm('"linf"', budget.norm);
      const options = { budget, bounds, criterion, random: job.random };
      return { x: await square(job.model, job.batch, { ...options, onRound: job.onDone }) };
    },
  },
];
