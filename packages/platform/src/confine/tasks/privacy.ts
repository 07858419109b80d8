/** Privacy tests inside the worker: membership, inversion, extraction. */
import {
  AttackError,
  classifier,
  differentiable,
  type ExtractionReport,
  extraction,
  type InversionReport,
  inversion,
  type MembershipReport,
  membership,
} from '@merlon/attack';
import { readAll, seeded } from '@merlon/core';
import {
  type DataSchema,
  type Dataset,
  openSession,
  readOnnx,
  type Session,
  sample,
  withoutZipMap,
  writeOnnx,
} from '@merlon/graph';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';
import { boundsOf, gradientsOf } from './white-box.ts';

/** Which data, and how. */
export interface PrivacyInput extends DataInput {
  /** Rows that the model was not trained on; source `data` has its training rows. */
  readonly others: DataInput;
  readonly options: {
    /** Rows of each side at most. */
    readonly samples: number;
    readonly seed: number;
    readonly threads: number;
    readonly bounds?: readonly [number, number];
  };
}

/** What leaks; a part that cannot be measured is null, with the reason. */
export interface PrivacyOutput {
  readonly membership: MembershipReport | null;
  readonly inversion:
    | (Omit<InversionReport, 'classes'> & {
        readonly classes: readonly {
          readonly class: string;
          readonly correlation: number;
          readonly baseline: number;
          readonly reached: boolean;
        }[];
      })
    | null;
  readonly extraction: ExtractionReport;
  readonly because: { readonly membership?: string; readonly inversion?: string };
}

/** Measures the model in source `model` on the rows of sources `data` and `others`. */
export async function privacyTask(
  input: PrivacyInput,
  context: TaskContext,
): Promise<PrivacyOutput> {
  const { samples, seed, threads } = input.options;
  const random = seeded(seed);
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const read = await datasetFrom(input, context);
  const { dataset: outside } = await datasetFrom(input.others, context);
  const [own, other] = [read.dataset, outside].map(({ shape }) => shape.slice(1).join(', '));
  if (own !== other) {
    const got = `expected rows of shape [${own}] as the members have, got [${other}]`;
    throw new AttackError('invalid-data', `others ${got}`, {
      hint: 'Give rows of the same kind that the model was not trained on.',
    });
  }
  const members = sample(read.dataset, { count: samples, random: random.fork('members') });
  const others = sample(outside, { count: samples, random: random.fork('others') });
  const session = await openSession(writeOnnx(withoutZipMap(readOnnx(bytes))), { threads });
  const { onProgress } = context;
  const report = (label: string, done: number) => onProgress({ label, done, total: 3 });
  try {
    const inputShape = members.shape.slice(1);
    const model = classifier(session, { inputShape });
    report('membership', 0);
    const told = model.givesScores ? await membership(model, members, others) : null;
    report('inversion', 1);
    const inverted = await inversionOf(bytes, { session, members, schema: read.schema, input });
    report('extraction', 2);
    const stolen = await extraction(model, others, { random: random.fork('extraction') });
    report('extraction', 3);
    return {
      membership: told,
      inversion: inverted.report,
      extraction: stolen,
      because: {
        ...(told === null && { membership: 'the model gives labels and no scores' }),
        ...(inverted.because !== '' && { inversion: inverted.because }),
      },
    };
  } finally {
    await session.close();
  }
}

async function inversionOf(
  bytes: Uint8Array,
  of: {
    readonly session: Session;
    readonly members: Dataset;
    readonly schema: DataSchema | null;
    readonly input: PrivacyInput;
  },
): Promise<{ report: PrivacyOutput['inversion']; because: string }> {
  const { session, members, schema, input } = of;
  const bounds = boundsOf(input.options, schema);
  const { source, because } = await gradientsOf(readOnnx(bytes), input.options);
  if (source === null) return { report: null, because };
  try {
    const model = differentiable(session, source, { inputShape: members.shape.slice(1) });
    const { classes, ...figures } = await inversion(model, members, { bounds });
    const shown = classes.map(({ label, correlation, baseline, reached }) => {
      return { class: members.classes[label] ?? String(label), correlation, baseline, reached };
    });
    return { report: { ...figures, classes: shown }, because: '' };
  } catch (error) {
    if (error instanceof AttackError) return { report: null, because: error.message };
    throw error;
  } finally {
    await source.close();
  }
}
