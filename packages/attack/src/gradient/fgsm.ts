/**
 * The fast gradient sign method (Goodfellow, Shlens and Szegedy 2015, section 4): one step of
 * full length along the gradient of the loss. In L2 the step goes along the gradient itself.
 */
import { type Batch, sizeOf } from '../batch.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { type Bounds, type Budget, type Criterion, untargeted } from '../threat.ts';
import { ball } from './ball.ts';

/** What the step may do. */
export interface FgsmOptions {
  readonly budget: Budget;
  readonly bounds: Bounds;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
}

/** One candidate for each row, inside budget and bounds; one gradient a row. */
export async function fgsm(
  model: DifferentiableClassifier,
  batch: Batch,
  options: FgsmOptions,
): Promise<Float32Array> {
  const { budget, bounds, criterion = untargeted } = options;
  const toward = criterion.kind === 'targeted';
  const goal = toward ? criterion.targets : batch.labels;
  const { gradient } = await model.lossGradient(batch.x, goal);
  const x = batch.x.slice();
  const region = ball(batch.x, sizeOf(batch), budget, bounds);
  region.step(x, gradient, toward ? -budget.epsilon : budget.epsilon);
  return x;
}
