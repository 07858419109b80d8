/**
 * Neural Cleanse (Wang et al. 2019): a class with a backdoor can be reached from everywhere by far
 * less than the other classes need. For every class the smallest trigger is searched; a class whose
 * trigger is an outlier to the small side is suspected.
 *
 * The paper's limit of 2 alone suspects clean models, the more so with few classes: where lengths
 * differ little, a fifth less is an outlier already. So a suspected trigger must also be at most
 * half as long as the median, which those of planted backdoors are by far.
 */
import { seeded } from '@merlon/core';
import { type Batch, gather } from '../batch.ts';
import { AttackError } from '../error.ts';
import type { DifferentiableClassifier } from '../model/classifier.ts';
import { layoutOf } from '../score/layout.ts';
import { type Bounds, bounds } from '../threat.ts';
import { refuseBadCount, refuseBadSeed, refuseBroken, refuseOutside } from './features.ts';
import { middleOf } from './robust.ts';
import { searchTrigger, type Trigger } from './trigger.ts';

/** How triggers are searched and told apart. */
export interface BackdoorOptions {
  readonly bounds: Bounds;
  /** What starting points and the order of rows are drawn from. */
  readonly seed: number;
  /** Classes to search, three or more (default: all that the model has). */
  readonly targets?: readonly number[];
  /** Gradient steps of a class (default 300). */
  readonly steps?: number;
  /** Step of Adam in tangent space (default 0.1). */
  readonly stepSize?: number;
  /** Rows of one step (default 64). */
  readonly batchRows?: number;
  /** Share of rows that a trigger must turn, in (0, 1) (default 0.99). */
  readonly successMin?: number;
  /** Anomaly index above which a class is suspected (default 2). */
  readonly anomalyMin?: number;
  /**
   * Share of the median length that a suspected trigger has at most, in (0, 1] (default 0.5); 1 is
   * the paper's own rule.
   */
  readonly lengthShareMax?: number;
  readonly signal?: AbortSignal;
  /** Told after every step: steps done and steps in all. */
  readonly onStep?: (done: number, total: number) => void;
}

/** The trigger of a class beside those of the others. */
export interface ClassTrigger extends Trigger {
  readonly label: number;
  /**
   * Deviations of the trigger's length from the median of all classes, by the median absolute
   * deviation; negative where it is longer. A class that was not reached counts all places.
   */
  readonly anomaly: number;
  readonly suspected: boolean;
}

/** Triggers of all classes, in the order of `targets`. */
export interface BackdoorReport {
  readonly classes: readonly ClassTrigger[];
  /** The suspected classes, the greatest anomaly first. */
  readonly suspected: readonly number[];
  /** Shape of every mask: [height, width]; [1, D] for rows that are no images. */
  readonly maskShape: readonly [number, number];
  /** Shape of every pattern: that of a row. */
  readonly patternShape: readonly number[];
}

const targetsMin = 3;
/** Of the median, where more than half of the lengths are equal and nothing tells how they vary. */
const spreadMin = 1e-9;

/**
 * Searches a trigger for every class, from rows that are of another one. Costs `steps` ×
 * `batchRows` gradients a class. Throws `invalid-data` for rows that do not fit the model or are
 * not finite, and where all are of one class; `invalid-option` for options out of range or fewer
 * than three classes; `cancelled`.
 */
