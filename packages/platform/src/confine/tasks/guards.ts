/** Measures guards before a model inside the worker. */
import { readAll, systemClock } from '@merlon/core';
import { openSession, readOnnx } from '@merlon/graph';
import { type GuardVerdict, measureGuards, parseGuardConfig } from '@merlon/harden';
import { PlatformError } from '../../errors.ts';
import type { TaskContext } from '../task.ts';
import type { AssessOptions } from './assess.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';
import { gradientsOf, sampled, threatOf } from './white-box.ts';

/** What to measure. */
export interface GuardsInput extends DataInput {
  readonly options: Pick<
    AssessOptions,
    'norm' | 'epsilon' | 'bounds' | 'samples' | 'seed' | 'threads' | 'queriesMax'
  > & { readonly guards: unknown };
}

/** Fewer than of other tests: each is attacked in four ways. */
const samplesUsual = 200;

/** Attacks the model in source `model` behind guards; throws `bad-request` without gradients. */
export async function guardsTask(input: GuardsInput, context: TaskContext): Promise<GuardVerdict> {
  const { options } = input;
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const { dataset, schema } = await datasetFrom(input, context);
  const { source, because } = await gradientsOf(readOnnx(bytes), options);
  if (source === null) {
    throw new PlatformError('bad-request', `guards cannot be measured here: ${because}`, {
      hint: 'only models with gradients have attackers who know and who do not know of guards',
    });
  }
  const session = await openSession(bytes, { threads: options.threads });
  const { seed, samples = samplesUsual } = options;
  const chosen = sampled(dataset, { seed, samples }, schema);
  return measureGuards({ session, gradient: source }, parseGuardConfig(options.guards), chosen, {
    ...{ seed, samples: chosen.labels.length, clock: systemClock },
    ...threatOf(options, schema),
    onProgress: context.onProgress,
  });
}
