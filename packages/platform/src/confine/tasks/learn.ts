/** What detectors learn of benign traffic, inside the worker, from training rows. */
import { classifier } from '@merlon/attack';
import { readAll, seeded } from '@merlon/core';
import { openSession } from '@merlon/graph';
import {
  type BenignRows,
  type DirectionProfile,
  learnDirection,
  learnNeighbour,
  type NeighbourProfile,
  tunePrada,
} from '@merlon/monitor';
import { inverseDeviations } from '../../scale.ts';
import type { TaskContext } from '../task.ts';
import { inputBytesMax } from './data.ts';
import { type ReferenceInput, referenceTask } from './reference.ts';

/** What is learnt once for a deployment; plain data. */
export interface Learnt {
  /** Alarm level of PRADA. */
  readonly delta: number;
  /** Null for tables, whose rows are not moved by small steps in all columns. */
  readonly sequences: {
    readonly neighbour: NeighbourProfile;
    readonly direction: DirectionProfile;
  } | null;
}

/** Which rows, and a seed that clients must not know: it decides the projections. */
export interface LearnInput extends ReferenceInput {
  readonly secretSeed: number;
}

/** Learns from the data in source `data` and the answers of the model in source `model`. */
export async function learnTask(input: LearnInput, context: TaskContext): Promise<Learnt> {
  const reference = await referenceTask(input, context);
  const { x, features, table } = reference;
  const session = await openSession(await readAll(context.source('model'), inputBytesMax), {
    threads: 1,
  });
  let labels: Int32Array;
  try {
    labels = await classifier(session).predict(x);
  } finally {
    await session.close();
  }
  const rows: BenignRows = { x, features, labels };
  const scale = table ? { scale: inverseDeviations(reference) } : {};
  const seed = input.secretSeed;
  return {
    delta: tunePrada(rows, { ...scale, random: seeded(input.seed) }),
    sequences: table
      ? null
      : { neighbour: learnNeighbour(rows, { seed }), direction: learnDirection(rows, { seed }) },
  };
}
