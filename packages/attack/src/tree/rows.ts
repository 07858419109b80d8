/** Attacks that read the trees of the model: their rows of the table. */
import type { TreeModel } from '@merlon/graph';
import { sizeOf } from '../batch.ts';
import { AttackError } from '../error.ts';
import { type AttackJob, type AttackRow, wrongNorm } from '../row.ts';
import { compileForest } from './forest.ts';
import { leafTuple } from './leaf-tuple.ts';

/** Attacks on tree ensembles. */
export const treeRows: readonly AttackRow[] = [
  {
    name: 'leaf-tuple',
    summary:
      'Changes the leaves that an input falls into, one tree at a time, by exact thresholds.',
    source: 'Zhang, Zhang and Hsieh 2020',
    needs: 'trees',
    data: 'dense',
    norms: ['linf', 'l2', 'l1'],
    minimal: true,
    suites: ['fast', 'standard', 'decision'],
    run: async (job) => {
      const { bounds, budget } = job.threat;
      const { norm } = budget;
      if (norm === 'l0') throw wrongNorm('"linf", "l2" or "l1"', norm);
      return { x: attackTrees(job, { measure: norm, bounds }) };
    },
  },
  {
    name: 'leaf-tuple-table',
    summary: 'Finds the fewest features of a row whose change turns the trees, under constraints.',
    source: 'Zhang, Zhang and Hsieh 2020, with constraints',
    needs: 'trees',
    data: 'table',
    norms: ['l0'],
    suites: ['tabular'],
    run: async (job) => {
      const { constraints } = job.threat;
      if (constraints === undefined) {
        throw new AttackError('invalid-option', '"constraints" expected a schema, got none');
      }
      return { x: attackTrees(job, { measure: 'changed', constraints }) };
    },
  },
];

function attackTrees(
  job: AttackJob,
  how: Pick<Parameters<typeof leafTuple>[2], 'measure' | 'bounds' | 'constraints'>,
): Float32Array {
  const { batch, random, pool, signal, onDone: onRow } = job;
  if (batch.labels.length === 0) return batch.x;
  const forest = compileForest(treesOf(job), sizeOf(batch), how.constraints?.groups);
  const { criterion } = job.threat;
  const more = { random, pool, criterion, onRow, ...(signal && { signal }) };
  return leafTuple(forest, batch, { ...how, ...more });
}

/** The trees of the model; throws `unsupported-model` when there are none. */
function treesOf(job: AttackJob): TreeModel {
  if (job.trees !== undefined) return job.trees;
  throw new AttackError('unsupported-model', 'the attack needs the trees of the model');
}
