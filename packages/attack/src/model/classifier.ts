/**
 * A model as attacks see it: rows in, classes or scores out, queries counted. The plain session
 * is what every success is judged by; the gradient session answers only how to move.
 */
import type { Session, ValueInfo } from '@merlon/graph';
import { AttackError } from '../error.ts';
import {
  argmax,
  floatsOf,
  inParts,
  integersOf,
  onlyInput,
  type RowLayout,
  rowShape,
} from './rows.ts';

/** Answers for rows of one fixed size. */
export interface Classifier {
  /** Shape of one row as the model takes it. */
  readonly inputShape: readonly number[];
  /** True when the model gives scores, not labels alone. */
  readonly givesScores: boolean;
  /** Rows answered so far. */
  readonly queries: number;
  /** The class of each row; −1 where the model's scores are not numbers. */
  predict(x: Float32Array): Promise<Int32Array>;
  /** Classes and scores of one run; throws `unsupported-model` when the model gives labels only. */
  scores(x: Float32Array): Promise<Scores>;
}

/** Scores [rows, classes], row-major, and the classes that the model decides on. */
export interface Scores {
  readonly values: Float32Array;
  readonly classes: number;
  readonly predictions: Int32Array;
}

/** How a session is used as a classifier. */
export interface ClassifierOptions {
  /** Shape of one row, where the model leaves axes open; also checked against the model. */
  readonly inputShape?: readonly number[];
  /** Rows a run (default 128); models whose first axis is fixed are run with that many. */
  readonly batchRows?: number;
  readonly signal?: AbortSignal;
}

/** The loss of each row, its gradient by the row's elements, and the class of each row. */
export interface LossGradient {
  readonly loss: Float32Array;
  readonly gradient: Float32Array;
  /** By the scores of the gradient model; the plain model has the last word. */
  readonly predictions: Int32Array;
}

/** A classifier that can also be differentiated. */
export interface DifferentiableClassifier extends Classifier {
  /** Gradient of the cross-entropy at `labels`; counts one query a row. */
  lossGradient(x: Float32Array, labels: Int32Array): Promise<LossGradient>;
}

const classesMax = 1_000_000;

/**
 * Wraps a session. The model needs one float32 input and an output of scores [N, K], K ≥ 2, or
 * of integer labels [N]; with both, the labels decide. Throws `unsupported-model`.
 */
export function classifier(session: Session, options: ClassifierOptions = {}): Classifier {
  const { input, layout } = layOut(session, options);
  const { labels, scores } = pickOutputs(session.outputs);
  let queries = 0;
  const answer = async (x: Float32Array, fetches: readonly string[]) => {
    const found: { scores: Float32Array[]; labels: Int32Array[] } = { scores: [], labels: [] };
    for (const part of inParts(x, layout)) {
      const given = await session.run({ [input.name]: part.tensor }, fetches);
      queries += part.rows;
      for (const name of fetches) {
        if (name === labels) found.labels.push(integersOf(given[name], name, part.rows));
        else found.scores.push(floatsOf(given[name], name, part.rows));
      }
    }
    return { scores: join(found.scores), labels: found.labels.flatMap((part) => [...part]) };
  };
  const scoresOf = async (x: Float32Array): Promise<Scores> => {
    if (scores === undefined) {
      throw new AttackError('unsupported-model', 'the model gives labels but no scores');
    }
    const found = await answer(x, labels === undefined ? [scores] : [labels, scores]);
    const rows = x.length / sizeOfShape(layout.shape);
    const values = found.scores;
    const classes = rows === 0 ? 1 : values.length / rows;
    const predictions = labels === undefined ? argmax(values, classes) : found.labels;
    return { values, classes, predictions: Int32Array.from(predictions) };
  };
  return {
    inputShape: layout.shape,
    givesScores: scores !== undefined,
    get queries() {
      return queries;
    },
    scores: scoresOf,
    predict: async (x) => {
      if (labels === undefined) return (await scoresOf(x)).predictions;
      return Int32Array.from((await answer(x, [labels])).labels);
    },
  };
}

/**
 * Wraps a session together with its gradient model: the inputs of the model and `merlon_labels`
 * int64 [N]; outputs `merlon_scores`, `merlon_loss`, `merlon_gradient`. Throws
 * `unsupported-model`.
 */
export function differentiable(
  session: Session,
  gradient: Session,
  options: ClassifierOptions = {},
): DifferentiableClassifier {
  const plain = classifier(session, options);
  const { input, layout } = layOut(session, options);
  for (const name of ['merlon_scores', 'merlon_loss', 'merlon_gradient']) {
    if (gradient.outputs.some((output) => output.name === name)) continue;
    throw new AttackError('unsupported-model', `gradient model has no output "${name}"`);
  }
  let queries = 0;
  return {
    inputShape: plain.inputShape,
    givesScores: plain.givesScores,
    get queries() {
      return plain.queries + queries;
    },
    predict: (x) => plain.predict(x),
    scores: (x) => plain.scores(x),
    lossGradient: async (x, labels) => {
      const found = {
        loss: new Float32Array(labels.length),
        gradient: new Float32Array(x.length),
        predictions: new Int32Array(labels.length),
      };
      const size = x.length / Math.max(1, labels.length);
      for (const part of inParts(x, layout)) {
        const { start, rows } = part;
        const own = new BigInt64Array(part.shown);
        for (let i = 0; i < rows; i++) own[i] = BigInt(labels[start + i] ?? 0);
        const answer = await gradient.run({
          [input.name]: part.tensor,
          merlon_labels: { type: 'int64', shape: [part.shown], data: own },
        });
        const take = (name: string) => floatsOf(answer[name], name, rows);
        found.loss.set(take('merlon_loss'), start);
        found.gradient.set(take('merlon_gradient'), start * size);
        const scores = take('merlon_scores');
        found.predictions.set(argmax(scores, scores.length / rows), start);
        queries += rows;
      }
      return found;
    },
  };
}

function sizeOfShape(shape: readonly number[]): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

function layOut(session: Session, options: ClassifierOptions) {
  const input = onlyInput(session.inputs);
  const rows = input.shape[0] ?? -1;
  const layout: RowLayout = {
    shape: rowShape(input, options.inputShape),
    batchRows: options.batchRows ?? 128,
    ...(rows > 0 && { fixedRows: rows }),
    ...(options.signal && { signal: options.signal }),
  };
  return { input, layout };
}

function pickOutputs(outputs: readonly ValueInfo[]): { labels?: string; scores?: string } {
  const scores = outputs.find(({ type, shape }) => {
    const classes = shape[1] ?? 0;
    const floating = type === 'float32' || type === 'float64';
    return (
      floating && shape.length === 2 && (classes < 0 || (classes > 1 && classes <= classesMax))
    );
  });
  const labels = outputs.find(
    ({ type, shape }) => (type === 'int64' || type === 'int32') && shape.length === 1,
  );
  if (scores === undefined && labels === undefined) {
    const got = outputs.map(({ name, type, shape }) => `"${name}" ${type} [${shape}]`).join(', ');
    const wanted = 'scores [N, classes] or labels [N]';
    throw new AttackError('unsupported-model', `model expected an output of ${wanted}, got ${got}`);
  }
  return { ...(scores && { scores: scores.name }), ...(labels && { labels: labels.name }) };
}

function join(parts: readonly Float32Array[]): Float32Array {
  const out = new Float32Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
