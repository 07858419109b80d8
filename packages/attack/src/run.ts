/**
 * A whole test: choose samples, see what the model gets right, run each attack on that, judge,
 * and report. Everything random comes from the seed, so that a verdict can be repeated; after each
 * attack a checkpoint is handed out, from which an interrupted test goes on.
 */
import { type Clock, type OnProgress, type Random, seeded } from '@merlon/core';
import { type Dataset, rowSize, type Session, type TreeModel } from '@merlon/graph';
import { type Batch, gather, positions, subset } from './batch.ts';
import {
  type Choice,
  type ChosenAttack,
  chooseAttacks,
  chooseSamples,
  threatOf,
  unit,
} from './choose.ts';
import { AttackError, stopWhenAborted } from './error.ts';
import { type Example, examplesOf } from './example.ts';
import { type Classifier, classifier, differentiable } from './model/classifier.ts';
import type { GradientSource } from './model/sessions.ts';
import { attackOnce, type Models, partOf } from './suite/attack-once.ts';
import { autoAttackVersions, settingsOf } from './suite/autoattack.ts';
import {
  type AttackCheckpoint,
  exampleFrom,
  type FinishedAttack,
  plainExample,
  resumed,
  testDigest,
} from './suite/checkpoint.ts';
import { flagged, remarksOn, signsOf } from './suite/checks.ts';
import { constraintsOf, refuseBrokenRows } from './tabular/constraints.ts';
import { type Bounds, type Criterion, targeted, untargeted } from './threat.ts';
import { type AttackVerdict, classesOf, curveOf, share, summarise } from './verdict.ts';
import { attackVersion } from './version.ts';

/** The model under test. */
export interface AttackTarget {
  /** The plain model: the judge of every success. */
  readonly session: Session;
  /** Its gradient models; attacks that need gradients are refused without them. */
  readonly gradient?: GradientSource;
  /** Its trees, where it is an ensemble; attacks that read them are refused without. */
  readonly trees?: TreeModel;
}

/** What to test, how hard, and with what. */
export interface RunOptions extends Choice {
  /** Rows that attacks start from (default: all the data given). */
  readonly pool?: Dataset;
  readonly seed: number;
  readonly clock: Clock;
  /** Rows a run of the model (default 128). */
  readonly batchRows?: number;
  /** Examples kept of each attack (default 4). */
  readonly examplesMax?: number;
  readonly onProgress?: OnProgress;
  readonly signal?: AbortSignal;
  /** Names the model, such as by its digest: a checkpoint of another one is refused. */
  readonly subject?: string;
  /** A checkpoint of the same test: the attacks that it holds are not repeated. */
  readonly resume?: AttackCheckpoint;
  /** Told after every attack what to remember; awaited. */
  readonly onCheckpoint?: (checkpoint: AttackCheckpoint) => void | Promise<void>;
  /** Versions of what the caller ran the model with, for the verdict. */
  readonly versions?: Readonly<Record<string, string>>;
}

/** A verdict and a few of the inputs behind it. */
export interface RunResult {
  readonly verdict: AttackVerdict;
  readonly examples: readonly Example[];
}

/**
 * Tests a model on a data set. Misclassified samples count as not robust and are not attacked; in
 * AutoAttack each attack is given only what stands. Throws `AttackError`: `unknown-attack`,
 * `invalid-option`, `invalid-data`, `unsupported-model` or `cancelled`.
 */
export async function runAttacks(
  target: AttackTarget,
  dataset: Dataset,
  options: RunOptions,
): Promise<RunResult> {
  const started = options.clock.nowMs();
  const random = seeded(options.seed);
  const chosen = chooseSamples(dataset, options, random.fork('samples'));
  const { models, remarks } = await openModels(target, chosen, options);
  const { givesScores } = models.plain;
  const chosenAttacks = chooseAttacks({ ...target, givesScores }, options);
  const test = await prepare(models, chosen, { ...options, random, pool: options.pool ?? dataset });
  const digest = testDigest(factsOf(chosenAttacks, options), chosen.x, chosen.labels);
  const finished = [...resumed(options.resume, digest)];
  for (const attack of chosenAttacks.slice(finished.length)) {
    stopWhenAborted(options.signal);
    finished.push(await runOne(attack, test, finished));
    await options.onCheckpoint?.({ test: digest, finished: [...finished] });
  }
  const seconds = (options.clock.nowMs() - started) / 1000;
  const all = [...remarks, ...finished.flatMap((attack) => attack.remarks)];
  const verdict = verdictOf(chosenAttacks, finished, test);
  return {
    verdict: { ...verdict, remarks: [...new Set(all)], seconds },
    examples: finished.flatMap(({ examples }) => examples.map(exampleFrom)),
  };
}

