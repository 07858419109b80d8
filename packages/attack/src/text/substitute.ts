/**
 * Token substitution guided by gradients (HotFlip; Ebrahimi, Rao, Lowd and Dou 2018): the gradient
 * by the embeddings tells to first order what each exchange of a token would do to the loss. The
 * best exchanges are tried on the model itself, and the best of those kept, until the class turns.
 */
import type { Session } from '@merlon/graph';
import { AttackError, stopWhenAborted } from '../error.ts';
import { type Criterion, isSuccess, untargeted } from '../threat.ts';
import type { Encoder } from './encoder.ts';
import type { Vocabulary } from './vocabulary.ts';

/** The encoder under attack: its parts, and sessions that run them. */
export interface EncoderTarget {
  readonly encoder: Encoder;
  /** The whole model, on token numbers. */
  readonly session: Session;
  /** The gradient model of `encoder.tail`. */
  readonly gradient: Session;
}

/** Rows of token numbers, all of one length, with their classes. */
export interface TokenBatch {
  readonly ids: Int32Array;
  readonly length: number;
  readonly labels: Int32Array;
}

/** How the search goes. */
export interface SubstituteOptions {
  readonly vocabulary: Vocabulary;
  readonly criterion?: Criterion;
  /** Most tokens of a row that may change (default: a quarter of its length, at least 1). */
  readonly changedMax?: number;
  /** Exchanges tried on the model in a round (default 32). */
  readonly triedMax?: number;
  readonly signal?: AbortSignal;
  readonly onRow?: (done: number, total: number) => void;
}

/** What came of it: one row each, and how many tokens of it changed; 0 where nothing turned. */
export interface Substitutions {
  readonly ids: Int32Array;
  readonly changed: Int32Array;
  /** Rows shown to the model, gradients included. */
  readonly queries: number;
}

/** Attacks each row; throws `invalid-data` for numbers outside of the vocabulary or the table. */
export async function substituteTokens(
  target: EncoderTarget,
  batch: TokenBatch,
  options: SubstituteOptions,
): Promise<Substitutions> {
  const { length } = batch;
  refuseOutside(target.encoder, batch, options.vocabulary);
  const ids = batch.ids.slice();
  const changed = new Int32Array(batch.labels.length);
  let queries = 0;
  for (let row = 0; row < batch.labels.length; row++) {
    const clean = batch.ids.subarray(row * length, (row + 1) * length);
    const found = await attackRow(target, clean, batch.labels[row] ?? 0, row, options);
    queries += found.queries;
    if (found.ids !== undefined) {
      ids.set(found.ids, row * length);
      changed[row] = found.ids.filter((id, i) => id !== clean[i]).length;
    }
    options.onRow?.(row + 1, batch.labels.length);
  }
  return { ids, changed, queries };
}

function refuseOutside(encoder: Encoder, batch: TokenBatch, vocabulary: Vocabulary): void {
  const most = Math.min(encoder.tokens, vocabulary.tokens.length);
  if (vocabulary.tokens.length > encoder.tokens) {
    const got = `got ${vocabulary.tokens.length}`;
    const message = `vocabulary expected at most ${encoder.tokens} tokens, ${got}`;
    throw new AttackError('invalid-data', message);
  }
  const at = batch.ids.findIndex((id) => !(id >= 0 && id < most));
  if (at < 0) return;
  const row = Math.floor(at / batch.length) + 1;
  const message = `row ${row} expected token numbers below ${most}, got ${batch.ids[at]}`;
  throw new AttackError('invalid-data', message);
}

async function attackRow(
  target: EncoderTarget,
  clean: Int32Array,
  label: number,
  row: number,
  options: SubstituteOptions,
) {
  const { criterion = untargeted, triedMax = 32 } = options;
  const changedMax = options.changedMax ?? Math.max(1, Math.floor(clean.length / 4));
  const goal = criterion.kind === 'targeted' ? criterion.targets[row] : undefined;
  let now = clean.slice();
  let queries = 0;
  const touched = new Set<number>();
  for (let round = 0; round < changedMax; round++) {
    stopWhenAborted(options.signal);
    const slope = await slopeOf(target, now, goal ?? label);
    queries++;
    const sign = goal === undefined ? 1 : -1;
    const moves = bestExchanges(target.encoder, now, slope, sign, {
      ...options,
      touched,
      triedMax,
    });
    if (moves.length === 0) break;
    const rows = moves.map(({ at, to }) => now.with(at, to));
    const scores = await scoresOf(target, rows);
    queries += rows.length;
    const worth = scores.map((own) => leadOf(own, label, goal));
    const best = worth.indexOf(Math.max(...worth));
    const next = rows[best];
    const move = moves[best];
    if (next === undefined || move === undefined) break;
    now = next;
    touched.add(move.at);
    const answer = greatest(scores[best] ?? []);
    if (isSuccess(criterion, answer, label, row)) return { ids: now, queries };
  }
  return { ids: undefined, queries };
}

