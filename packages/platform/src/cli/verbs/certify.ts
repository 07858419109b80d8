/** `certify`: how far around each input the smoothed model cannot be fooled. */
import type { SmoothCertificate } from '@merlon/harden';
import { table } from '../table.ts';
import { usage } from '../usage.ts';
import type { Verb } from '../verb.ts';
import { callWorker, modelOptions, percent, threads } from './worker-call.ts';

const { data, identity, label, constraints, seed } = modelOptions;
const batchRows = 250;

/** Certifies a model by randomized smoothing. */
export const certifyVerb: Verb = {
  name: 'certify',
  usage: 'MODEL --data DATA --sigma S [--n N] [--samples N]',
  does: 'proves by randomized smoothing how far inputs can be changed',
  options: {
    data,
    identity,
    label,
    constraints,
    seed,
    sigma: { type: 'string', help: 'standard deviation of the noise, in units of the inputs' },
    n: { type: 'string', help: 'noisy copies of each input (default 10000)' },
    n0: { type: 'string', help: 'copies that choose the class to prove (default 100)' },
    alpha: { type: 'string', help: 'chance that a proof is wrong (default 0.001)' },
    samples: { type: 'string', help: 'inputs drawn from the data (default 100)' },
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const sigma = args.number('sigma');
    if (sigma === undefined) throw usage('"--sigma" is needed');
    const options = {
      sigma,
      n: args.integer('n', 1, 1e9) ?? 10_000,
      n0: args.integer('n0', 1, 1e9) ?? 100,
      alpha: args.number('alpha') ?? 0.001,
      samples: args.integer('samples', 1, 10_000_000) ?? 100,
      seed: args.integer('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
      batchRows,
      threads,
    };
    const wish = { method: 'certify', model, options };
    const certificate = await callWorker<SmoothCertificate>(args, terminal, wish);
    const rows = certificate.curve.map(({ radius, certifiedAccuracy }) => {
      return [String(Number(radius.toPrecision(6))), percent(certifiedAccuracy)];
    });
    const { samples, meanRadius, abstained } = certificate;
    const figures = [
      `mean radius ${meanRadius.toPrecision(3)}`,
      `nothing certain of ${percent(abstained)}`,
      `${samples} samples`,
    ];
    const text = `${table(['L2 radius', 'certified'], rows)}\n\n${figures.join(', ')}`;
    return { exit: 0, json: certificate, text };
  },
};
