/**
 * An adversarial patch on each image (after Brown et al. 2017 and Karmon et al. 2018): a square of
 * as many elements as the L0 radius allows, anywhere in bounds, by sign steps on the margin. The
 * first place is where the gradient is strongest, the others are drawn.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, idOf, positions, rowOf, sizeOf } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type ImageLayout, layoutOf } from '../score/layout.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';

/** How the search goes. */
export interface PatchOptions {
  /** At most this many elements (L0), over all channels. */
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Places tried for each row (default 8). */
  readonly places?: number;
  /** Gradient steps at each place (default 20). */
  readonly steps?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** One candidate for each row; broken rows leave the search. */
export async function patch(
  model: DifferentiableClassifier,
  batch: Batch,
  options: PatchOptions,
): Promise<Float32Array> {
  const { budget, criterion = untargeted, places = 8, steps = 20 } = options;
  if (budget.norm !== 'l0') {
    throw new AttackError('invalid-option', `"norm" expected "l0", got "${budget.norm}"`);
  }
  const size = sizeOf(batch);
  const layout = layoutOf(model.inputShape);
  const sides = sidesOf(layout, budget.epsilon);
  const x = batch.x.slice();
  if (sides === undefined || batch.labels.length === 0) return x;
  const goals = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  const { gradient } = await model.lossGradient(batch.x, goals, { loss: 'margin' });
  let rows = positions(batch.labels.length);
  for (let place = 0; place < places && rows.length > 0; place++) {
    const masks = rows.map((row) => {
      const random = options.random.fork(`place ${place}`).fork(`row ${idOf(batch, row)}`);
      const steepest = place === 0 ? rowOf(gradient, row, size) : undefined;
      return maskOf(layout, sides, steepest, random);
    });
    const onStep = (done: number) => options.onStep?.(place * steps + done, places * steps);
    const found = await fill(model, batch, rows, masks, { ...options, criterion, steps, onStep });
    rows.forEach((row, i) => {
      x.set(rowOf(found.x, i, size), row * size);
    });
    rows = rows.filter((_, i) => !found.broken[i]);
  }
  return x;
}

async function fill(
  model: DifferentiableClassifier,
  batch: Batch,
  rows: readonly number[],
  masks: readonly Uint8Array[],
  options: PatchOptions & { readonly criterion: Criterion; readonly steps: number },
): Promise<{ x: Float32Array; broken: boolean[] }> {
  const { bounds, criterion, steps } = options;
  const size = sizeOf(batch);
  const toward = criterion.kind === 'targeted' ? -1 : 1;
  const from = criterion.kind === 'targeted' ? criterion.targets : batch.labels;
  const goals = Int32Array.from(rows, (row) => from[row] ?? 0);
  const now = gather(batch.x, rows, size);
  const x = now.slice();
  const broken = rows.map(() => false);
  for (let step = 0; step <= steps; step++) {
    stopWhenAborted(options.signal);
    const found = await model.lossGradient(now, goals, { loss: 'margin' });
    const by = ((bounds.max - bounds.min) / 2) * (1 - step / (steps + 1));
    rows.forEach((row, i) => {
      if (broken[i]) return;
      x.set(rowOf(now, i, size), i * size);
      const answer = found.predictions[i] ?? -1;
      broken[i] = isSuccess(criterion, answer, batch.labels[row] ?? 0, row);
      for (let k = 0; k < size; k++) {
        if (masks[i]?.[k] !== 1) continue;
        const at = i * size + k;
        const next = (now[at] ?? 0) + toward * by * Math.sign(found.gradient[at] ?? 0);
        now[at] = Math.min(Math.max(next, bounds.min), bounds.max);
      }
    });
    if (broken.every(Boolean)) break;
    options.onStep?.(Math.min(step + 1, steps), steps);
  }
  return { x, broken };
}

interface Sides {
  readonly tall: number;
  readonly wide: number;
}

/** The largest square of so many elements; undefined when there is not one. */
function sidesOf({ channels, height, width }: ImageLayout, elements: number): Sides | undefined {
  const area = Math.floor(Math.min(elements, channels * height * width) / channels);
  if (area < 1) return undefined;
  if (height === 1) return { tall: 1, wide: area };
  const tall = Math.min(Math.floor(Math.sqrt(area)), height);
  return { tall, wide: Math.min(Math.floor(area / tall), width) };
}

/** Where the patch lies: the window of the greatest gradient, or a drawn one. */
function maskOf(
  layout: ImageLayout,
  { tall, wide }: Sides,
  slope: Float32Array | undefined,
  random: Random,
): Uint8Array {
  const { channels, height, width } = layout;
  let place = { top: random.integer(height - tall + 1), left: random.integer(width - wide + 1) };
  const each = (top: number, left: number, visit: (at: number) => void): void => {
    for (let channel = 0; channel < channels; channel++) {
      for (let line = top; line < top + tall; line++) {
        for (let column = left; column < left + wide; column++) {
          visit((channel * height + line) * width + column);
        }
      }
    }
  };
  if (slope !== undefined) {
    let most = -1;
    for (let top = 0; top + tall <= height; top++) {
      for (let left = 0; left + wide <= width; left++) {
        let sum = 0;
        each(top, left, (at) => {
          sum += Math.abs(slope[at] ?? 0);
        });
        if (sum <= most) continue;
        most = sum;
        place = { top, left };
      }
    }
  }
  const mask = new Uint8Array(channels * height * width);
  each(place.top, place.left, (at) => {
    mask[at] = 1;
  });
  return mask;
}
