/** `privacy`: what a model tells of its training data, and how cheaply it is copied. */
import type { PrivacyOutput } from '../../confine/tasks/privacy.ts';
import { table } from '../table.ts';
import { usage } from '../usage.ts';
import type { Verb } from '../verb.ts';
import { boundsIn, callWorker, modelOptions, percent, threads } from './worker-call.ts';

const { identity, label, constraints, seed } = modelOptions;

/** Measures membership inference, inversion and extraction. */
export const privacyVerb: Verb = {
  name: 'privacy',
  usage: 'MODEL --members A --nonmembers B [--samples N]',
  does: 'measures what a model tells of its training data: membership, inversion, extraction',
  options: {
    members: { type: 'string', help: 'data that the model was trained on' },
    nonmembers: { type: 'string', help: 'data of the same kind that it never saw' },
    identity,
    label,
    constraints,
    samples: { type: 'string', help: 'rows of each side at most (default 2000)' },
    bounds: { type: 'string', help: 'least and greatest value of inputs (default 0,1)' },
    seed,
  },
  run: async (args, terminal) => {
    const [model = ''] = args.exactly('MODEL');
    const [members, others] = [args.needed('members'), args.needed('nonmembers')];
    const bounds = boundsIn(args);
    if (bounds !== undefined && !(bounds[0] < bounds[1])) {
      throw usage(`"--bounds" expected two numbers such as 0,1, got "${args.text('bounds')}"`);
    }
    const options = {
      samples: args.integer('samples', 10, 10_000_000) ?? 2000,
      seed: args.integer('seed', 0, Number.MAX_SAFE_INTEGER) ?? 1,
      threads,
      ...(bounds && { bounds }),
    };
    const wish = { method: 'privacy', model, data: members, others, options };
    const found = await callWorker<PrivacyOutput>(args, terminal, wish);
    return { exit: 0, json: found, text: textOf(found) };
  },
};

function textOf({ membership, inversion, extraction, because }: PrivacyOutput): string {
  const rows: string[][] = [];
  if (membership !== null) {
    const { auc, aucInterval, tprAtFpr001, intervals, balancedAccuracy, accuracy } = membership;
    const [low, high] = aucInterval.map((end) => end.toFixed(3));
    const { low: least, high: most } = intervals.tprAtFpr001;
    rows.push(
      ['membership, area under the curve', auc.toFixed(3), '0.5', `95 %: ${low} to ${high}`],
      [
        'members found at 0.1 % false alarms',
        percent(tprAtFpr001),
        '0.1 %',
        `95 %: ${percent(least)} to ${percent(most)}`,
      ],
      ['best threshold', percent(balancedAccuracy), '50.0 %', 'an upper bound'],
      [
        'accuracy on members and others',
        `${percent(accuracy.members)}, ${percent(accuracy.nonmembers)}`,
        '',
        'a gap is a leak by itself',
      ],
    );
  }
  if (inversion !== null) {
    const { correlation, baseline, gain } = inversion;
    rows.push([
      'inversion, correlation with class means',
      correlation.toFixed(3),
      baseline.toFixed(3),
      `the attack adds ${gain.toFixed(3)}`,
    ]);
  }
  const { curve, baseline } = extraction;
  for (const { queries, agreement } of curve) {
    const nothing = percent(baseline);
    rows.push([`copy by ${queries} queries agrees`, percent(agreement), nothing, '']);
  }
  const told = table(['measure', 'found', 'without a model', ''], rows);
  const reasons = Object.entries(because).map(([part, why]) => `${part} not measured: ${why}`);
  return [told, ...reasons].join('\n\n');
}
