/** Serves one model inside the worker: loaded once from a source, then asked again and again. */
import { type Classifier, classifier } from '@merlon/attack';
import { InputError, MerlonError, readAll, seeded } from '@merlon/core';
import { openSession, type Session, type Tensors, type ValueInfo } from '@merlon/graph';
import { type Datatype, datatypeOf } from '../../gateway/datatypes.ts';
import { type Told, tensorsOnly } from '../../serve/tensors-only.ts';
import type { TaskContext } from '../task.ts';
import { inputBytesMax } from './data.ts';

/** An input or output as callers know it; an open axis is −1. */
export interface Port {
  readonly name: string;
  readonly datatype: Datatype;
  readonly shape: readonly number[];
  /** Classes of the columns of scores, where the model names them. */
  readonly labels?: readonly string[];
}

/** What a caller must know of a loaded model. */
export interface LoadedModel {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** Shape of one row, where the model takes rows of one input of numbers; otherwise null. */
  readonly rowShape: readonly number[] | null;
  /** Which outputs tell the class of each row. */
  readonly label: string | null;
  readonly scores: string | null;
  /** True when the model takes rows of floats and tells classes and scores, and nothing else. */
  readonly isClassifier: boolean;
  /** Whether each row is answered as if it were alone, so that requests may share a run. */
  readonly joins: boolean;
}

/** What the model is asked: rows of a classifier, or the inputs of any other model. */
export type InferInput = { readonly x: Float32Array } | { readonly tensors: Tensors };

/** Classes and scores of rows. */
export interface RowsOutput {
  readonly labels: Int32Array;
  readonly scores: Float32Array;
  readonly classes: number;
  /** The names of the classes, where the model gives those. */
  readonly texts: readonly string[] | null;
}

interface Loaded {
  readonly session: Session;
  readonly told: ReadonlyMap<string, Told>;
  /** Name of the output with classes as texts. */
  readonly textLabel: string | null;
}

const probeRows = 3;

let loaded: Loaded | null = null;

/** Loads the model in source `model`. */
export async function loadTask(
  input: { readonly threads: number },
  context: TaskContext,
): Promise<LoadedModel> {
  const { bytes, told } = tensorsOnly(await readAll(context.source('model'), inputBytesMax));
  const session = await openSession(bytes, { threads: input.threads });
  const found = answersOf(session);
  const { label, scores } = found;
  const isText = label?.type === 'string';
  loaded = { session, told, textLabel: isText ? label.name : null };
  const inputs = session.inputs.map((value) => portOf(value, told));
  const outputs = session.outputs.map((value) => portOf(value, told));
  const named = (value: ValueInfo | null) => (value === null ? null : portOf(value, told).name);
  const asked = classifierOf(session);
  const others = outputs.length - (label === null ? 0 : 1) - (scores === null ? 0 : 1);
  const [only] = inputs;
  if (asked === null || others > 0 || only === undefined) {
    const isRows = inputs.length === 1 && only?.datatype !== 'BYTES' && (only?.shape.length ?? 0);
    const row = only?.shape.slice(1) ?? [];
    return {
      ...{ inputs, outputs, label: named(label), scores: named(scores), isClassifier: false },
      joins: false,
      rowShape: isRows && row.every((axis) => axis > 0) ? row : null,
    };
  }
  const own = (name: string | null) => outputs.filter((output) => output.name === name);
  const labelPort: Port = own(named(label))[0] ?? {
    ...{ name: named(scores) === 'label' ? 'class' : 'label', datatype: 'INT64', shape: [-1] },
  };
  return {
    inputs: [{ ...only, shape: [-1, ...asked.inputShape] }],
    outputs: [
      { ...labelPort, shape: [-1] },
      ...own(named(scores)).map((port) => ({ ...port, shape: [-1, port.shape[1] ?? -1] })),
    ],
    ...{ rowShape: [...asked.inputShape], label: labelPort.name, scores: named(scores) },
    isClassifier: true,
    joins: await joinsRows(asked),
  };
}