/** Everything that the attacks of one test share. */
interface Test {
  readonly models: Models;
  readonly chosen: Dataset;
  readonly options: RunOptions;
  readonly random: Random;
  readonly pool: Dataset;
  /** Positions of the samples that are right when clean and attacked. */
  readonly right: readonly number[];
  /** Samples right when clean, whether attacked or not. */
  readonly clean: readonly number[];
  readonly batch: Batch;
  readonly criterion: Criterion;
}

async function prepare(
  models: Models,
  chosen: Dataset,
  options: RunOptions & { readonly random: Random; readonly pool: Dataset },
): Promise<Test> {
  const clean = await rightWhenClean(models.plain, chosen);
  const right = clean.filter((row) => chosen.labels[row] !== options.target);
  const batch: Batch = {
    x: gather(chosen.x, right, rowSize(chosen)),
    labels: Int32Array.from(right, (row) => chosen.labels[row] ?? 0),
    ids: Int32Array.from(right),
  };
  const { target, random, pool } = options;
  const aimed = target === undefined ? undefined : new Int32Array(right.length).fill(target);
  const criterion = aimed === undefined ? untargeted : targeted(aimed);
  return { models, chosen, options, random, pool, right, clean, batch, criterion };
}

async function runOne(
  { row, suite }: ChosenAttack,
  test: Test,
  before: readonly FinishedAttack[],
): Promise<FinishedAttack> {
  const { options, batch, chosen } = test;
  const whole = threatOf(row, options, { rowSize: rowSize(chosen), criterion: test.criterion });
  const inTurn = suite !== undefined && autoAttackVersions[suite] !== undefined;
  const gone = new Set(inTurn ? before.flatMap(({ broken }) => broken) : []);
  const rows = positions(batch.labels.length).filter((at) => !gone.has(at));
  const own = subset(batch, rows);
  const { queriesMax } = options;
  const outcome = await attackOnce(row, test.models, own, {
    threat: partOf(whole, rows),
    settings: {
      ...settingsOf(suite, row.name, whole.budget.norm),
      ...(queriesMax !== undefined && { queriesMax }),
    },
    random: test.random.fork(row.name),
    pool: test.pool,
    clock: options.clock,
    ...(options.signal && { signal: options.signal }),
    ...(options.onProgress && { onProgress: options.onProgress }),
  });
  const { judgement, queries, seconds, unreliable } = outcome;
  const samples = chosen.labels.length;
  const minimal = row.minimal === true;
  const figures = summarise(judgement, own, { samples, threat: whole, minimal });
  const broken = rows.filter((_, i) => judgement.broken[i]);
  const unattacked = test.clean.length - test.right.length;
  const standing = batch.labels.length - gone.size - broken.length + unattacked;
  const distances: (number | null)[] = new Array(batch.labels.length).fill(null);
  rows.forEach((at, i) => {
    if (judgement.found[i]) distances[at] = judgement.distances[i] ?? null;
  });
  const robustAccuracy = share(standing, samples);
  const doubt = unreliable.length > 0 && { unreliable: unreliable.join('; ') };
  const most = options.examplesMax ?? 4;
  const examples = examplesOf(row.name, own, judgement, { shape: chosen.shape.slice(1), most });
  return {
    record: { name: row.name, ...figures, robustAccuracy, queries, seconds, ...doubt },
    broken,
    distances,
    remarks: outcome.remarks.map((remark) => `${row.name}: ${remark}`),
    examples: examples.map(plainExample),
  };
}

