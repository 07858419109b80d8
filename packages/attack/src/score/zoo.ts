/**
 * ZOO (Chen et al. 2017, algorithm 2): the objective of Carlini and Wagner with slopes from two
 * queries for each of some randomly chosen elements, by Adam on each element. Looks for a small
 * L2 change; every row has its budget of queries and its own draws, and always ends. Where no query
 * differs, as on the plateaus of trees, it asks further and walks from data of another class.
 */
import type { Random } from '@merlon/core';
import { type Batch, gather, idOf, positions, rowOf, sizeOf } from '../batch.ts';
import { startQueriesMax, startRows } from '../decision/walk.ts';
import { stopWhenAborted } from '../error.ts';
import { nearestOf } from '../minimal/nearest.ts';
import type { Classifier } from '../model/classifier.ts';
import type { Pool } from '../tabular/starts.ts';
import { type Bounds, type Criterion, isSuccess, untargeted } from '../threat.ts';
import { marginOf } from './layout.ts';

/** How the search goes. */
export interface ZooOptions {
  readonly bounds: Bounds;
  readonly random: Random;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most queries for a row (default 5,000). */
  readonly queriesMax?: number;
  /** Elements a step (default 128; all where there are fewer). */
  readonly elements?: number;
  /** How far to ask, as a share of the bounds' range (default 0.001). */
  readonly reach?: number;
  /** Step of Adam, as a share of the range (default 0.05). */
  readonly stepSize?: number;
  /** Weight of the margin against the squared distance (default 10). */
  readonly weight?: number;
  /** Rows of the data to start from where the model is flat around a row (default: none). */
  readonly pool?: Pool;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

const elementsMax = 2 ** 21;

/** Where queries do not differ they are asked ten times as far, up to this share of the range. */
const reachMax = 0.1;

interface Walk {
  readonly random: Random;
  readonly first: Float64Array;
  readonly second: Float64Array;
  readonly count: Int32Array;
  /** How far the next step asks, as a share of the range. */
  reach: number;
  /** True when no query of the last step differed. */
  flat: boolean;
}

/** The nearest adversarial point in L2 that was met of each row; the clean row where none was. */
export async function zoo(
  model: Classifier,
  batch: Batch,
  options: ZooOptions,
): Promise<Float32Array> {
  const { criterion = untargeted, queriesMax = 5000, random } = options;
  const size = sizeOf(batch);
  // A small budget is not spent on starts.
  const pool = queriesMax > 4 * startQueriesMax ? options.pool : undefined;
  const asked = pool === undefined ? queriesMax : queriesMax - startQueriesMax;
  const few = Math.max(1, Math.min(options.elements ?? 128, size, Math.floor(asked / 4)));
  const steps = Math.max(1, Math.floor(asked / (2 * few + 1)));
  const how = { bounds: options.bounds, random: random.fork('starts'), criterion };
  const starts = pool === undefined ? [] : await startRows(model, batch, { ...how, pool });
  const found = nearestOf(batch, 'l2');
  const group = Math.max(1, Math.floor(elementsMax / (2 * few * Math.max(1, size))));
  const rows = positions(batch.labels.length);
  for (let from = 0; from < rows.length; from += group) {
    const some = rows.slice(from, from + group);
    const now = gather(batch.x, some, size);
    const walks = some.map((row) => ({
      random: random.fork(`row ${idOf(batch, row)}`),
      first: new Float64Array(size),
      second: new Float64Array(size),
      count: new Int32Array(size),
      reach: options.reach ?? 1e-3,
      flat: false,
    }));
    some.forEach((row) => {
      const start = starts[row];
      if (start !== undefined) found.offer(row, start, 0);
    });
    for (let step = 0; step < steps; step++) {
      stopWhenAborted(options.signal);
      await stepAll(model, batch, some, now, { ...options, criterion, few, walks });
      some.forEach((row, i) => {
        const start = starts[row];
        if (step === 0 && walks[i]?.flat && start !== undefined) now.set(start, i * size);
      });
      const answers = await model.predict(now);
      some.forEach((row, i) => {
        const label = batch.labels[row] ?? 0;
        const wrong = isSuccess(criterion, answers[i] ?? -1, label, row);
        if (wrong) found.offer(row, now, i * size);
      });
      options.onStep?.(from * steps + (step + 1) * some.length, rows.length * steps);
    }
  }
  return found.x;
}

async function stepAll(
  model: Classifier,
  batch: Batch,
  rows: readonly number[],
  now: Float32Array,
  options: ZooOptions & {
    readonly criterion: Criterion;
    readonly few: number;
    readonly walks: readonly Walk[];
  },
): Promise<void> {
  const { bounds, few, walks, criterion, weight = 10 } = options;
  const size = now.length / rows.length;
  const range = bounds.max - bounds.min;
  const reachOf = (i: number) => (walks[i]?.reach ?? 0) * range;
  const chosen = rows.map((_, i) => (walks[i]?.random.permutation(size) ?? []).slice(0, few));
  const asked = new Float32Array(rows.length * 2 * few * size);
  rows.forEach((_, i) => {
    chosen[i]?.forEach((element, k) => {
      const at = (i * few + k) * 2 * size;
      const own = rowOf(now, i, size);
      asked.set(own, at);
      asked.set(own, at + size);
      asked[at + element] = (own[element] ?? 0) + reachOf(i);
      asked[at + size + element] = (own[element] ?? 0) - reachOf(i);
    });
  });
  const { values, classes } = await model.scores(asked);
  rows.forEach((row, i) => {
    const walk = walks[i];
    if (walk === undefined) return;
    const reach = reachOf(i);
    walk.flat = true;
    chosen[i]?.forEach((element, k) => {
      const label = batch.labels[row] ?? 0;
      const hinge = (of: number) =>
        Math.max(marginOf(rowOf(values, of, classes), criterion, label, row), 0);
      const at = 2 * (i * few + k);
      const slope = (hinge(at) - hinge(at + 1)) / (2 * reach);
      if (slope !== 0) walk.flat = false;
      const place = i * size + element;
      const moved = (now[place] ?? 0) - (batch.x[row * size + element] ?? 0);
      const pull = weight * slope + 2 * moved;
      const next =
        (now[place] ?? 0) - adam(walk, element, pull) * (options.stepSize ?? 0.05) * range;
      now[place] = Math.min(Math.max(next, bounds.min), bounds.max);
    });
    if (walk.flat) walk.reach = Math.min(10 * walk.reach, Math.max(reachMax, walk.reach));
  });
}

/** The direction and relative length of one element's step of Adam. */
function adam(walk: Walk, element: number, pull: number): number {
  const count = (walk.count[element] ?? 0) + 1;
  const first = 0.9 * (walk.first[element] ?? 0) + 0.1 * pull;
  const second = 0.999 * (walk.second[element] ?? 0) + 0.001 * pull * pull;
  walk.count[element] = count;
  walk.first[element] = first;
  walk.second[element] = second;
  return first / (1 - 0.9 ** count) / (Math.sqrt(second / (1 - 0.999 ** count)) + 1e-8);
}