export async function neuralCleanse(
  model: DifferentiableClassifier,
  batch: Batch,
  options: BackdoorOptions,
): Promise<BackdoorReport> {
  refuseBadOptions(options);
  const { signal, seed, steps = 300, stepSize = 0.1, batchRows = 64 } = options;
  const { successMin = 0.99, anomalyMin = 2, lengthShareMax = 0.5 } = options;
  const size = sizeOfRows(model, batch);
  const targets = await targetsOf(model, batch.x.subarray(0, size), options.targets);
  const { height, width } = layoutOf(model.inputShape);
  const triggers: Trigger[] = [];
  let done = 0;
  for (const target of targets) {
    const others = [...batch.labels.keys()].filter((row) => batch.labels[row] !== target);
    const found = await searchTrigger(model, gather(batch.x, others, size), target, {
      ...{ bounds: options.bounds, steps, stepSize, batchRows, successMin },
      random: seeded(seed).fork(`class ${target}`),
      ...(signal && { signal }),
      onStep: () => options.onStep?.(++done, targets.length * steps),
    });
    triggers.push(found);
  }
  const lengths = triggers.map(({ reached, length }) => (reached ? length : height * width));
  const { anomalies, median } = anomaliesOf(lengths);
  const classes = triggers.map((trigger, i) => {
    const anomaly = anomalies[i] ?? 0;
    const short = trigger.length <= lengthShareMax * median;
    const suspected = trigger.reached && short && anomaly > anomalyMin;
    return { label: targets[i] ?? 0, ...trigger, anomaly, suspected };
  });
  const suspects = classes.filter(({ suspected }) => suspected);
  suspects.sort((a, b) => b.anomaly - a.anomaly);
  return {
    ...{ classes, suspected: suspects.map(({ label }) => label) },
    ...{ maskShape: [height, width], patternShape: model.inputShape },
  };
}

/** How far below their median lengths lie (the paper's anomaly index, with a sign). */
export function anomaliesOf(lengths: readonly number[]): {
  readonly anomalies: readonly number[];
  readonly median: number;
} {
  const { median, deviation } = middleOf(lengths);
  const spread = Math.max(deviation, spreadMin * median);
  const anomalies = lengths.map((length) => (spread > 0 ? (median - length) / spread : 0));
  return { anomalies, median };
}

function refuseBadOptions(options: BackdoorOptions): void {
  const { seed, steps = 1, batchRows = 1, lengthShareMax = 1 } = options;
  bounds(options.bounds.min, options.bounds.max);
  refuseBadSeed(seed);
  refuseBadCount('steps', steps);
  refuseBadCount('batchRows', batchRows);
  refuseOutside('stepSize', options.stepSize ?? 1, 0, Number.POSITIVE_INFINITY);
  refuseOutside('successMin', options.successMin ?? 0.5, 0, 1);
  refuseOutside('anomalyMin', options.anomalyMin ?? 1, 0, Number.POSITIVE_INFINITY);
  if (!(lengthShareMax > 0 && lengthShareMax <= 1)) {
    const got = `expected a number in (0, 1], got ${lengthShareMax}`;
    throw new AttackError('invalid-option', `"lengthShareMax" ${got}`);
  }
}

function sizeOfRows(model: DifferentiableClassifier, { x, labels }: Batch): number {
  const size = model.inputShape.reduce((product, axis) => product * axis, 1);
  if (labels.length === 0) throw new AttackError('invalid-data', 'rows expected, got none');
  if (x.length !== size * labels.length) {
    const got = `got ${x.length} for ${labels.length} labels`;
    throw new AttackError('invalid-data', `rows expected ${size} elements each, ${got}`);
  }
  refuseBroken('rows', x, size);
  if (labels.every((label) => label === labels[0])) {
    throw new AttackError('invalid-data', `rows of two classes expected, got only ${labels[0]}`);
  }
  return size;
}

/** The classes to search, checked against those that the model has. */
async function targetsOf(
  model: DifferentiableClassifier,
  row: Float32Array,
  wanted: readonly number[] | undefined,
): Promise<readonly number[]> {
  const { classes } = await model.scores(row);
  const targets = wanted ?? Array.from({ length: classes }, (_, label) => label);
  const strange = targets.find(
    (label) => !(Number.isInteger(label) && label >= 0 && label < classes),
  );
  if (strange !== undefined) {
    const got = `expected classes below ${classes}, got ${strange}`;
    throw new AttackError('invalid-option', `"targets" ${got}`);
  }
  if (new Set(targets).size < Math.max(targetsMin, targets.length)) {
    const got = `got ${targets.join(', ')}`;
    throw new AttackError('invalid-option', `"targets" expected three different classes, ${got}`);
  }
  return targets;
}
