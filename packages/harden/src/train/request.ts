/** What training is asked for, checked as a whole before anything runs. */
import type { Progress, Random } from '@merlon/core';
import { nearest, type Session } from '@merlon/graph';
import { HardenError } from '../error.ts';
import type { Batch } from './batch.ts';
import { type OptimizerName, optimizers } from './optimizer/optimizer.ts';
import { linearSchedule, type Schedule } from './optimizer/schedule.ts';

/** Methods of training by name. */
export const trainingMethods = [
  'pgd-at',
  'fast',
  'free',
  'trades',
  'mart',
  'noise',
  'dp-sgd',
] as const;

/** Name of a method of training. */
export type TrainingMethod = (typeof trainingMethods)[number];

/** A training run; every random choice comes from `random`. */
export interface TrainRequest extends Batch, Partial<TrainChoices> {
  /** The ONNX file. */
  readonly model: Uint8Array;
  readonly epochs: number;
  readonly batchSize: number;
  /** Learning rate that the schedule is a factor of. */
  readonly learningRate: number;
  readonly random: Random;
  readonly threads: number;
  /** Rows that are not trained on: the epoch that withstands most on them is kept. */
  readonly validation?: Batch;
  readonly onProgress?: (progress: TrainingProgress) => void;
  readonly signal?: AbortSignal;
}

/** How far training is. */
export interface TrainingProgress extends Progress {
  /** A checkpoint that is due, where `checkpoint.save` does not take it. */
  readonly checkpoint?: Uint8Array;
}

/** When to save, and what to go on from. */
export interface CheckpointOption {
  /** Steps between checkpoints, counted over the whole run. */
  readonly every: number;
  /**
   * Takes a checkpoint; training waits for it. Without it they come with the progress, for callers
   * in another process. Their bytes tell the weights, so seal them.
   */
  readonly save?: (bytes: Uint8Array) => Promise<void>;
  /** A checkpoint of the same model, rows, options and seed. */
  readonly resume?: Uint8Array;
}

/** What has a default. */
export interface TrainChoices {
  /** Default `pgd-at`. */
  readonly method: TrainingMethod;
  /** L∞ radius of the attack (default 0.1). */
  readonly epsilon: number;
  /** Steps of the inner attack (default 10). */
  readonly attackSteps: number;
  /** Length of its steps (default 2.5 ε / steps, at most ε). */
  readonly stepSize: number;
  /** Least and greatest value of every element (default 0 and 1). */
  readonly bounds: readonly [number, number];
  /** Share of the run over which the radius grows from 0; without it runs collapse (0.3). */
  readonly warmUp: number;
  /** Share of each batch that `pgd-at` and `fast` leave clean (default 0). */
  readonly cleanShare: number;
  /** Weight of the robust term of `trades` (β, default 6) and `mart` (λ, default 5). */
  readonly beta: number;
  /** How often `free` uses a batch (m, default 4). */
  readonly replays: number;
  /** Standard deviation of the noise of `noise` (default 0.25). */
  readonly sigma: number;
  /** Default `sgd`. */
  readonly optimizer: OptimizerName;
  /** Momentum of SGD, β₁ of AdamW (default 0.9). */
  readonly momentum: number;
  readonly weightDecay: number;
  /** Default: a line down to a twentieth. */
  readonly schedule: Schedule;
  /** Gradients longer than this are shortened (default 1, or runs collapse). */
  readonly gradientNormMax: number;
  /** Decay of the moving average of the weights (default 0: no average). */
  readonly averaging: number;
  /** Epochs without a better validation after which training stops (default: all are run). */
  readonly patience: number;
  /** What `dp-sgd` promises; needed by it, ignored by others. */
  readonly privacy: PrivacyGoal;
  /**
   * Leaves checkpoints, and goes on from one; with the same threads to the same bytes (default:
   * none).
   */
  readonly checkpoint: CheckpointOption;
}

/** A promise of differential privacy (Dwork et al. 2006), and how gradients are bounded for it. */
export interface PrivacyGoal {
  readonly epsilon: number;
  readonly delta: number;
  /** Norm to which the gradient of each row is shortened (C). */
  readonly clipNorm: number;
  /** Start from the model's weights; only for a model that never saw the data. */
  readonly keepWeights: boolean;
  /**
   * Take noise and sampling from `random`, so that the run repeats; whoever knows the seed can then
   * subtract the noise. Otherwise they come from the operating system.
   */
  readonly repeatable: boolean;
}

/** A request with every default filled in. */
export type TrainSettings = TrainRequest & Omit<TrainChoices, 'privacy' | 'checkpoint'>;

/** Fills defaults in; throws `invalid-option` or `invalid-data` with every fault. */
export function settingsOf(request: TrainRequest): TrainSettings {
  const { method = 'pgd-at', epsilon = 0.1 } = request;
  // FGSM from a random start needs a step longer than ε (Wong et al. 2020); free AT takes ε.
  const attackSteps = method === 'fast' || method === 'free' ? 1 : (request.attackSteps ?? 10);
  const single = method === 'fast' ? 1.25 * epsilon : epsilon;
  const settings: TrainSettings = {
    bounds: [0, 1],
    warmUp: 0.3,
    cleanShare: 0,
    beta: method === 'mart' ? 5 : 6,
    replays: 4,
    sigma: 0.25,
    optimizer: 'sgd',
    momentum: 0.9,
    weightDecay: 0,
    schedule: linearSchedule,
    averaging: 0,
    patience: Infinity,
    ...request,
    // Private training bounds the gradient of every row instead.
    gradientNormMax: method === 'dp-sgd' ? Infinity : (request.gradientNormMax ?? 1),
    method,
    epsilon,
    attackSteps,
    stepSize:
      request.stepSize ??
      (attackSteps === 1 ? single : Math.min(epsilon, (2.5 * epsilon) / attackSteps)),
  };
  checkNames(settings);
  checkRanges(settings);
  checkRows('rows', settings);
  if (settings.validation !== undefined) checkRows('validation rows', settings.validation);
  if (method !== 'noise' && method !== 'dp-sgd') checkBounds(settings);
  return settings;
}

