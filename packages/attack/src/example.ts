/** A few inputs behind a verdict: what the model saw clean, what fooled it, and the difference. */
import { type Batch, rowOf, sizeOf } from './batch.ts';
import type { Judgement } from './verdict.ts';

/** One broken sample. */
export interface Example {
  readonly attack: string;
  /** Shape of one sample. */
  readonly shape: readonly number[];
  /** The true class, which is also what the model said of the clean input. */
  readonly label: number;
  /** What the model says of the adversarial input. */
  readonly after: number;
  readonly clean: Float32Array;
  readonly adversarial: Float32Array;
  /** adversarial − clean. */
  readonly difference: Float32Array;
  /** Size of the difference in the attack's norm. */
  readonly distance: number;
}

/** Up to `most` broken samples, of different classes as far as there are, in order. */
export function examplesOf(
  attack: string,
  batch: Batch,
  judgement: Judgement,
  options: { readonly shape: readonly number[]; readonly most: number },
): Example[] {
  const size = sizeOf(batch);
  const broken = [...judgement.broken.keys()].filter((row) => judgement.broken[row]);
  const first = broken.filter(
    (row, i) => broken.findIndex((other) => batch.labels[other] === batch.labels[row]) === i,
  );
  const others = broken.filter((row) => !first.includes(row));
  return [...first, ...others].slice(0, options.most).map((row) => {
    const clean = rowOf(batch.x, row, size).slice();
    const adversarial = rowOf(judgement.x, row, size).slice();
    return {
      attack,
      shape: options.shape,
      label: batch.labels[row] ?? 0,
      after: judgement.predictions[row] ?? -1,
      clean,
      adversarial,
      difference: adversarial.map((value, i) => value - (clean[i] ?? 0)),
      distance: judgement.distances[row] ?? 0,
    };
  });
}
