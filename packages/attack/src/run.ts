/**
 * A whole test: choose samples, see what the model gets right, run each attack on that, judge,
 * and report. Everything random comes from the seed, so that a verdict can be repeated.
 */
import { type Clock, type OnProgress, type Random, seeded } from '@merlon/core';
import { type Dataset, rowSize, type Session, type TreeModel } from '@merlon/graph';
import { type Batch, gather, positions } from './batch.ts';
import { type Choice, chooseAttacks, chooseSamples, threatOf, unit } from './choose.ts';
import { AttackError, stopWhenAborted } from './error.ts';
import { type Example, examplesOf } from './example.ts';
import {
  type Classifier,
  classifier,
  type DifferentiableClassifier,
  differentiable,
} from './model/classifier.ts';
import type { AttackRow } from './row.ts';
import { constraintsOf, refuseBrokenRows } from './tabular/constraints.ts';
import type { Bounds } from './threat.ts';
import {
  type AttackRecord,
  type AttackVerdict,
  judge,
  share,
  summarise,
  type ThreatModel,
} from './verdict.ts';

/** The model under test. */
export interface AttackTarget {
  /** The plain model: the judge of every success. */
  readonly session: Session;
  /** Its gradient model; attacks that need gradients are refused without it. */
  readonly gradient?: Session;
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
}

/** A verdict and a few of the inputs behind it. */
export interface RunResult {
  readonly verdict: AttackVerdict;
  readonly examples: readonly Example[];
}

/**
 * Tests a model on a data set. Misclassified samples count as not robust and are not attacked.
 * Throws `AttackError`: `unknown-attack`, `invalid-option`, `invalid-data`, `unsupported-model`
 * or `cancelled`.
 */
export async function runAttacks(
  target: AttackTarget,
  dataset: Dataset,
  options: RunOptions,
): Promise<RunResult> {
  const started = options.clock.nowMs();
  const random = seeded(options.seed);
  const chosen = chooseSamples(dataset, options, random.fork('samples'));
  const models = openModels(target, chosen, options);
  const { givesScores } = models.plain;
  const rows = chooseAttacks({ ...target, givesScores }, options);
  const right = await rightWhenClean(models.plain, chosen);
  const size = rowSize(chosen);
  const batch: Batch = {
    x: gather(chosen.x, right, size),
    labels: Int32Array.from(right, (row) => chosen.labels[row] ?? 0),
  };
  const samples = chosen.labels.length;
  const standing = new Set(right.keys());
  const records: AttackRecord[] = [];
  const examples: Example[] = [];
  for (const row of rows) {
    stopWhenAborted(options.signal);
    const threat = threatOf(row, options);
    const { record, judgement } = await runOne(row, models, batch, threat, {
      options,
      samples,
      random: random.fork(row.name),
      pool: options.pool ?? dataset,
      ...(target.trees && { trees: target.trees }),
    });
    records.push(record);
    judgement.broken.forEach((broken, i) => {
      if (broken) standing.delete(i);
    });
    const most = options.examplesMax ?? 4;
    examples.push(
      ...examplesOf(row.name, batch, judgement, { shape: chosen.shape.slice(1), most }),
    );
  }
  const seconds = (options.clock.nowMs() - started) / 1000;
  const clean = { accuracy: share(right.length, samples) };
  const robustAccuracy = share(standing.size, samples);
  const attacks = flagWeaker(records);
  const verdict = { samples, clean, attacks, robustAccuracy, seconds, seed: options.seed };
  return { verdict, examples };
}

interface Models {
  readonly plain: Classifier;
  readonly gradients?: DifferentiableClassifier;
}

interface Setting {
  readonly options: RunOptions;
  readonly samples: number;
  readonly random: Random;
  readonly pool: Dataset;
  readonly trees?: TreeModel;
}

async function runOne(
  row: AttackRow,
  models: Models,
  batch: Batch,
  threat: ThreatModel,
  setting: Setting,
) {
  const { clock, signal, onProgress } = setting.options;
  const started = clock.nowMs();
  const model = models.gradients ?? models.plain;
  const before = model.queries;
  const candidates = await row.run({
    model,
    ...(models.gradients && { gradients: models.gradients }),
    ...(setting.trees && { trees: setting.trees }),
    batch,
    threat,
    pool: { x: setting.pool.x, rows: setting.pool.labels.length },
    random: setting.random,
    ...(signal && { signal }),
    onDone: (done, total) => onProgress?.({ label: row.name, done, total }),
  });
  const queries = model.queries - before;
  const judgement = await judge(models.plain, batch, candidates.x, threat);
  const figures = summarise(judgement, batch, { samples: setting.samples, threat });
  const seconds = (clock.nowMs() - started) / 1000;
  const { unreliable } = candidates;
  const record: AttackRecord = {
    name: row.name,
    ...figures,
    queries,
    seconds,
    ...(unreliable !== undefined && { unreliable }),
  };
  return { record, judgement };
}

function openModels(target: AttackTarget, chosen: Dataset, options: RunOptions): Models {
  const { batchRows, signal, constraints } = options;
  const inputShape = chosen.shape.slice(1);
  const how = {
    inputShape,
    ...(batchRows !== undefined && { batchRows }),
    ...(signal && { signal }),
  };
  if (constraints === undefined) refuseOutside(chosen, options.bounds ?? unit);
  else refuseBrokenRows(constraintsOf(constraints), chosen);
  const plain = classifier(target.session, how);
  if (target.gradient === undefined) return { plain };
  return { plain, gradients: differentiable(target.session, target.gradient, how) };
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
      throw new AttackError('invalid-data', `the model knows ${classes} classes, ${got}`);
    }
  }
  const answers = await model.predict(chosen.x);
  return positions(chosen.labels.length).filter((row) => answers[row] === chosen.labels[row]);
}

/** A search that breaks less than a weaker one points at masked gradients (Athalye et al. 2018). */
function flagWeaker(records: readonly AttackRecord[]): AttackRecord[] {
  return records.map((record) => {
    if (record.unreliable !== undefined || record.norm === 'l0') return record;
    const weaker = weakerThan[record.name] ?? [];
    const better = records.find(
      ({ name, robustAccuracy }) => weaker.includes(name) && robustAccuracy < record.robustAccuracy,
    );
    if (better === undefined) return record;
    return { ...record, unreliable: `"${better.name}" breaks more: gradients may be masked` };
  });
}

/** For each search, the attacks that it should never fall behind. */
const weakerThan: Readonly<Record<string, readonly string[]>> = {
  pgd: ['fgsm', 'noise'],
  'pgd-restarts': ['fgsm', 'noise'],
};
