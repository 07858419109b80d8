/** Attacks that follow gradients of the model: their rows of the table. */
import {
  type AttackJob,
  type AttackRow,
  type Candidates,
  denseBudget,
  gradientsOf,
} from '../row.ts';
import { fgsm } from './fgsm.ts';
import { pgd } from './pgd.ts';

/** White-box attacks, weakest and cheapest first. */
export const gradientRows: readonly AttackRow[] = [
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
];

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
