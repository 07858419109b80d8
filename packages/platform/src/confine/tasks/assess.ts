/** Attacks a model inside the worker: white box where it can be differentiated, else black box. */
import {
  type AttackCheckpoint,
  AttackError,
  type AttackVerdict,
  examplePictures,
  reportHtml,
  runAttacks,
} from '@merlon/attack';
import { digestOf, readAll, systemClock } from '@merlon/core';
import {
  type DataSchema,
  type Dataset,
  GraphError,
  type OnnxModel,
  openSession,
  readOnnx,
  readTrees,
  type TreeModel,
  withoutZipMap,
  writeOnnx,
} from '@merlon/graph';
import type { TaskContext } from '../task.ts';
import { type DataInput, datasetFrom, inputBytesMax } from './data.ts';
import { boundsOf, gradientsOf, sampled, threatOf } from './white-box.ts';

/** How hard to attack. */
export interface AssessOptions {
  readonly suite?: string;
  readonly attacks?: readonly string[];
  readonly norm?: 'linf' | 'l2' | 'l1' | 'l0';
  readonly epsilon?: number;
  /** Least and greatest value of every element; the schema's, or 0 and 1, when left out. */
  readonly bounds?: readonly [number, number];
  /** Also write the report for people. */
  readonly report?: boolean;
  readonly samples?: number;
  /** Name or number of the class that samples must be taken for. */
  readonly target?: string;
  /** Most queries for a row. */
  readonly queriesMax?: number;
  /** Where an interrupted run of the same test goes on from. */
  readonly resume?: unknown;
  readonly seed: number;
  readonly threads: number;
}

/** What to attack. */
export interface AssessInput extends DataInput {
  readonly options: AssessOptions;
}

/** A picture for people. */
export interface AssessPicture {
  readonly name: string;
  readonly caption: string;
  readonly png: Uint8Array;
}

/** What came of it. */
export interface AssessOutput {
  readonly verdict: AttackVerdict;
  readonly pictures: readonly AssessPicture[];
  /** One HTML document, when asked for. */
  readonly report?: string;
  /** Why only black-box attacks ran; empty when gradients were had. */
  readonly blackBoxBecause: string;
}

/** Attacks the model in source `model` on the data in source `data`. */
export async function assessTask(input: AssessInput, context: TaskContext): Promise<AssessOutput> {
  const { options } = input;
  const bytes = await readAll(context.source('model'), inputBytesMax);
  const { dataset, schema } = await datasetFrom(input, context);
  const model = readOnnx(bytes);
  const session = await openSession(writeOnnx(withoutZipMap(model)), { threads: options.threads });
  const trees = treesOf(model);
  const gradient = await gradientsOf(model, options);
  const chosen = sampled(dataset, options, schema);
  const result = await runAttacks(
    {
      session,
      ...(gradient.source && { gradient: gradient.source }),
      ...(trees && { trees }),
    },
    chosen,
    {
      ...attackOptions(options, schema),
      ...targetIn(options, dataset),
      ...(options.resume !== undefined && { resume: options.resume as AttackCheckpoint }),
      seed: options.seed,
      samples: chosen.labels.length,
      pool: dataset,
      clock: systemClock,
      subject: digestOf(bytes),
      onProgress: context.onProgress,
      onCheckpoint: context.onCheckpoint,
    },
  );
  const pictures = schema?.kind === 'table' ? [] : result.examples.flatMap(drawn(dataset));
  const { verdict, examples } = result;
  const output = { verdict, pictures, blackBoxBecause: gradient.because };
  if (options.report !== true) return output;
  const bounds = boundsOf(options, schema);
  return { ...output, report: reportHtml(verdict, examples, { classes: dataset.classes, bounds }) };
}

type Chosen = ReturnType<typeof threatOf> &
  Pick<Parameters<typeof runAttacks>[2], 'suite' | 'attacks'>;

function attackOptions(options: AssessOptions, schema: DataSchema | null): Chosen {
  const { suite, attacks } = options;
  return {
    ...(suite === undefined ? {} : { suite }),
    ...(attacks === undefined ? {} : { attacks }),
    ...threatOf(options, schema),
  };
}

/** A class by its name, or by its number where no class has that name. */
function targetIn({ target }: AssessOptions, { classes }: Dataset): { target?: number } {
  if (target === undefined) return {};
  const named = classes.indexOf(target);
  if (named >= 0) return { target: named };
  const number = /^\d+$/.test(target) ? Number(target) : Number.NaN;
  if (number < classes.length) return { target: number };
  const known = classes.slice(0, 12).join(', ');
  throw new AttackError('invalid-option', `"target" expected a class, got "${target}"`, {
    hint: `Classes of the data: ${known}${classes.length > 12 ? ', …' : ''}.`,
  });
}

/** The trees of an ensemble; null for other models and for trees that are not understood. */
function treesOf(model: OnnxModel): TreeModel | null {
  try {
    return readTrees(model);
  } catch (error) {
    // The attacks that need no trees still run.
    if (error instanceof GraphError && error.code === 'unsupported-operator') return null;
    throw error;
  }
}

type Example = Awaited<ReturnType<typeof runAttacks>>['examples'][number];

function drawn(dataset: Dataset): (example: Example, index: number) => AssessPicture[] {
  const named = (label: number): string => dataset.classes[label] ?? String(label);
  return (example, index) => {
    const pictures = examplePictures(example);
    const { attack, label, after, distance } = example;
    const at = `${attack}-${String(index).padStart(2, '0')}`;
    return [
      { name: `${at}-clean`, caption: named(label), png: pictures.clean },
      { name: `${at}-perturbed`, caption: named(after), png: pictures.adversarial },
      {
        name: `${at}-difference`,
        caption: `${attack}, distance ${distance.toFixed(3)}`,
        png: pictures.difference,
      },
    ];
  };
}
