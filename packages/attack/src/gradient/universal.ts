/**
 * A universal perturbation (Moosavi-Dezfooli et al. 2017), found as Shafahi et al. 2020 do: one
 * change for all samples, by projected steps on the summed margin of those still right.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, positions, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { ball } from './ball.ts';

/** How the search goes. */
export interface UniversalOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Passes over the samples (default 20). */
  readonly passes?: number;
  /** Samples a step (default 64). */
  readonly batchRows?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** All rows moved by the change that breaks most of them. */
export async function universal(
  model: DifferentiableClassifier,
  batch: Batch,
  options: UniversalOptions,
): Promise<Float32Array> {
  const { budget, bounds, criterion = untargeted, passes = 20, batchRows = 64 } = options;
  const size = sizeOf(batch);
  const rows = batch.labels.length;
  const region = ball(batch.x, size, budget, bounds);
  const anywhere = ball(new Float32Array(size), size, budget, { min: -1e30, max: 1e30 });
  const change = new Float32Array(size);
  const parts = Math.ceil(rows / batchRows);
  let best: { x: Float32Array; broken: number } = { x: batch.x.slice(), broken: -1 };
  for (let pass = 0; pass < passes && rows > 0; pass++) {
    const order = options.random.fork(`pass ${pass}`).permutation(rows);
    for (let part = 0; part < parts; part++) {
      stopWhenAborted(options.signal);
      const own = order.subarray(part * batchRows, (part + 1) * batchRows);
      const slope = await summedSlope(model, batch, own, { change, bounds, criterion });
      anywhere.step(change, slope, budget.epsilon / (1 + pass / 2) / Math.sqrt(parts));
      options.onStep?.(pass * parts + part + 1, passes * parts);
    }
    const x = moved(batch.x, change, bounds);
    region.project(x);
    const answers = await model.predict(x);
    const broken = positions(rows).filter((row) =>
      isSuccess(criterion, answers[row] ?? -1, batch.labels[row] ?? 0, row),
    ).length;
    if (broken > best.broken) best = { x, broken };
  }
  return best.x;
}

/** The gradient of the margins of the rows that are still right, summed over them. */
async function summedSlope(
  model: DifferentiableClassifier,
  batch: Batch,
  rows: Uint32Array,
  of: { readonly change: Float32Array; readonly bounds: Bounds; readonly criterion: Criterion },
): Promise<Float32Array> {
  const size = of.change.length;
  const toward = of.criterion.kind === 'targeted' ? -1 : 1;
  const goals = of.criterion.kind === 'targeted' ? of.criterion.targets : batch.labels;
  const x = moved(gather(batch.x, rows, size), of.change, of.bounds);
  const labels = Int32Array.from(rows, (row) => goals[row] ?? 0);
  const { gradient, loss } = await model.lossGradient(x, labels, { loss: 'margin' });
  const sum = new Float32Array(size);
  for (let i = 0; i < rows.length; i++) {
    if (toward * (loss[i] ?? 0) > 0) continue;
    const own = rowOf(gradient, i, size);
    for (let k = 0; k < size; k++) sum[k] = (sum[k] ?? 0) + toward * (own[k] ?? 0);
  }
  return sum;
}

function moved(x: Float32Array, change: Float32Array, { min, max }: Bounds): Float32Array {
  const size = change.length;
  return x.map((value, i) => Math.min(Math.max(value + (change[i % size] ?? 0), min), max));
}
