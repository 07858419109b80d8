/**
 * Random points on the edge of the ball: the floor under every attack. A search that breaks less
 * than noise does has failed, whatever it says (Carlini et al. 2019, section 4).
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, positions, rowOf, sizeOf } from '../batch.ts';
import { ball } from '../gradient/ball.ts';
import type { Classifier } from '../model/classifier.ts';
import {
  type Bounds,
  type Criterion,
  isSuccess,
  type L2,
  type Linf,
  untargeted,
} from '../threat.ts';

/** How much noise is tried. */
export interface NoiseOptions {
  readonly budget: Linf | L2;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Points tried for a row (default 20). */
  readonly tries?: number;
  /** Told after every try. */
  readonly onTry?: (done: number, total: number) => void;
}

/** One candidate for each row: the first noise that worked, or the last that was tried. */
export async function noise(
  model: Classifier,
  batch: Batch,
  options: NoiseOptions,
): Promise<Float32Array> {
  const { budget, bounds, random, criterion = untargeted, tries = 20 } = options;
  const size = sizeOf(batch);
  const x = batch.x.slice();
  let standing = positions(batch.labels.length);
  for (let round = 0; round < tries && standing.length > 0; round++) {
    const clean = gather(batch.x, standing, size);
    const direction = clean.map(() => random.normal());
    const tried = clean.slice();
    ball(clean, size, budget, bounds).step(tried, direction, budget.epsilon);
    const answers = await model.predict(tried);
    standing.forEach((row, i) => {
      x.set(rowOf(tried, i, size), row * size);
    });
    standing = standing.filter((row, i) => {
      return !isSuccess(criterion, answers[i] ?? -1, batch.labels[row] ?? 0, row);
    });
    options.onTry?.(round + 1, tries);
  }
  return x;
}
