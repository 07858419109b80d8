/**
 * A decision-based attack on tables, for models without gradients such as tree ensembles: it sees
 * classes only. A row starts from points of another class and is reduced towards the original;
 * every candidate satisfies the constraints of the schema, and the nearest one is returned.
 */
import type { Random } from '@merlon/core';
import { type Batch, idOf, rowOf, sizeOf } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Oracle, oracle } from '../oracle.ts';
import { type Criterion, isSuccess, untargeted } from '../threat.ts';
import { climb } from './climb.ts';
import type { Constraints } from './constraints.ts';
import { isNearer, reduce } from './reduce.ts';
import {
  carriedOver,
  type FeatureValues,
  featureValues,
  mixtures,
  type Pool,
  singleChanges,
} from './starts.ts';

/** How the search goes. */
export interface FeatureSearchOptions {
  readonly constraints: Constraints;
  readonly random: Random;
  /** Rows that starting points are taken from; the attacked rows by default. */
  readonly pool?: Pool;
  /** Any wrong class by default. */
  readonly criterion?: Criterion;
  /** Most features that may change (default: any number). */
  readonly changedMax?: number;
  /** Most queries for a row (default 2,000). */
  readonly queriesMax?: number;
  /** Starting points that are reduced for a row (default 6). */
  readonly startsMax?: number;
  readonly signal?: AbortSignal;
  /** Told after every row: rows done and rows in all. */
  readonly onRow?: (done: number, total: number) => void;
}

const valuesMax = 24;
const carriedMax = 200;
const mixturesMax = 200;

/**
 * One candidate for each row: the nearest successful one, or the row itself when none was found
 * within the budget. Throws `invalid-data` for rows that break the constraints themselves.
 */
export async function featureSearch(
  model: Classifier,
  batch: Batch,
  options: FeatureSearchOptions,
): Promise<Float32Array> {
  const { constraints, criterion = untargeted } = options;
  const size = sizeOf(batch);
  const pool = options.pool ?? { x: batch.x, rows: batch.labels.length };
  if (batch.labels.length > 0 && size !== constraints.features.length) {
    const got = `got ${size}`;
    const message = `rows expected ${constraints.features.length} features, ${got}`;
    throw new AttackError('invalid-data', message);
  }
  const values = featureValues(constraints, pool, valuesMax);
  const x = batch.x.slice();
  for (let row = 0; row < batch.labels.length; row++) {
    stopWhenAborted(options.signal);
    const original = rowOf(batch.x, row, size);
    refuseBroken(constraints, original, row);
    const label = batch.labels[row] ?? 0;
    const box = oracle(model, options.queriesMax ?? 2000, (prediction) =>
      isSuccess(criterion, prediction, label, row),
    );
    const random = options.random.fork(`row ${idOf(batch, row)}`);
    const target = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
    const progress = model.givesScores ? progressOf(label, target) : undefined;
    const found = await searchRow(original, box, values, pool, { ...options, random, progress });
    if (found !== undefined) x.set(found, row * size);
    options.onRow?.(row + 1, batch.labels.length);
  }
  return x;
}

function refuseBroken(constraints: Constraints, row: Float32Array, index: number): void {
  const [problem] = constraints.violations(row, row);
  if (problem === undefined) return;
  throw new AttackError('invalid-data', `row ${index + 1} breaks its own schema: ${problem}`, {
    hint: 'Correct the row or the relations of the schema.',
  });
}

interface RowOptions extends FeatureSearchOptions {
  /** How near scores are to success; absent for models that give labels only. */
  readonly progress: ((scores: Float32Array) => number) | undefined;
}

async function searchRow(
  original: Float32Array,
  box: Oracle,
  values: FeatureValues,
  pool: Pool,
  options: RowOptions,
): Promise<Float32Array | undefined> {
  const { constraints, startsMax = 6, changedMax = Number.POSITIVE_INFINITY } = options;
  const [already] = await box.ask([original]);
  if (already) return original;
  const near = (row: Float32Array) => constraints.distance(row, original);
  const nearestFirst = (rows: Float32Array[]) =>
    rows.toSorted((a, b) => (isNearer(near(a), near(b)) ? -1 : 1)).slice(0, startsMax);
  let starts = nearestFirst(await working(box, singleChanges(original, constraints, values)));
  if (starts.length === 0 && options.progress !== undefined) {
    const { progress } = options;
    const how = { original, constraints, values, progress, changedMax };
    starts = nearestFirst(await climb(box, how));
  }
  if (starts.length === 0) {
    const data = carriedOver(original, constraints, pool, carriedMax);
    starts = nearestFirst(await working(box, data));
  }
  if (starts.length === 0) {
    const count = mixturesMax;
    const drawn = mixtures(original, constraints, values, { count, random: options.random });
    starts = nearestFirst(await working(box, drawn));
  }
  let best: Float32Array | undefined;
  for (const start of starts) {
    const reduced = await reduce(start, original, constraints, box);
    if (best === undefined || isNearer(near(reduced), near(best))) best = reduced;
  }
  return best !== undefined && near(best).changed <= changedMax ? best : undefined;
}

async function working(box: Oracle, candidates: Float32Array[]): Promise<Float32Array[]> {
  const answers = await box.ask(candidates);
  return candidates.filter((_, i) => answers[i]);
}

/** The margin by which the wanted class leads; for any wrong class, the best one counts. */
function progressOf(label: number, target: number | undefined) {
  return (scores: Float32Array): number => {
    if (target !== undefined) return (scores[target] ?? 0) - bestOther(scores, target);
    return bestOther(scores, label) - (scores[label] ?? 0);
  };
}

function bestOther(scores: Float32Array, except: number): number {
  return scores.reduce(
    (best, score, k) => (k === except ? best : Math.max(best, score)),
    Number.NEGATIVE_INFINITY,
  );
}
