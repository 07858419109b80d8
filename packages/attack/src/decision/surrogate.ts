/**
 * Transfer from a distilled surrogate (Papernot, McDaniel, Goodfellow et al. 2017): a small network
 * learns the model's answers on data and noise, is attacked with its own gradients, and what is
 * found is tried on the model. Needs decisions only, and few of them for each row.
 */
import type { Random } from '@merlon/core';
import { type Batch, rowOf, sizeOf } from '../batch.ts';
import { stopWhenAborted } from '../error.ts';
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
import { type Network, trainNetwork } from './network.ts';

/** How the transfer goes. */
export interface SurrogateOptions {
  readonly budget: Linf | L2;
  readonly bounds: Bounds;
  readonly random: Random;
  /** Rows whose answers the surrogate learns. */
  readonly pool: { readonly x: Float32Array; readonly rows: number };
  readonly criterion?: Criterion;
  /** Most queries in all for learning (default 2,000). */
  readonly queriesMax?: number;
  readonly signal?: AbortSignal;
  readonly onRound?: (done: number, total: number) => void;
}

const rounds = 3;
const steps = 30;

/**
 * One candidate for each row. Each round attacks what stands; its candidates, answered by the
 * model, teach the surrogate of the next round.
 */
export async function surrogateTransfer(
  model: Classifier,
  batch: Batch,
  options: SurrogateOptions,
): Promise<Float32Array> {
  const { criterion = untargeted, random, queriesMax = 2000 } = options;
  const x = batch.x.slice();
  const size = sizeOf(batch);
  const count = batch.labels.length;
  if (count === 0) return x;
  const known = teachingRows(batch, options, Math.max(1, queriesMax - rounds * count));
  const answers = [...(await model.predict(stack(known, size)))];
  let standing = Array.from({ length: count }, (_, row) => row);
  let network: Network | undefined;
  for (let round = 0; round < rounds && standing.length > 0; round++) {
    stopWhenAborted(options.signal);
    const taught = { x: stack(known, size), labels: Int32Array.from(answers) };
    const from = network === undefined ? {} : { from: network };
    const trained = trainNetwork(taught, size, random.fork(`round ${round}`), from);
    network = trained;
    for (const row of standing) {
      const clean = rowOf(batch.x, row, size);
      const goal = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
      x.set(climb(trained, clean, batch.labels[row] ?? 0, goal, options), row * size);
    }
    const tried = stack(
      standing.map((row) => rowOf(x, row, size)),
      size,
    );
    const got = await model.predict(tried);
    standing.forEach((_, i) => {
      known.push(rowOf(tried, i, size));
      answers.push(got[i] ?? -1);
    });
    standing = standing.filter((row, i) => {
      return !isSuccess(criterion, got[i] ?? -1, batch.labels[row] ?? 0, row);
    });
    options.onRound?.(round + 1, rounds);
  }
  return x;
}

/** Rows of the data, the attacked rows, and both with noise of a tenth of the bounds. */
function teachingRows(batch: Batch, options: SurrogateOptions, count: number): Float32Array[] {
  const { pool, random, bounds } = options;
  const size = sizeOf(batch);
  const noise = random.fork('noise');
  const order = random.fork('pool').permutation(pool.rows);
  const rows = [...order].slice(0, count / 2).map((row) => rowOf(pool.x, row, size));
  for (let row = 0; row < batch.labels.length && rows.length < count / 2; row++) {
    rows.push(rowOf(batch.x, row, size));
  }
  const plain = rows.length;
  const { min, max } = bounds;
  while (rows.length < count) {
    const from = rows[noise.integer(Math.max(1, plain))] ?? rowOf(batch.x, 0, size);
    const reach = (max - min) * (rows.length % 2 === 0 ? 0.1 : 0.3);
    rows.push(from.map((value) => Math.min(Math.max(value + reach * noise.normal(), min), max)));
  }
  return rows;
}

/** Projected ascent of the surrogate's loss, after Madry et al. 2018. */
function climb(
  network: Network,
  clean: Float32Array,
  label: number,
  target: number | undefined,
  { budget, bounds }: SurrogateOptions,
): Float32Array {
  const region = ball(clean, clean.length, budget, bounds);
  const x = clean.slice();
  const length = (2.5 * budget.epsilon) / steps;
  for (let step = 0; step < steps; step++) {
    const slope = network.gradient(x, target ?? label);
    region.step(x, slope, target === undefined ? length : -length);
  }
  return x;
}

function stack(rows: readonly Float32Array[], size: number): Float32Array {
  const x = new Float32Array(rows.length * size);
  rows.forEach((row, i) => {
    x.set(row, i * size);
  });
  return x;
}
