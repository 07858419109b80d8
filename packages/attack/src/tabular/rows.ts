/** Attacks on rows of tables under constraints: their rows of the table. */
import { AttackError } from '../error.ts';
import { type AttackJob, type AttackRow, gradientsOf } from '../row.ts';
import { capgd } from './capgd.ts';
import { evolve } from './evolve.ts';
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
      const options = { ...commonOf(job), onRow: job.onDone };
      const changedMax = job.threat.budget.epsilon;
      return { x: await featureSearch(job.model, job.batch, { ...options, changedMax }) };
    },
  },
  {
    name: 'moeva',
    summary: 'Breeds valid rows that are nearer to another class and change fewer features.',
    source: 'Simonetto, Dyrmishi, Ghamizi, Cordy and Le Traon 2022',
    needs: 'scores',
    data: 'table',
    norms: ['l0'],
    suites: ['tabular'],
    run: async (job) => {
      return { x: await evolve(job.model, job.batch, { ...commonOf(job), onRow: job.onDone }) };
    },
  },
  {
    name: 'capgd',
    summary: 'Gradient steps on the features of a row, repaired to the constraints every time.',
    source: 'Simonetto, Ghamizi and Cordy 2024',
    needs: 'gradients',
    data: 'table',
    norms: ['l0'],
    suites: ['tabular'],
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await capgd(gradientsOf(job), job.batch, options) };
    },
  },
];

function commonOf({ threat, random, pool, signal, settings }: AttackJob) {
  const { constraints, criterion } = threat;
  if (constraints === undefined) {
    throw new AttackError('invalid-option', '"constraints" expected a schema, got none');
  }
  const { queriesMax } = settings;
  return {
    constraints,
    criterion,
    random,
    pool,
    ...(queriesMax !== undefined && { queriesMax }),
    ...(signal && { signal }),
  };
}
