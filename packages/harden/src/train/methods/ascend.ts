/** Projected gradient ascent in an L∞ ball (Madry et al. 2018), the inner half of most methods. */
import type { Random } from '@merlon/core';
import type { Batch, Rows } from '../batch.ts';
import type { StepContext } from './method.ts';

/** Where and how far to climb. */
export interface Ascent {
  readonly epsilon: number;
  readonly stepSize: number;
  readonly steps: number;
  readonly bounds: readonly [number, number];
  /** Elements before this one stay as they are. */
  readonly from?: number;
  readonly signal?: AbortSignal | undefined;
}

/** Gradient of what is to grow, by the rows. */
export type Slope = (rows: Rows) => Promise<Float32Array>;

/** Climbs from `start`, never further than ε from `clean`; returns the last rows. */
export async function ascend(
  clean: Rows,
  start: Float32Array,
  { slope, ...ascent }: Ascent & { readonly slope: Slope },
): Promise<Float32Array> {
  const { epsilon, stepSize, steps, from = 0, signal } = ascent;
  const [least, most] = ascent.bounds;
  const x = start.slice();
  for (let s = 0; s < steps; s++) {
    signal?.throwIfAborted();
    const gradient = await slope({ x, shape: clean.shape });
    for (let i = from; i < x.length; i++) {
      const center = clean.x[i] ?? 0;
      const moved = (x[i] ?? 0) + stepSize * Math.sign(gradient[i] ?? 0);
      const inside = Math.max(center - epsilon, Math.min(center + epsilon, moved));
      x[i] = Math.max(least, Math.min(most, inside));
    }
  }
  return x;
}

/** Uniform noise in the ball and the bounds, for elements from `from` on. */
export function uniformStart(
  { x }: Rows,
  { epsilon, bounds: [least, most], from = 0 }: Pick<Ascent, 'epsilon' | 'bounds' | 'from'>,
  random: Random,
): Float32Array {
  const start = x.slice();
  for (let i = from; i < x.length; i++) {
    const moved = (x[i] ?? 0) + epsilon * (2 * random.uniform() - 1);
    start[i] = Math.max(least, Math.min(most, moved));
  }
  return start;
}

/** Small Gaussian noise, as TRADES and MART begin with; a start at the row itself has no slope. */
export function normalStart({ x }: Rows, sigma: number, random: Random): Float32Array {
  return x.map((value) => value + sigma * random.normal());
}

/** The ascent that the settings ask for, with steps as long as the radius of this time allows. */
export function ascentOf({ settings, grown }: StepContext): Ascent {
  const { attackSteps: steps, bounds, signal } = settings;
  const [epsilon, stepSize] = [settings.epsilon * grown, settings.stepSize * grown];
  return { epsilon, stepSize, steps, bounds, signal };
}

/** Rows climbed from a random start against their labels; some may be left clean. */
export async function attacked(context: StepContext, batch: Batch): Promise<Float32Array> {
  const { settings, network, random } = context;
  const size = batch.x.length / Math.max(1, batch.labels.length);
  const from = Math.round(settings.cleanShare * batch.labels.length) * size;
  const ascent = { ...ascentOf(context), from };
  const slope: Slope = (rows) => network.climb({ ...rows, labels: batch.labels });
  return ascend(batch, uniformStart(batch, ascent, random), { ...ascent, slope });
}
