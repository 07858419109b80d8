/**
 * A model as attacks see it: rows in, classes or scores out, queries counted. The plain session
 * is what every success is judged by; the gradient session answers only how to move.
 */
import type { Loss, Session, Tensor, ValueInfo } from '@merlon/graph';
import { AttackError } from '../error.ts';
import {
  argmax,
  floatsOf,
  inParts,
  integersOf,
  onlyInput,
  type Part,
  type RowLayout,
  rowShape,
} from './rows.ts';
import type { GradientSource } from './sessions.ts';

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
  /** The scores are probabilities: give their logarithms, in which attacks find their way. */
  readonly logarithms?: boolean;
  readonly signal?: AbortSignal;
}

/** Which loss is differentiated, and what it asks for beside labels. */
export interface LossQuery {
  /** Default `cross-entropy`. */
  readonly loss?: Loss;
  /** A second class for each row, for `targeted-dlr` and `difference`. */
  readonly targets?: Int32Array;
  /** Weights of the scores [rows, classes], for `linear`. */
  readonly cotangent?: Float32Array;
}

/** The loss of each row, its gradient by the row's elements, scores and class of each row. */
export interface LossGradient {
  readonly loss: Float32Array;
  readonly gradient: Float32Array;
  /** Scores [rows, classes] of the gradient model: logits, without a final softmax. */
  readonly scores: Float32Array;
  readonly classes: number;
  /** By the scores of the gradient model; the plain model has the last word. */
  readonly predictions: Int32Array;
}

/** A classifier that can also be differentiated. */
export interface DifferentiableClassifier extends Classifier {
  /**
   * Loss and gradient at `labels` in one run, the cross-entropy by default; counts one query a
   * row. Throws `shape-mismatch` (GraphError) for a loss that so few classes do not define.
   */
  lossGradient(x: Float32Array, labels: Int32Array, query?: LossQuery): Promise<LossGradient>;
}

const classesMax = 1_000_000;

/** Probabilities that float32 has lost count as this. */
const shareMin = 1e-38;

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
    if (options.logarithms) {
      return {
        values: values.map((share) => Math.log(Math.max(share, shareMin))),
        classes,
        predictions: Int32Array.from(predictions),
      };
    }
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
 * Wraps a session together with its gradient models: the inputs of the model and what the loss
 * asks for (`merlon_labels`, `merlon_targets`, `merlon_cotangent`); outputs `merlon_scores`,
 * `merlon_loss`, `merlon_gradient`. Throws `unsupported-model`, also when a gradient model turns
 * out to lack an output.
 */
export function differentiable(
  session: Session,
  source: GradientSource,
  options: ClassifierOptions = {},
): DifferentiableClassifier {
  const plain = classifier(session, options);
  const { input, layout } = layOut(session, options);
  let queries = 0;
  return {
    inputShape: plain.inputShape,
    givesScores: plain.givesScores,
    get queries() {
      return plain.queries + queries;
    },
    predict: (x) => plain.predict(x),
    scores: (x) => plain.scores(x),
    lossGradient: async (x, labels, query = {}) => {
      const gradient = await gradientSession(source, query.loss ?? 'cross-entropy');
      const loss = new Float32Array(labels.length);
      let slope: Float32Array = new Float32Array(0);
      const predictions = new Int32Array(labels.length);
      let scores = new Float32Array(0);
      let classes = 1;
      const size = x.length / Math.max(1, labels.length);
      for (const part of inParts(x, layout)) {
        const { start, rows } = part;
        const feeds = { [input.name]: part.tensor, ...lossFeeds(gradient, labels, query, part) };
        const answer = await gradient.run(feeds);
        const take = (name: string) => floatsOf(answer[name], name, rows);
        loss.set(take('merlon_loss'), start);
        const moves = take('merlon_gradient');
        // Answers are new at every run, so that one of all rows needs no copy.
        if (moves.length === x.length) slope = moves;
        else {
          if (start === 0) slope = new Float32Array(x.length);
          slope.set(moves, start * size);
        }
        const own = take('merlon_scores');
        classes = own.length / rows;
        if (start === 0) scores = new Float32Array(labels.length * classes);
        scores.set(own, start * classes);
        predictions.set(argmax(own, classes), start);
        queries += rows;
      }
      return { loss, gradient: slope, scores, classes, predictions };
    },
  };
}

async function gradientSession(source: GradientSource, loss: Loss): Promise<Session> {
  const session = await source.session(loss);
  for (const name of ['merlon_scores', 'merlon_loss', 'merlon_gradient']) {
    if (session.outputs.some((output) => output.name === name)) continue;
    throw new AttackError('unsupported-model', `gradient model has no output "${name}"`);
  }
  return session;
}

/** What a loss takes of a part's rows; rows that only pad are of class 0. */
function lossFeeds(session: Session, labels: Int32Array, query: LossQuery, part: Part) {
  const { start, rows, shown } = part;
  const feeds: Record<string, Tensor> = {};
  const integers = (from: Int32Array): Tensor => {
    const data = new BigInt64Array(shown);
    for (let i = 0; i < rows; i++) data[i] = BigInt(from[start + i] ?? 0);
    return { type: 'int64', shape: [shown], data };
  };
  for (const { name } of session.inputs) {
    if (name === 'merlon_labels') feeds[name] = integers(labels);
    if (name === 'merlon_targets') feeds[name] = integers(query.targets ?? labels);
    if (name === 'merlon_cotangent' && query.cotangent !== undefined) {
      const classes = query.cotangent.length / labels.length;
      const data = new Float32Array(shown * classes);
      data.set(query.cotangent.subarray(start * classes, (start + rows) * classes));
      feeds[name] = { type: 'float32', shape: [shown, classes], data };
    }
  }
  return feeds;
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