interface Exchange {
  readonly at: number;
  readonly to: number;
  readonly gain: number;
}

/** The exchanges with the greatest gain to first order: slope · (embedding of new − of old). */
function bestExchanges(
  { embeddings, width }: Encoder,
  ids: Int32Array,
  slope: Float32Array,
  sign: number,
  options: SubstituteOptions & { readonly touched: ReadonlySet<number>; readonly triedMax: number },
): Exchange[] {
  const { vocabulary, touched, triedMax } = options;
  const found: Exchange[] = [];
  let least = Number.NEGATIVE_INFINITY;
  ids.forEach((id, at) => {
    if (touched.has(at)) return;
    const along = (token: number) => {
      let sum = 0;
      for (let i = 0; i < width; i++) {
        sum += (slope[at * width + i] ?? 0) * (embeddings[token * width + i] ?? 0);
      }
      return sign * sum;
    };
    const own = along(id);
    for (let to = 0; to < vocabulary.tokens.length; to++) {
      if (!vocabulary.exchangeable(id, to)) continue;
      const gain = along(to) - own;
      if (!(gain > least) && found.length >= triedMax) continue;
      found.push({ at, to, gain });
      if (found.length < 4 * triedMax) continue;
      found.sort((a, b) => b.gain - a.gain);
      found.length = triedMax;
      least = found.at(-1)?.gain ?? least;
    }
  });
  return found.sort((a, b) => b.gain - a.gain).slice(0, triedMax);
}

/** Gradient of the cross-entropy at a label by the embeddings [length, width] of one row. */
async function slopeOf(
  { encoder, gradient }: EncoderTarget,
  ids: Int32Array,
  label: number,
): Promise<Float32Array> {
  const { width, embeddings } = encoder;
  const data = new Float32Array(ids.length * width);
  ids.forEach((id, at) => {
    data.set(embeddings.subarray(id * width, (id + 1) * width), at * width);
  });
  const [input] = gradient.inputs;
  const answer = await gradient.run(
    {
      [input?.name ?? '']: { type: 'float32', shape: [1, ids.length, width], data },
      merlon_labels: { type: 'int64', shape: [1], data: BigInt64Array.of(BigInt(label)) },
    },
    ['merlon_gradient'],
  );
  const slope = answer.merlon_gradient?.data;
  if (slope instanceof Float32Array && slope.length === data.length) return slope;
  throw new AttackError('unsupported-model', 'the gradient model gives no gradient of embeddings');
}

async function scoresOf(
  { encoder, session }: EncoderTarget,
  rows: readonly Int32Array[],
): Promise<number[][]> {
  const length = rows[0]?.length ?? 0;
  const flat = rows.flatMap((row) => [...row]);
  const data = encoder.type === 'int64' ? BigInt64Array.from(flat, BigInt) : Int32Array.from(flat);
  const answer = await session.run({
    [encoder.input]: { type: encoder.type, shape: [rows.length, length], data },
  });
  const scores = Object.values(answer).find(({ type, shape }) => {
    return type === 'float32' && shape.length === 2 && shape[0] === rows.length;
  });
  if (!(scores?.data instanceof Float32Array)) {
    throw new AttackError('unsupported-model', 'the encoder expected an output of scores [N, K]');
  }
  const classes = scores.shape[1] ?? 1;
  const values = scores.data;
  return rows.map((_, row) => [...values.subarray(row * classes, (row + 1) * classes)]);
}

function leadOf(scores: readonly number[], label: number, goal: number | undefined): number {
  const held = goal ?? label;
  const other = Math.max(...scores.filter((_, k) => k !== held));
  const lead = (scores[held] ?? 0) - other;
  return goal === undefined ? -lead : lead;
}

function greatest(scores: readonly number[]): number {
  return scores.indexOf(Math.max(...scores));
}
