/** A question through the guards, the model, and the guards again. */
import { seeded } from '@merlon/core';
import type { Tensors } from '@merlon/graph';
import { elementCount } from '@merlon/graph';
import { applyInputGuards, applyOutputGuards, type GuardConfig } from '@merlon/harden';
import type { LoadedModel, Port, RowsOutput } from '../confine/tasks/serve.ts';
import { PlatformError } from '../errors.ts';
import { typeOf, type WireTensor } from '../gateway/datatypes.ts';
import type { Batcher } from './batch.ts';
import { guardedWidth } from './guards.ts';

/** A loaded model behind guards. */
export interface Asked {
  /** Asks the model, alone or together with others. */
  readonly run: Batcher['run'];
  readonly model: LoadedModel;
  readonly guards: GuardConfig;
}

/** What a model is asked, after every check that needs no model. */
export interface Question {
  readonly rows: number;
  /** The rows as numbers, where the model takes rows of one input; what detectors see. */
  readonly x: Float32Array | null;
  readonly inputs: readonly WireTensor[];
}

/** An answer behind the guards. */
export interface Answer {
  /** The class of each row; empty where the model tells none. */
  readonly labels: readonly number[];
  readonly outputs: readonly WireTensor[];
}

/** Throws `input-refused` where a guard refuses, `worker-failed` when the worker died. */
export async function askGuarded(asked: Asked, question: Question): Promise<Answer> {
  const x = guardedRows(asked, question);
  return asked.model.isClassifier && x !== null
    ? askClassifier(asked, x, question.rows)
    : askTensors(asked, question, x);
}

/** The rows after the input guards; null where these have nothing to see. */
function guardedRows({ model, guards }: Asked, { x, rows }: Question): Float32Array | null {
  const width = guardedWidth(model);
  if (x === null || width === null) return null;
  // Noise must not be predictable to the caller, so its seed is the clock's finest reading.
  const random = seeded(Number(process.hrtime.bigint() & 0xffff_ffffn));
  const checked = applyInputGuards(guards, x, rows, width, random);
  if (checked.refused === null) return checked.x;
  const { row, feature, reason } = checked.refused;
  throw new PlatformError('input-refused', `row ${row}, element ${feature}: ${reason}`, {
    hint: 'send values such as the model was trained on',
  });
}

async function askClassifier(
  { run, model, guards }: Asked,
  x: Float32Array,
  rows: number,
): Promise<Answer> {
  const found = (await run({ x }, rows)) as RowsOutput;
  const { labels, classes, texts } = found;
  const scores = classes === 0 ? null : applyOutputGuards(guards, found.scores, rows, classes);
  const outputs = model.outputs.flatMap(({ name, datatype }): WireTensor[] => {
    if (name === model.scores) {
      if (scores === null) return [];
      return [{ name, datatype, shape: [rows, classes], data: inType(datatype, scores) }];
    }
    return [{ name, datatype, shape: [rows], data: texts ?? inType(datatype, labels) }];
  });
  return { labels: [...labels], outputs };
}

function inType(datatype: WireTensor['datatype'], values: Float32Array | Int32Array) {
  if (datatype === 'INT64') return BigInt64Array.from(values, BigInt);
  return datatype === 'FP64' ? Float64Array.from(values) : values;
}

async function askTensors(
  { run, model, guards }: Asked,
  { inputs, rows }: Question,
  x: Float32Array | null,
): Promise<Answer> {
  const tensors: Tensors = Object.fromEntries(
    inputs.map(({ name, datatype, shape, data }) => [
      name,
      { type: typeOf(datatype), shape, data: x ?? data },
    ]),
  );
  const found = (await run({ tensors }, rows)) as Tensors;
  const answers = model.outputs.map((port) => answerOf(port, found));
  const labels = labelsOf(model, answers, rows);
  return { labels, outputs: answers.map((answer) => rounded(answer, guards)) };
}

/** Nothing that comes out of a worker is taken for what it should be. */
function answerOf({ name, datatype }: Port, found: Tensors): WireTensor {
  const tensor = found[name];
  const { type, shape = [], data = [] } = tensor ?? {};
  if (type === typeOf(datatype) && data.length === elementCount(shape)) {
    return { name, datatype, shape, data };
  }
  throw new PlatformError('internal', `the model gave no sound "${name}"`);
}

function rounded(answer: WireTensor, { output = {} }: GuardConfig): WireTensor {
  const { decimals } = output;
  const { data } = answer;
  if (decimals === undefined) return answer;
  if (!(data instanceof Float32Array) && !(data instanceof Float64Array)) return answer;
  return { ...answer, data: data.map((value) => Number(value.toFixed(decimals))) };
}

/** The class of each row for detectors; empty where the model tells none. */
function labelsOf(model: LoadedModel, answers: readonly WireTensor[], rows: number): number[] {
  const named = (name: string | null) => answers.find((answer) => answer.name === name)?.data;
  const label = named(model.label);
  if (label !== undefined && label.length === rows && typeof label[0] !== 'string') {
    return Array.from(label as ArrayLike<number | bigint>, Number);
  }
  const scores = named(model.scores);
  const classes = (scores?.length ?? 0) / rows;
  if (scores === undefined || !Number.isInteger(classes) || classes < 2) return [];
  return Array.from({ length: rows }, (_, row) => {
    const own = Array.from({ length: classes }, (_, k) => Number(scores[row * classes + k]));
    return own.indexOf(Math.max(...own));
  });
}