/** Asks the loaded model. */
export async function inferTask(input: InferInput): Promise<RowsOutput | Tensors> {
  if (loaded === null) throw new InputError('bad-input', 'no model is loaded');
  if ('tensors' in input) return runTensors(loaded, input.tensors);
  const { session, textLabel } = loaded;
  const texts: string[] = [];
  const model = classifier(textLabel === null ? session : noting(session, textLabel, texts));
  if (!model.givesScores) {
    const labels = await model.predict(input.x);
    return { labels, scores: new Float32Array(0), classes: 0, texts: null };
  }
  const { values, classes, predictions } = await model.scores(input.x);
  const { length } = predictions;
  return {
    ...{ labels: predictions, scores: values, classes },
    texts: textLabel === null ? null : texts.slice(0, length),
  };
}

async function runTensors({ session, told }: Loaded, tensors: Tensors): Promise<Tensors> {
  const feeds = session.inputs.flatMap(({ name }) => {
    const tensor = tensors[told.get(name)?.name ?? name];
    return tensor === undefined ? [] : [[name, tensor] as const];
  });
  const answers = await session.run(Object.fromEntries(feeds));
  return Object.fromEntries(
    Object.entries(answers).map(([name, tensor]) => [told.get(name)?.name ?? name, tensor]),
  );
}

/** The same session, which also keeps the texts of its labels: classifiers take no texts. */
function noting(session: Session, label: string, texts: string[]): Session {
  return {
    ...session,
    run: async (feeds, fetches = []) => {
      const answers = await session.run(feeds, [...fetches, label]);
      for (const text of answers[label]?.data ?? []) texts.push(String(text));
      return answers;
    },
  };
}

/** Whether rows know nothing of each other: quantization by the batch's range, for one, does. */
async function joinsRows(model: Classifier): Promise<boolean> {
  const width = model.inputShape.reduce((product, axis) => product * axis, 1);
  const random = seeded(1);
  const rows = Array.from({ length: probeRows }, (_, row) =>
    Float32Array.from({ length: width }, () => random.uniform() * 4 ** row),
  );
  const ask = async (x: Float32Array): Promise<readonly number[]> => {
    if (!model.givesScores) return [...(await model.predict(x))];
    return [...(await model.scores(x)).values];
  };
  const alone: number[] = [];
  let together: readonly number[];
  try {
    together = await ask(Float32Array.from(rows.flatMap((row) => [...row])));
    for (const row of rows) alone.push(...(await ask(row)));
  } catch {
    // A model that refuses such rows is served all the same, each request on its own.
    return false;
  }
  return together.every((value, i) => {
    const own = alone[i] ?? Number.NaN;
    return Object.is(value, own) || Math.abs(value - own) <= 1e-4 * (1 + Math.abs(own));
  });
}

/** The outputs that a classifier's answer is read from, by what is usual for their shapes. */
function answersOf({ outputs }: Session) {
  const floating = ({ type }: ValueInfo) => type === 'float32' || type === 'float64';
  const whole = ({ type }: ValueInfo) => type === 'int64' || type === 'int32';
  const flat = outputs.filter(({ shape }) => shape.length === 1);
  const scores = outputs.find((output) => {
    return floating(output) && output.shape.length === 2 && output.shape[1] !== 1;
  });
  const label = flat.find(whole) ?? flat.find(({ type }) => type === 'string');
  return { label: label ?? null, scores: scores ?? null };
}

/** Null when the model is no classifier of rows. */
function classifierOf(session: Session): Classifier | null {
  try {
    return classifier(session);
  } catch (error) {
    if (error instanceof MerlonError && error.code === 'unsupported-model') return null;
    throw error;
  }
}

function portOf({ name, type, shape }: ValueInfo, told: ReadonlyMap<string, Told>): Port {
  const { labels, ...own } = { name, datatype: datatypeOf(type), ...told.get(name) };
  return { ...own, shape, ...(labels === undefined ? {} : { labels }) };
}
