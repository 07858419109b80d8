/** Membership inference alone, inside the worker: cheap enough for every assessment. */
import { classifier, type MembershipReport, membership } from '@merlon/attack';
import { readAll, seeded } from '@merlon/core';
import { openSession, readOnnx, sample, withoutZipMap, writeOnnx } from '@merlon/graph';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';
import type { PrivacyInput } from './privacy.ts';

/** Which rows were trained on (source `data`), and which were not (`others`). */
export interface MembershipInput extends DataInput {
  readonly others: DataInput;
  readonly options: Pick<PrivacyInput['options'], 'samples' | 'seed' | 'threads'>;
}

/** The report; null for a model that gives labels and no scores. */
export async function membershipTask(
  input: MembershipInput,
  context: TaskContext,
): Promise<MembershipReport | null> {
  const { samples: count, seed, threads } = input.options;
  const random = seeded(seed);
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const { dataset: inside } = await datasetFrom(input, context);
  const { dataset: outside } = await datasetFrom(input.others, context);
  const members = sample(inside, { count, random: random.fork('members') });
  const others = sample(outside, { count, random: random.fork('others') });
  const session = await openSession(writeOnnx(withoutZipMap(readOnnx(bytes))), { threads });
  try {
    const model = classifier(session, { inputShape: members.shape.slice(1) });
    return model.givesScores ? await membership(model, members, others) : null;
  } finally {
    await session.close();
  }
}
