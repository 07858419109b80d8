/**
 * The Square attack in linf (Andriushchenko et al. 2020, algorithm 2): random squares at the edge
 * of the ball, kept when the margin falls. It needs scores but no gradients, so that it also
 * finds what masked gradients hide.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, positions, rowOf, sizeOf } from '../batch.ts';
import { ball } from '../gradient/ball.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Bounds, type Criterion, isSuccess, type Linf, untargeted } from '../threat.ts';

/** How the search goes. */
export interface SquareOptions {
  readonly budget: Linf;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most queries for a row (default 1,000). */
  readonly queriesMax?: number;
  /** Share of the image that the first squares cover (default 0.8). */
  readonly firstShare?: number;
  /** Told after every round: rounds done and rounds in all. */
  readonly onRound?: (done: number, total: number) => void;
}

interface Layout {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** One candidate for each row, inside budget and bounds; broken rows leave the search. */
export async function square(
  model: Classifier,
  batch: Batch,
  options: SquareOptions,
): Promise<Float32Array> {
  const { budget, bounds, criterion = untargeted, queriesMax = 1000 } = options;
  const size = sizeOf(batch);
  const layout = layoutOf(model.inputShape);
  const best = batch.x.slice();
  const margins = new Float32Array(batch.labels.length).fill(Number.POSITIVE_INFINITY);
  const randoms = positions(batch.labels.length).map((row) => options.random.fork(`row ${row}`));
  let standing = positions(batch.labels.length);
  for (let round = 0; round < queriesMax && standing.length > 0; round++) {
    const clean = gather(batch.x, standing, size);
    const tried = round === 0 ? clean.slice() : gather(best, standing, size);
    const share = (options.firstShare ?? 0.8) * shrink(Math.floor((round / queriesMax) * 10_000));
    standing.forEach((row, i) => {
      const random = randoms[row] ?? options.random;
      const [own, origin] = [rowOf(tried, i, size), rowOf(clean, i, size)];
      if (round === 0) paintStripes(own, origin, layout, budget.epsilon, random);
      else paintSquare(own, origin, layout, { epsilon: budget.epsilon, share, random });
    });
    ball(clean, size, budget, bounds).project(tried);
    const { values, classes, predictions } = await model.scores(tried);
    standing = standing.filter((row, i) => {
      const label = batch.labels[row] ?? 0;
      const broken = isSuccess(criterion, predictions[i] ?? -1, label, row);
      const margin = marginOf(rowOf(values, i, classes), criterion, label, row);
      if (broken || margin < (margins[row] ?? 0)) {
        margins[row] = margin;
        best.set(rowOf(tried, i, size), row * size);
      }
      return !broken;
    });
    options.onRound?.(round + 1, queriesMax);
  }
  return best;
}

/** Images keep their axes; any other shape is one line. */
function layoutOf(shape: readonly number[]): Layout {
  const [channels = 1, height = 1, width = 1] = shape;
  if (shape.length === 3) return { channels, height, width };
  return { channels: 1, height: 1, width: shape.reduce((product, axis) => product * axis, 1) };
}

/** The published schedule by which squares shrink over 10,000 rounds. */
function shrink(round: number): number {
  const edges = [10, 50, 200, 500, 1000, 2000, 4000, 6000, 8000];
  return 2 ** -edges.filter((edge) => round > edge).length;
}

function paintStripes(
  row: Float32Array,
  clean: Float32Array,
  { channels, height, width }: Layout,
  epsilon: number,
  random: Random,
): void {
  for (let channel = 0; channel < channels; channel++) {
    for (let column = 0; column < width; column++) {
      const by = random.uniform() < 0.5 ? epsilon : -epsilon;
      for (let line = 0; line < height; line++) {
        const at = (channel * height + line) * width + column;
        row[at] = (clean[at] ?? 0) + by;
      }
    }
  }
}

function paintSquare(
  row: Float32Array,
  clean: Float32Array,
  { channels, height, width }: Layout,
  options: { readonly epsilon: number; readonly share: number; readonly random: Random },
): void {
  const { epsilon, share, random } = options;
  const side = Math.max(1, Math.round(Math.sqrt(share * height * width)));
  const tall = Math.min(side, height);
  const wide = Math.min(height === 1 ? Math.max(1, Math.round(share * width)) : side, width);
  const top = random.integer(height - tall + 1);
  const left = random.integer(width - wide + 1);
  for (let channel = 0; channel < channels; channel++) {
    const by = random.uniform() < 0.5 ? epsilon : -epsilon;
    for (let line = top; line < top + tall; line++) {
      for (let column = left; column < left + wide; column++) {
        const at = (channel * height + line) * width + column;
        row[at] = (clean[at] ?? 0) + by;
      }
    }
  }
}

/** By how much the class that must not win leads; negative is success. */
function marginOf(scores: Float32Array, criterion: Criterion, label: number, row: number): number {
  const wanted = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
  const held = wanted ?? label;
  const other = scores.reduce(
    (most, score, k) => (k === held ? most : Math.max(most, score)),
    Number.NEGATIVE_INFINITY,
  );
  const lead = (scores[held] ?? 0) - other;
  return wanted === undefined ? lead : -lead;
}
