/**
 * The one table of all attacks. The command line takes its names from here, the documentation its
 * sentences, the tests their cases; an attack that is not in the table does not exist.
 */
import type { Random } from '@merlon/core';
import { didYouMean } from '@merlon/graph';
import type { Batch } from './batch.ts';
import { hopSkipJump } from './decision/hop-skip-jump.ts';
import { noise } from './decision/noise.ts';
import { square } from './decision/square.ts';
import { AttackError } from './error.ts';
import { fgsm } from './gradient/fgsm.ts';
import { pgd } from './gradient/pgd.ts';
import type { Classifier, DifferentiableClassifier } from './model/classifier.ts';
import { featureSearch } from './tabular/search.ts';
import type { Pool } from './tabular/starts.ts';
import type { L2, Linf, Norm } from './threat.ts';
import type { ThreatModel } from './verdict.ts';

/** Names of the ready-made selections of attacks. */
export type Suite = 'fast' | 'standard' | 'decision' | 'tabular';

/** What an attack is given. */
export interface AttackJob {
  readonly model: Classifier;
  /** Present when the attack needs gradients. */
  readonly gradients?: DifferentiableClassifier;
  /** Samples that the model gets right. */
  readonly batch: Batch;
  readonly threat: ThreatModel;
  readonly pool: Pool;
  readonly random: Random;
  readonly signal?: AbortSignal;
  readonly onDone: (done: number, total: number) => void;
}

/** What an attack hands to the judge. */
export interface Candidates {
  /** One candidate for each row. */
  readonly x: Float32Array;
  /** Why a failure of this attack says little, when there is a sign of that. */
  readonly unreliable?: string;
}

/** A row of the table. */
export interface AttackRow {
  readonly name: string;
  /** One sentence for people. */
  readonly summary: string;
  /** Where it was published. */
  readonly source: string;
  /** What it asks of the model: gradients of the loss, scores, or decisions only. */
  readonly needs: 'gradients' | 'scores' | 'decisions';
  /** `dense`: images and other tensors in bounds; `table`: rows under a schema. */
  readonly data: 'dense' | 'table';
  readonly norms: readonly Norm[];
  readonly suites: readonly Suite[];
  run(job: AttackJob): Promise<Candidates>;
}

/** Every attack, weakest and cheapest first. */
export const attackTable: readonly AttackRow[] = [
  {
    name: 'fgsm',
    summary: 'One full step along the gradient of the loss: quick, a floor for stronger attacks.',
    source: 'Goodfellow, Shlens and Szegedy 2015',
    needs: 'gradients',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['fast', 'standard'],
    run: async (job) => {
      const { bounds, criterion } = job.threat;
      const options = { budget: denseBudget(job), bounds, criterion };
      return { x: await fgsm(gradientsOf(job), job.batch, options) };
    },
  },
  {
    name: 'pgd',
    summary: 'Forty small projected steps along the gradient of the loss, from the clean input.',
    source: 'Madry et al. 2018',
    needs: 'gradients',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['fast', 'standard'],
    run: (job) => runPgd(job, 0),
  },
  {
    name: 'pgd-restarts',
    summary: 'Projected gradient descent from five random starts; only what stands goes on.',
    source: 'Madry et al. 2018',
    needs: 'gradients',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['standard'],
    run: (job) => runPgd(job, 5),
  },
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

/** Names of the suites. */
export const suites: readonly Suite[] = ['fast', 'standard', 'decision', 'tabular'];

/** The attack of a name; throws `unknown-attack` naming the nearest one. */
export function attackNamed(name: string): AttackRow {
  const row = attackTable.find((candidate) => candidate.name === name);
  if (row !== undefined) return row;
  const names = attackTable.map((candidate) => candidate.name);
  throw new AttackError('unknown-attack', `attack "${name}" is unknown${didYouMean(name, names)}`, {
    hint: `Attacks: ${names.join(', ')}.`,
  });
}

/** The attacks of a suite; throws `unknown-attack` naming the nearest suite. */
export function attacksOf(suite: string): readonly AttackRow[] {
  const known = suites.find((candidate) => candidate === suite);
  if (known !== undefined) return attackTable.filter((row) => row.suites.includes(known));
  throw new AttackError(
    'unknown-attack',
    `suite "${suite}" is unknown${didYouMean(suite, suites)}`,
    {
      hint: `Suites: ${suites.join(', ')}.`,
    },
  );
}

async function runPgd(job: AttackJob, restarts: number): Promise<Candidates> {
  const { bounds, criterion } = job.threat;
  const { x, zeroGradient } = await pgd(gradientsOf(job), job.batch, {
    budget: denseBudget(job),
    bounds,
    criterion,
    restarts,
    random: job.random,
    onStep: job.onDone,
  });
  if (zeroGradient.length === 0) return { x };
  const count = `${zeroGradient.length} of ${job.batch.labels.length}`;
  return { x, unreliable: `the gradient vanished on ${count} samples` };
}

function gradientsOf(job: AttackJob): DifferentiableClassifier {
  if (job.gradients !== undefined) return job.gradients;
  throw new AttackError('unsupported-model', 'the attack needs gradients of the model');
}

function denseBudget(job: AttackJob): Linf | L2 {
  const { budget } = job.threat;
  if (budget.norm !== 'l0') return budget;
  throw wrongNorm('"linf" or "l2"', budget.norm);
}

function wrongNorm(expected: string, got: Norm): AttackError {
  return new AttackError('invalid-option', `"norm" expected ${expected}, got "${got}"`);
}
