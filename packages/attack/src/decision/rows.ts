/** Attacks that see decisions only: their rows of the table. */
import { type AttackJob, type AttackRow, denseBudget } from '../row.ts';
import { boundaryAttack } from './boundary-attack.ts';
import { geoda } from './geoda.ts';
import { hopSkipJump } from './hop-skip-jump.ts';
import { noise } from './noise.ts';
import { signOpt } from './sign-opt.ts';
import { surrogateTransfer } from './surrogate.ts';
import type { WalkOptions } from './walk.ts';

const walking = {
  needs: 'decisions',
  data: 'dense',
  suites: ['decision'],
  minimal: true,
} as const;

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
    name: 'boundary',
    summary: 'Small random steps along the decision boundary towards the clean input.',
    source: 'Brendel, Rauber and Bethge 2018',
    ...walking,
    norms: ['l2'],
    run: async (job) => ({ x: await boundaryAttack(job.model, job.batch, walkOptions(job)) }),
  },
  {
    name: 'hop-skip-jump',
    summary: 'Walks along the decision boundary towards the clean input; sees classes only.',
    source: 'Chen, Jordan and Wainwright 2020',
    ...walking,
    norms: ['linf', 'l2'],
    run: async (job) => ({ x: await hopSkipJump(job.model, job.batch, walkOptions(job)) }),
  },
  {
    name: 'geoda',
    summary: 'Estimates the normal of the decision boundary and goes straight along it.',
    source: 'Rahmati, Moosavi-Dezfooli, Frossard and Dai 2020',
    ...walking,
    norms: ['linf', 'l2'],
    run: async (job) => ({ x: await geoda(job.model, job.batch, walkOptions(job)) }),
  },
  {
    name: 'sign-opt',
    summary: 'Turns a direction by signs until the decision boundary is near along it.',
    source: 'Cheng, Singh, Chen, Chen, Liu and Hsieh 2020',
    ...walking,
    norms: ['l2'],
    run: async (job) => ({ x: await signOpt(job.model, job.batch, walkOptions(job)) }),
  },
  {
    name: 'surrogate',
    summary: 'Teaches a small network the answers of the model, and transfers attacks from it.',
    source: 'Papernot, McDaniel, Goodfellow et al. 2017',
    needs: 'decisions',
    data: 'dense',
    norms: ['linf', 'l2'],
    suites: ['decision'],
    run: async (job) => {
      const { bounds, criterion } = job.threat;
      const { random, pool, signal, onDone: onRound, batch, settings } = job;
      const { queriesMax = Number.POSITIVE_INFINITY } = settings;
      const most = Math.min(2000, queriesMax * batch.labels.length);
      const common = { budget: denseBudget(job), bounds, criterion, random, pool, onRound };
      const options = { ...common, queriesMax: most, ...(signal && { signal }) };
      return { x: await surrogateTransfer(job.model, batch, options) };
    },
  },
];

function walkOptions(job: AttackJob): WalkOptions {
  const { bounds, criterion } = job.threat;
  const { random, pool, signal, onDone: onRow, settings } = job;
  const { queriesMax } = settings;
  return {
    budget: denseBudget(job),
    bounds,
    criterion,
    random,
    pool,
    onRow,
    ...(queriesMax !== undefined && { queriesMax }),
    ...(signal && { signal }),
  };
}
