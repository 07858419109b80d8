/**
 * Extraction by natural data (KnockoffNets: Orekondy, Schiele and Fritz 2019, random strategy): a
 * small network learns the model's answers to the attacker's own rows; how often it agrees with the
 * model on rows that it never asked for, against how many it did.
 */
import type { Random } from '@merlon/core';
import type { Dataset } from '@merlon/graph';
import { gather, rowOf } from '../batch.ts';
import { trainNetwork } from '../decision/network.ts';
import { AttackError, stopWhenAborted } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';

/** How the theft goes. */
export interface ExtractionOptions {
  readonly random: Random;
  /** Queries to learn from, ascending (default 50, 200, 500, 1000, 2000, as far as rows last). */
  readonly queries?: readonly number[];
  readonly signal?: AbortSignal;
}

/** Agreement on the rows that were kept back, for each number of queries. */
export interface ExtractionReport {
  readonly curve: readonly { readonly queries: number; readonly agreement: number }[];
  /** The last of the curve. */
  readonly agreement: number;
  /** What always naming the commonest answer would agree in. */
  readonly baseline: number;
  /** Rows that agreement is measured on. */
  readonly heldBack: number;
}

const queriesUsual = [50, 200, 500, 1000, 2000];
const heldBackMax = 1000;

/** Learns from up to two thirds of the rows; the others, at most a thousand, judge. */
export async function extraction(
  model: Classifier,
  data: Dataset,
  { random, queries = queriesUsual, signal }: ExtractionOptions,
): Promise<ExtractionReport> {
  const count = data.labels.length;
  const size = data.x.length / Math.max(1, count);
  const order = random.fork('rows').permutation(count);
  const heldBack = Math.min(heldBackMax, Math.floor(count / 3));
  if (heldBack === 0) {
    throw new AttackError('invalid-data', `extraction expected three rows or more, got ${count}`);
  }
  const judging = gather(data.x, order.subarray(0, heldBack), size);
  const expected = await model.predict(judging);
  const pool = order.subarray(heldBack);
  const most = Math.min(pool.length, queries.at(-1) ?? 0);
  const taught = gather(data.x, pool.subarray(0, most), size);
  const answers = await model.predict(taught);
  const steps = [...new Set(queries.map((wanted) => Math.min(wanted, most)))];
  const curve = steps.map((asked) => {
    stopWhenAborted(signal);
    const batch = { x: taught.subarray(0, asked * size), labels: answers.subarray(0, asked) };
    const network = trainNetwork(batch, size, random.fork(`network ${asked}`));
    let agreed = 0;
    for (let row = 0; row < heldBack; row++) {
      agreed += network.predict(rowOf(judging, row, size)) === expected[row] ? 1 : 0;
    }
    return { queries: asked, agreement: agreed / heldBack };
  });
  const tally = new Map<number, number>();
  for (const answer of expected) tally.set(answer, (tally.get(answer) ?? 0) + 1);
  const baseline = Math.max(...tally.values()) / heldBack;
  return { curve, agreement: curve.at(-1)?.agreement ?? 0, baseline, heldBack };
}
