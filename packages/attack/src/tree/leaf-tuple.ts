/**
 * The leaf-tuple attack on tree ensembles (Zhang, Zhang and Hsieh 2020, "An Efficient Adversarial
 * Attack for Tree Ensembles"): a point is the tuple of leaves that it falls into; from each of
 * several starts the tuple changes leaf by leaf towards the row, in exact float32 arithmetic, so
 * that what is found turns the model that runs. The model itself is never asked.
 */
import type { Random } from '@merlon/core';
import { type Batch, idOf, rowOf, sizeOf } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { Constraints } from '../tabular/constraints.ts';
import type { Pool } from '../tabular/starts.ts';
import { type Bounds, type Criterion, untargeted } from '../threat.ts';
import { begin } from './begin.ts';
import { descend, type Found } from './descend.ts';
import { finish } from './finish.ts';
import type { Forest } from './forest.ts';
import { goalOf } from './goal.ts';
import { type MeasureName, measureOf } from './measure.ts';
import type { Search } from './moves.ts';
import { profileOf } from './profile.ts';
import { reachOf } from './reach.ts';
import { type StartPool, startPool } from './start-pool.ts';

/** How the attack goes. */
export interface LeafTupleOptions {
  readonly random: Random;
  /** What is made small (default `l2`; under constraints `changed`). */
  readonly measure?: MeasureName;
  /** A table's constraints; without them every float32 in bounds is allowed. */
  readonly constraints?: Constraints;
  /** Range of every element; with constraints theirs hold. */
  readonly bounds?: Bounds;
  /** Rows that starts are taken from; the attacked rows by default. */
  readonly pool?: Pool;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Starts for a row (default 24). */
  readonly startsMax?: number;
  /** Boxes that a closing proof may open for a row (default 150; 0 leaves it out). */
  readonly boxesMax?: number;
  readonly signal?: AbortSignal;
  /** Told after every row: rows done and rows in all. */
  readonly onRow?: (done: number, total: number) => void;
}

/** Ends of descents from which pairs of variables are tried as well. */
const deepMax = 2;
const smallLeavesMax = 5000;

/**
 * One candidate for each row: the nearest that was found, or the row itself. Rows that already
 * have the wanted class come back as they are. The forest must have been compiled with the groups
 * of the constraints. Throws `invalid-data` for rows of another width.
 */
export function leafTuple(
  forest: Forest,
  batch: Batch,
  options: LeafTupleOptions,
): Float32Array<ArrayBuffer> {
  const size = sizeOf(batch);
  if (batch.labels.length > 0 && size !== forest.width) {
    throw new AttackError('invalid-data', `rows expected ${forest.width} features, got ${size}`);
  }
  const { constraints, criterion = untargeted, bounds } = options;
  const pool = startPool(forest, options.pool ?? { x: batch.x, rows: batch.labels.length });
  const measure = measureOf(options.measure ?? (constraints ? 'changed' : 'l2'), constraints);
  const goals = new Map<string, Pick<Search, 'goal' | 'profile'>>();
  const x = batch.x.slice();
  for (let row = 0; row < batch.labels.length; row++) {
    stopWhenAborted(options.signal);
    const original = rowOf(batch.x, row, size);
    const label = batch.labels[row] ?? 0;
    const target = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
    const key = `${label} ${target}`;
    const { goal, profile } = goals.get(key) ?? towards(forest, label, target);
    goals.set(key, { goal, profile });
    const limits = constraints ? { constraints } : { ...(bounds && { bounds }) };
    const reach = reachOf(forest, original, measure, limits);
    if (reach !== undefined && !goal.answers(reach.own)) {
      const search = { forest, reach, measure, goal, profile };
      const random = options.random.fork(`row ${idOf(batch, row)}`);
      const found = nearest(search, { ...options, pool, random });
      if (found !== undefined) x.set(found.row, row * size);
    }
    options.onRow?.(row + 1, batch.labels.length);
  }
  return x;
}

function towards(forest: Forest, label: number, target: number | undefined) {
  const goal = goalOf(forest, label, target);
  return { goal, profile: profileOf(forest, goal) };
}

function nearest(
  search: Search,
  options: Omit<LeafTupleOptions, 'pool'> & { readonly pool: StartPool },
): Found | undefined {
  const { constraints, startsMax = 24 } = options;
  const how = { ...(constraints && { constraints }) };
  const { pool, random } = options;
  const ends: Found[] = [];
  let best: Found | undefined;
  const met = constraints?.related ? undefined : new Set<string>();
  for (const start of begin(search, { ...how, pool, random, startsMax }, () => best)) {
    const end = descend(search, start, { ...how, ...(met && { met }) });
    if (end === undefined) continue;
    if (best === undefined || end.cost < best.cost) best = end;
    ends.push(end);
  }
  ends.sort((a, b) => a.cost - b.cost);
  const distinct = ends.filter((end, i) => i === 0 || end.cost !== ends[i - 1]?.cost);
  const small = search.forest.boxStart.length <= smallLeavesMax;
  const deep = distinct
    .slice(0, small ? deepMax : 1)
    .flatMap((end) => descend(search, end, { ...how, deep: true }) ?? [])
    .sort((a, b) => a.cost - b.cost);
  const [nearest] = deep;
  if (nearest === undefined || constraints?.related) return nearest;
  return finish(search, nearest, options.boxesMax ?? 150);
}