function verdictOf(
  attacks: readonly ChosenAttack[],
  finished: readonly FinishedAttack[],
  test: Test,
): Omit<AttackVerdict, 'seconds' | 'remarks'> {
  const { chosen, right, options } = test;
  const samples = chosen.labels.length;
  const brokenBy = (some: readonly FinishedAttack[]) =>
    new Set(some.flatMap(({ broken }) => broken.map((at) => right[at] ?? -1)));
  const broken = brokenBy(finished);
  const standing = new Set(test.clean.filter((row) => !broken.has(row)));
  const inTurn = finished.filter((_, i) => isInTurn(attacks[i]));
  const version = attacks.flatMap(({ suite }) => (suite ? [autoAttackVersions[suite]] : []))[0];
  const own = { samples, epsilon: finished[0]?.record.epsilon ?? Number.POSITIVE_INFINITY };
  const places = new Map(right.map((row, at) => [row, at]));
  const nearest = test.clean.map((row) => {
    const at = places.get(row);
    const found = at === undefined ? [] : finished.map(({ distances }) => distances[at] ?? null);
    return Math.min(...found.map((value) => value ?? Number.POSITIVE_INFINITY), Infinity);
  });
  const withNeeds = finished.map(({ record }, i) => {
    return { record, needs: attacks[i]?.row.needs ?? ('decisions' as const) };
  });
  const turns = withNeeds.filter((_, i) => isInTurn(attacks[i]));
  const others = withNeeds.filter((_, i) => !isInTurn(attacks[i]));
  return {
    samples,
    clean: { accuracy: share(test.clean.length, samples) },
    attacks: [...flagged(turns, 'survivors'), ...flagged(others, 'each')],
    ...(version && {
      autoAttack: {
        version,
        robustAccuracy: share(test.clean.length - brokenBy(inTurn).size, samples),
      },
    }),
    robustAccuracy: share(standing.size, samples),
    curve: curveOf(nearest, own),
    classes: classesOf(chosen.labels, chosen.classes, { right: new Set(test.clean), standing }),
    seed: options.seed,
    versions: { attack: attackVersion, node: process.versions.node, ...options.versions },
  };
}

function isInTurn(attack: ChosenAttack | undefined): boolean {
  return attack?.suite !== undefined && autoAttackVersions[attack.suite] !== undefined;
}

function factsOf(attacks: readonly ChosenAttack[], options: RunOptions) {
  const {
    seed,
    norm,
    epsilon,
    target,
    queriesMax,
    batchRows,
    constraints,
    bounds = unit,
  } = options;
  return {
    attacks: attacks.map(({ row, suite }) => [row.name, suite ?? '']),
    seed,
    norm: norm ?? '',
    numbers: [epsilon, target, queriesMax, batchRows].map(String),
    bounds: [bounds.min, bounds.max].map(String),
    constraints: JSON.stringify(constraints ?? null),
    subject: options.subject ?? '',
    version: attackVersion,
  };
}

async function openModels(
  target: AttackTarget,
  chosen: Dataset,
  options: RunOptions,
): Promise<{ models: Models; remarks: string[] }> {
  const { batchRows, signal, constraints } = options;
  const how = {
    inputShape: chosen.shape.slice(1),
    ...(batchRows !== undefined && { batchRows }),
    ...(signal && { signal }),
  };
  if (constraints === undefined) refuseOutside(chosen, options.bounds ?? unit);
  else refuseBrokenRows(constraintsOf(constraints), chosen);
  const first = classifier(target.session, how);
  const signs = await signsOf(first, chosen.x);
  const remarks = remarksOn(signs, options.suite === 'autoattack-rand');
  const own = { ...how, logarithms: signs.probabilities };
  const plain = classifier(target.session, own);
  const { trees } = target;
  const models = { plain, ...(trees && { trees }) };
  if (target.gradient === undefined) return { models, remarks };
  const gradients = differentiable(target.session, target.gradient, own);
  return { models: { ...models, gradients }, remarks };
}

function refuseOutside(chosen: Dataset, { min, max }: Bounds): void {
  const at = chosen.x.findIndex((value) => !(value >= min && value <= max));
  if (at < 0) return;
  const row = Math.floor(at / rowSize(chosen)) + 1;
  const message = `row ${row} expected values in [${min}, ${max}], got ${chosen.x[at]}`;
  throw new AttackError('invalid-data', message, {
    hint: 'Scale the data as the model takes them, or give their range with --bounds.',
  });
}

async function rightWhenClean(model: Classifier, chosen: Dataset): Promise<number[]> {
  if (model.givesScores) {
    const { classes } = await model.scores(chosen.x.subarray(0, rowSize(chosen)));
    if (classes < chosen.classes.length) {
      const got = `the data have ${chosen.classes.length}`;
      throw new AttackError('invalid-data', `the model knows ${classes} classes, ${got}`, {
        hint: 'Give labels from 0 to the number of classes less one.',
      });
    }
  }
  const answers = await model.predict(chosen.x);
  return positions(chosen.labels.length).filter((row) => answers[row] === chosen.labels[row]);
}