function checkNames({ method, optimizer }: TrainSettings): void {
  const names: [string, string, readonly string[]][] = [
    ['method', method, trainingMethods],
    ['optimizer', optimizer, optimizers],
  ];
  for (const [option, name, known] of names) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new HardenError(
      'invalid-option',
      `"${option}" expected ${known.join(', ')}, got "${name}"`,
      {
        hint: near === undefined ? '' : `did you mean "${near}"?`,
      },
    );
  }
}

/** Least and greatest value of each number. */
const ranges = {
  epsilon: [0, Number.MAX_VALUE],
  stepSize: [0, Number.MAX_VALUE],
  attackSteps: [1, 10_000],
  epochs: [1, 100_000],
  batchSize: [1, 1_000_000],
  learningRate: [0, 1000],
  momentum: [0, 1],
  weightDecay: [0, 1],
  warmUp: [0, 1],
  cleanShare: [0, 1],
  beta: [0, 1e6],
  replays: [1, 1000],
  sigma: [0, Number.MAX_VALUE],
  gradientNormMax: [Number.MIN_VALUE, Infinity],
  averaging: [0, 1],
  patience: [1, Infinity],
} as const satisfies Partial<Record<keyof TrainSettings, readonly [number, number]>>;

function checkRanges(settings: TrainSettings): void {
  const faults: string[] = [];
  const within = (name: string, value: number, [min, max]: readonly [number, number]): void => {
    if (!(value >= min && value <= max)) {
      faults.push(`"${name}" expected ${min} to ${max}, got ${value}`);
    }
  };
  for (const [name, range] of Object.entries(ranges)) {
    within(name, settings[name as keyof typeof ranges], range);
  }
  const { privacy, checkpoint } = settings;
  if (checkpoint !== undefined && !Number.isInteger(checkpoint.every)) {
    faults.push(`"checkpoint.every" expected whole steps, got ${checkpoint.every}`);
  } else if (checkpoint !== undefined) within('checkpoint.every', checkpoint.every, [1, 1e9]);
  if (settings.method === 'dp-sgd') {
    within('privacy.epsilon', privacy?.epsilon ?? Number.NaN, [1e-3, 1000]);
    within('privacy.delta', privacy?.delta ?? Number.NaN, [1e-20, 0.5]);
    within('privacy.clipNorm', privacy?.clipNorm ?? Number.NaN, [Number.MIN_VALUE, 1e9]);
  }
  if (faults.length === 0) return;
  throw new HardenError('invalid-option', faults.join('; '), {
    hint: 'leave an option out to take its default',
  });
}

function checkRows(what: string, { x, shape, labels }: Batch): void {
  const rows = shape[0] ?? 0;
  const size = shape.slice(1).reduce((product, axis) => product * axis, 1);
  if (rows < 1 || rows !== labels.length || x.length !== rows * size) {
    const got = `[${shape.join(', ')}] with ${labels.length} labels`;
    throw new HardenError('invalid-data', `${what}, shape and labels expected to fit, got ${got}`);
  }
}

/** Attacks stay within the bounds, and would move rows that do not. */
function checkBounds({ x, bounds: [least, most] }: TrainSettings): void {
  const beyond = x.findIndex((value) => !(value >= least && value <= most));
  if (beyond < 0) return;
  const got = `values expected in [${least}, ${most}], got ${x[beyond]}`;
  throw new HardenError('invalid-data', got, { hint: 'give bounds that hold for all the data' });
}

/** Throws `invalid-data` or `invalid-option` when the rows do not fit the opened model. */
export function checkFit(
  { shape, labels, batchSize, method, validation }: TrainSettings,
  { inputs, outputs }: Pick<Session, 'inputs' | 'outputs'>,
): void {
  const [fixed = -1, ...row] = inputs[0]?.shape ?? [];
  const own = shape.slice(1);
  if (row.length !== own.length || row.some((size, i) => size >= 0 && size !== own[i])) {
    const got = `rows expected [${row.join(', ')}], got [${own.join(', ')}]`;
    throw new HardenError('invalid-data', got);
  }
  const counts = [labels.length, validation?.labels.length ?? 0];
  const odd = batchSize !== fixed || counts.some((count) => count % fixed !== 0);
  if (fixed >= 0 && (odd || (method === 'dp-sgd' && fixed !== 1))) {
    const why = `"batchSize" expected ${fixed}, with as many rows in every batch`;
    throw new HardenError('invalid-option', `${why}, got ${batchSize} of ${labels.length} rows`, {
      hint: 'export the model with an open batch axis',
    });
  }
  const classes = outputs.find(({ name }) => name === 'merlon_scores')?.shape[1] ?? 0;
  const wrong = labels.findIndex((label) => label < 0 || label >= classes);
  if (wrong >= 0) {
    const got = `label ${wrong} expected 0 to ${classes - 1}, got ${labels[wrong]}`;
    throw new HardenError('invalid-data', got);
  }
}
