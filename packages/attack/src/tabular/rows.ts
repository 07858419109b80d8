/** Attacks on rows of tables under constraints: their rows of the table. */
import { AttackError } from '../error.ts';
import type { AttackRow } from '../row.ts';
import { featureSearch } from './search.ts';

/** Attacks on tables, weakest and cheapest first. */
export const tabularRows: readonly AttackRow[] = [
  {
    name: 'feature-search',
    summary: 'Changes the fewest features of a row, by the least, that turn the decision.',
    source: 'this project; starts from data of another class, reduces feature by feature',
    needs: 'decisions',
    data: 'table',
    norms: ['l0'],
    suites: ['tabular'],
    run: async (job) => {
      const { constraints, criterion, budget } = job.threat;
      if (constraints === undefined) {
        throw new AttackError('invalid-option', '"constraints" expected a schema, got none');
      }
      const { random, pool, signal } = job;
      const common = { constraints, criterion, random, pool, onRow: job.onDone };
      const options = { ...common, changedMax: budget.epsilon, ...(signal && { signal }) };
      return { x: await featureSearch(job.model, job.batch, options) };
    },
  },
];
