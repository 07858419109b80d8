/**
 * Attribute inference (Fredrikson et al. 2014, figure 2; told against its baselines as by Yeom et
 * al. 2018, section 4): someone who knows all of a row but one feature, and its label, takes the
 * value under which the model is surest of that label, weighed by how common the value is.
 */
import type { Dataset } from '@merlon/graph';
import { AttackError } from '../error.ts';
import type { Classifier } from '../model/classifier.ts';
import { type Share, shareOf } from './separation.ts';
import { membershipSignals } from './signals.ts';

/** Which feature is guessed. */
export interface AttributeOptions {
  /** Position of the feature in a row. */
  readonly feature: number;
  /** Distinct values that it may have at most (default 32). */
  readonly valuesMax?: number;
}

/** How often the feature was guessed right, with 95 % intervals (Wilson 1927). */
export interface AttributeReport {
  readonly values: readonly number[];
  /** With the model, on rows that it was trained on. */
  readonly members: Share;
  /** With the model, on rows that it never saw. */
  readonly nonmembers: Share;
  /** Without a model: the commonest value of the label, on the members. */
  readonly baseline: Share;
  /** What training on a row adds: members less nonmembers. */
  readonly advantage: number;
}

/**
 * Guesses the feature in every row; values and how common they are, by label, come from the rows
 * that are no members. Costs a query a row and value. Throws `invalid-data`.
 */
export async function attributeInference(
  model: Classifier,
  data: { readonly members: Dataset; readonly nonmembers: Dataset },
  { feature, valuesMax = 32 }: AttributeOptions,
): Promise<AttributeReport> {
  const { members, nonmembers } = data;
  const size = nonmembers.x.length / Math.max(1, nonmembers.labels.length);
  if (!(Number.isInteger(feature) && feature >= 0 && feature < size)) {
    const got = `expected a position below ${size}, got ${feature}`;
    throw new AttackError('invalid-data', `the feature ${got}`);
  }
  const known = column(nonmembers, feature, size);
  const values = [...new Set(known)].sort((a, b) => a - b);
  if (values.length < 2 || values.length > valuesMax) {
    const got = `2 to ${valuesMax} values expected, got ${values.length}`;
    throw new AttackError('invalid-data', `feature ${feature}: ${got}`, {
      hint: 'guess a feature that has few values, such as a category',
    });
  }
  const shares = sharesByLabel(known, nonmembers.labels, values);
  const rightOn = async (rows: Dataset): Promise<Share> => {
    const guesses = await guess(model, rows, { feature, size, values, shares });
    return rightIn(guesses, column(rows, feature, size));
  };
  const inside = await rightOn(members);
  const outside = await rightOn(nonmembers);
  const common = [...members.labels].map((label) => values[bestOf(shares(label))] ?? 0);
  return {
    values,
    members: inside,
    nonmembers: outside,
    baseline: rightIn(common, column(members, feature, size)),
    advantage: inside.value - outside.value,
  };
}

/** The value of each row that makes its label, weighed by the value's share, the likeliest. */
async function guess(
  model: Classifier,
  { x, labels }: Dataset,
  of: {
    readonly feature: number;
    readonly size: number;
    readonly values: readonly number[];
    readonly shares: (label: number) => readonly number[];
  },
): Promise<number[]> {
  const scores: Float64Array[] = [];
  for (const value of of.values) {
    const changed = x.slice();
    for (let at = of.feature; at < changed.length; at += of.size) changed[at] = value;
    const { logits } = await membershipSignals(model, { x: changed, labels });
    // log p, from the logit, without losing small shares.
    scores.push(logits.map((logit) => -Math.log1p(Math.exp(-logit))));
  }
  return Array.from(labels, (label, row) => {
    const prior = of.shares(label);
    const weighed = scores.map((own, v) => (own[row] ?? 0) + Math.log(prior[v] ?? 0));
    return of.values[bestOf(weighed)] ?? 0;
  });
}

/** How common each value is among the rows of a label; one row more of each, so that none is 0. */
function sharesByLabel(
  known: Float32Array,
  labels: Int32Array,
  values: readonly number[],
): (label: number) => readonly number[] {
  const counts = new Map<number, number[]>();
  for (const [row, label] of labels.entries()) {
    const own = counts.get(label) ?? values.map(() => 1);
    const at = values.indexOf(known[row] ?? 0);
    own[at] = (own[at] ?? 0) + 1;
    counts.set(label, own);
  }
  const none = values.map(() => 1 / values.length);
  const shares = new Map(
    [...counts].map(([label, own]) => {
      const total = own.reduce((sum, count) => sum + count, 0);
      return [label, own.map((count) => count / total)] as const;
    }),
  );
  return (label) => shares.get(label) ?? none;
}

function column({ x, labels }: Dataset, feature: number, size: number): Float32Array {
  return Float32Array.from(labels, (_, row) => x[row * size + feature] ?? 0);
}

function rightIn(guesses: readonly number[], truth: Float32Array): Share {
  const right = guesses.reduce((sum, value, row) => sum + (value === truth[row] ? 1 : 0), 0);
  return shareOf(right, guesses.length);
}

function bestOf(values: readonly number[]): number {
  return values.reduce((best, value, i) => (value > (values[best] ?? 0) ? i : best), 0);
}
