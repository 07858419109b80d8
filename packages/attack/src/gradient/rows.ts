/** Attacks that follow gradients of the model: their rows of the table. */
import { type AttackJob, type AttackRow, type Candidates, commonOf, gradientsOf } from '../row.ts';
import { type ApgdOptions, apgd } from './apgd.ts';
import { fgsm } from './fgsm.ts';
import { patch } from './patch.ts';
import { type PgdOptions, pgd } from './pgd.ts';
import { universal } from './universal.ts';

const all = ['linf', 'l2', 'l1', 'l0'] as const;
const dense = { needs: 'gradients', data: 'dense' } as const;

/** White-box attacks, weakest and cheapest first. */
export const gradientRows: readonly AttackRow[] = [
  {
    ...dense,
    name: 'fgsm',
    summary: 'One full step along the gradient of the loss: quick, a floor for stronger attacks.',
    source: 'Goodfellow, Shlens and Szegedy 2015',
    norms: all,
    suites: ['fast', 'standard'],
    run: async (job) => ({ x: await fgsm(gradientsOf(job), job.batch, commonOf(job)) }),
  },
  {
    ...dense,
    name: 'bim',
    summary: 'Ten steps of a tenth of the radius along the gradient: the basic iterative method.',
    source: 'Kurakin, Goodfellow and Bengio 2017',
    norms: all,
    suites: [],
    run: (job) => runPgd(job, { steps: 10, stepSize: job.threat.budget.epsilon / 10 }),
  },
  {
    ...dense,
    name: 'mi-fgsm',
    summary: 'Ten steps with momentum, whose examples fool other models more often.',
    source: 'Dong et al. 2018',
    norms: all,
    suites: [],
    run: (job) => {
      const stepSize = job.threat.budget.epsilon / 10;
      return runPgd(job, { steps: 10, stepSize, momentum: 1 });
    },
  },
  {
    ...dense,
    name: 'pgd',
    summary: 'Forty small projected steps along the gradient of the loss, from the clean input.',
    source: 'Madry et al. 2018',
    norms: all,
    suites: ['fast', 'standard'],
    run: (job) => runPgd(job, {}),
  },
  {
    ...dense,
    name: 'pgd-restarts',
    summary: 'Projected gradient descent from five random starts; only what stands goes on.',
    source: 'Madry et al. 2018',
    norms: all,
    suites: ['standard'],
    run: (job) => runPgd(job, { restarts: job.settings.restarts ?? 5 }),
  },
  {
    ...dense,
    name: 'apgd-ce',
    summary: 'A hundred steps on the cross-entropy, their length adapted to each sample.',
    source: 'Croce and Hein 2020 and 2021 (APGD)',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack', 'autoattack-plus', 'autoattack-rand'],
    run: (job) => runApgd(job, { loss: 'cross-entropy' }),
  },
  {
    ...dense,
    name: 'apgd-dlr',
    summary: 'The same on the difference of logits ratio, which scaling the scores does not fool.',
    source: 'Croce and Hein 2020 and 2021 (APGD)',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack-plus', 'autoattack-rand'],
    run: (job) => runApgd(job, { loss: 'dlr' }),
  },
  {
    ...dense,
    name: 'apgd-t',
    summary: 'The same towards each of the nine likeliest other classes in turn.',
    source: 'Croce and Hein 2020 and 2021 (APGD)',
    norms: ['linf', 'l2', 'l1'],
    suites: ['autoattack', 'autoattack-plus'],
    run: (job) => runApgd(job, { targetClasses: job.settings.targetClasses ?? 9 }),
  },
  {
    ...dense,
    name: 'universal',
    summary: 'One change for all samples: how many a single pattern breaks.',
    source: 'Moosavi-Dezfooli et al. 2017; Shafahi et al. 2020',
    norms: ['linf', 'l2'],
    suites: [],
    whole: true,
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await universal(gradientsOf(job), job.batch, options) };
    },
  },
  {
    ...dense,
    name: 'patch',
    summary: 'A square of the image, as large as the radius counts elements, painted at will.',
    source: 'Brown et al. 2017; Karmon, Zoran and Goldberg 2018',
    norms: ['l0'],
    suites: [],
    run: async (job) => {
      const options = { ...commonOf(job), onStep: job.onDone };
      return { x: await patch(gradientsOf(job), job.batch, options) };
    },
  },
];

async function runPgd(job: AttackJob, own: Partial<PgdOptions>): Promise<Candidates> {
  const { x, zeroGradient } = await pgd(gradientsOf(job), job.batch, {
    ...commonOf(job),
    ...own,
    onStep: job.onDone,
  });
  if (zeroGradient.length === 0) return { x };
  const count = `${zeroGradient.length} of ${job.batch.labels.length}`;
  return { x, unreliable: `the gradient vanished on ${count} samples` };
}

async function runApgd(job: AttackJob, own: Partial<ApgdOptions>): Promise<Candidates> {
  const { restarts = 1, averaged = 1 } = job.settings;
  const { x, zeroGradient, flat, insteadOfLoss } = await apgd(gradientsOf(job), job.batch, {
    ...commonOf(job),
    ...own,
    restarts,
    averaged,
    onStep: job.onDone,
  });
  const total = job.batch.labels.length;
  const signs = [
    ...(zeroGradient.length > 0 ? [`the gradient vanished on ${zeroGradient.length}`] : []),
    ...(flat.length > 0 ? [`the loss did not rise on ${flat.length}`] : []),
  ];
  return {
    x,
    ...(signs.length > 0 && { unreliable: `${signs.join(', ')} of ${total} samples` }),
    ...(insteadOfLoss && {
      remark: `the model has too few classes for the logits ratio: ${insteadOfLoss} instead`,
    }),
  };
}
