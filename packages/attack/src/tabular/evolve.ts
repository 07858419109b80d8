/**
 * An evolutionary search on tables, after MOEVA2 (Simonetto, Dyrmishi, Ghamizi, Cordy and Le Traon
 * 2022): a population of valid rows is sorted by how near it is to success, how many features it
 * changes and by how much (NSGA-II, Deb, Pratap, Agarwal and Meyarivan 2002). Needs scores.
 */
import type { Random } from '@merlon/core';
import { type Batch, idOf, rowOf, sizeOf } from '../batch.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Oracle, oracle } from '../oracle.ts';
import { type Criterion, isSuccess, untargeted } from '../threat.ts';
import type { Constraints, RowDistance } from './constraints.ts';
import { fronts, type Individual, spreadOut } from './population.ts';
import { isNearer } from './reduce.ts';
import { carriedOver, type FeatureValues, featureValues, type Pool } from './starts.ts';

/** How the search goes. */
export interface EvolveOptions {
  readonly constraints: Constraints;
  readonly random: Random;
  readonly pool?: Pool;
  readonly criterion?: Criterion;
  /** Rows of a generation (default 30). */
  readonly population?: number;
  /** Most queries for a row (default 900). */
  readonly queriesMax?: number;
  readonly signal?: AbortSignal;
  readonly onRow?: (done: number, total: number) => void;
}

const valuesMax = 24;
const mutationShare = 0.15;

/** One candidate for each row: the nearest successful one, or the row itself. */
export async function evolve(
  model: Classifier,
  batch: Batch,
  options: EvolveOptions,
): Promise<Float32Array> {
  const { constraints, criterion = untargeted, queriesMax = 900 } = options;
  const size = sizeOf(batch);
  if (batch.labels.length > 0 && size !== constraints.features.length) {
    const message = `rows expected ${constraints.features.length} features, got ${size}`;
    throw new AttackError('invalid-data', message);
  }
  const pool = options.pool ?? { x: batch.x, rows: batch.labels.length };
  const values = featureValues(constraints, pool, valuesMax);
  const x = batch.x.slice();
  for (let row = 0; row < batch.labels.length; row++) {
    stopWhenAborted(options.signal);
    const original = rowOf(batch.x, row, size);
    const label = batch.labels[row] ?? 0;
    const target = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
    const box = oracle(model, queriesMax, (answer) => isSuccess(criterion, answer, label, row));
    const random = options.random.fork(`row ${idOf(batch, row)}`);
    const task = { original, box, values, pool, random, lead: leadOf(label, target), options };
    const found = await evolveRow(task);
    if (found !== undefined) x.set(found, row * size);
    options.onRow?.(row + 1, batch.labels.length);
  }
  return x;
}

interface Task {
  readonly original: Float32Array;
  readonly box: Oracle;
  readonly values: FeatureValues;
  readonly pool: Pool;
  readonly random: Random;
  /** By how much the wrong side of the decision leads: to be made small. */
  readonly lead: (scores: Float32Array) => number;
  readonly options: EvolveOptions;
}

async function evolveRow(task: Task): Promise<Float32Array | undefined> {
  const { original, box, random, options } = task;
  const { constraints, population = 30, signal } = options;
  let best: { row: Float32Array; distance: RowDistance } | undefined;
  const judge = async (rows: readonly Float32Array[]): Promise<Individual[]> => {
    const { answers, scores } = await box.score(rows);
    return scores.flatMap((own, i) => {
      const row = rows[i];
      if (row === undefined) return [];
      const distance = constraints.distance(row, original);
      const won = answers[i] === true;
      if (won && (best === undefined || isNearer(distance, best.distance)))
        best = { row, distance };
      const goals = [won ? 0 : Math.max(0, task.lead(own)), distance.changed, distance.ranges];
      return [{ row, goals }];
    });
  };
  let people = await judge(firstRows(task, population));
  while (box.left > 0 && people.length > 1) {
    stopWhenAborted(signal);
    const children: Float32Array[] = [];
    for (let k = 0; k < 2 * population && children.length < population; k++) {
      const mother = pick(people, random);
      const father = pick(people, random);
      const child = childOf(mother.row, father.row, task);
      if (constraints.repair(child, original)) children.push(child);
    }
    if (children.length === 0) break;
    const all = [...people, ...(await judge(children))];
    people = fronts(all).flatMap(spreadOut).slice(0, population);
  }
  return best?.row;
}

/** Changes of a few features, and half of it rows of the data carried over. */
function firstRows(task: Task, count: number): Float32Array[] {
  const { original, pool, options } = task;
  const { constraints } = options;
  const rows = carriedOver(original, constraints, pool, Math.floor(count / 2));
  for (let k = 0; k < 4 * count && rows.length < count; k++) {
    const row = mutated(original.slice(), task);
    if (constraints.repair(row, original)) rows.push(row);
  }
  return rows;
}

/** The better of two at random: earlier fronts stand first. */
function pick(people: readonly Individual[], random: Random): Individual {
  const at = Math.min(random.integer(people.length), random.integer(people.length));
  const found = people[at];
  if (found === undefined) throw new RangeError('a population expected somebody');
  return found;
}

function childOf(mother: Float32Array, father: Float32Array, task: Task): Float32Array {
  const { random } = task;
  const child = mother.map((value, i) => (random.uniform() < 0.5 ? value : (father[i] ?? value)));
  return mutated(child, task);
}

/** Some features go back to the row's own value, to one of the data, or part of the way. */
function mutated(row: Float32Array, { original, values, random, options }: Task): Float32Array {
  for (const feature of options.constraints.mutable) {
    if (random.uniform() >= mutationShare) continue;
    const choices = values[feature] ?? [];
    const own = original[feature] ?? 0;
    const kind = random.integer(3);
    const now = row[feature] ?? 0;
    if (kind === 0) row[feature] = own;
    else if (kind === 1) row[feature] = choices[random.integer(choices.length)] ?? now;
    else row[feature] = options.constraints.snap(feature, own + random.uniform() * (now - own));
  }
  return row;
}

function leadOf(label: number, target: number | undefined) {
  const held = target ?? label;
  return (scores: Float32Array): number => {
    let other = Number.NEGATIVE_INFINITY;
    scores.forEach((score, k) => {
      if (k !== held) other = Math.max(other, score);
    });
    const lead = (scores[held] ?? 0) - other;
    return target === undefined ? lead : -lead;
  };
}
