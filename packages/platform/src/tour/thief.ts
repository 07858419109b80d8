/**
 * A real attempt to extract a served model: Jacobian-based augmentation (Papernot et al. 2017)
 * around a substitute (softmax regression) that is trained on the answers as they come.
 */
import type { Random } from '@merlon/core';

/** Asks the victim for the class of one row; null when the door was closed. */
export type AskVictim = (row: Float32Array) => Promise<number | null>;

/** What the attempt got. */
export interface Loot {
  readonly queries: number;
  /** True when the victim closed the door. */
  readonly stopped: boolean;
  /** The substitute's class of a row. */
  readonly predict: (row: Float32Array) => number;
}

/** How the thief works. */
export interface ThiefOptions {
  /** Natural rows that the thief owns. */
  readonly seeds: readonly Float32Array[];
  readonly classes: number;
  /** Size of a step in each element (paper: 0.1). */
  readonly stepSize: number;
  readonly bounds: { readonly min: number; readonly max: number };
  readonly queriesMax: number;
  readonly random: Random;
}

/** Steals until the door closes or the queries are used up. */
export async function steal(ask: AskVictim, options: ThiefOptions): Promise<Loot> {
  const { seeds, classes, queriesMax } = options;
  const width = seeds[0]?.length ?? 0;
  const weights = new Float32Array(classes * (width + 1));
  const known: { row: Float32Array; label: number }[] = [];
  let wanted: readonly Float32Array[] = seeds;
  let stopped = false;
  while (!stopped && known.length < queriesMax && wanted.length > 0) {
    for (const row of wanted.slice(0, queriesMax - known.length)) {
      const label = await ask(row);
      if (label === null) {
        stopped = true;
        break;
      }
      known.push({ row, label });
    }
    train(weights, known, { classes, random: options.random });
    wanted = augment(weights, known, options);
  }
  const predict = (row: Float32Array): number => best(scores(weights, row, classes));
  return { queries: known.length, stopped, predict };
}

/** Each known row moved against the substitute's certainty, so that answers tell the most. */
function augment(
  weights: Float32Array,
  known: readonly { row: Float32Array; label: number }[],
  { stepSize, bounds }: ThiefOptions,
): Float32Array[] {
  return known.map(({ row, label }) => {
    const at = label * (row.length + 1);
    return row.map((value, i) => {
      const moved = value + stepSize * Math.sign(weights[at + i] ?? 0);
      return Math.max(bounds.min, Math.min(bounds.max, moved));
    });
  });
}

const epochs = 8;
const rate = 0.05;

/** Stochastic gradient descent on the cross-entropy. */
function train(
  weights: Float32Array,
  known: readonly { row: Float32Array; label: number }[],
  { classes, random }: { readonly classes: number; readonly random: Random },
): void {
  for (let epoch = 0; epoch < epochs; epoch++) {
    for (const index of random.permutation(known.length)) {
      const item = known[index];
      if (item === undefined) continue;
      const p = softmax(scores(weights, item.row, classes));
      for (let c = 0; c < classes; c++) {
        const error = (p[c] ?? 0) - (c === item.label ? 1 : 0);
        const at = c * (item.row.length + 1);
        for (let i = 0; i < item.row.length; i++) {
          weights[at + i] = (weights[at + i] ?? 0) - rate * error * (item.row[i] ?? 0);
        }
        weights[at + item.row.length] = (weights[at + item.row.length] ?? 0) - rate * error;
      }
    }
  }
}

function scores(weights: Float32Array, row: Float32Array, classes: number): Float64Array {
  return Float64Array.from({ length: classes }, (_, c) => {
    const at = c * (row.length + 1);
    let sum = weights[at + row.length] ?? 0;
    for (let i = 0; i < row.length; i++) sum += (weights[at + i] ?? 0) * (row[i] ?? 0);
    return sum;
  });
}

function softmax(values: Float64Array): Float64Array {
  const most = Math.max(...values);
  const powers = values.map((value) => Math.exp(value - most));
  const sum = powers.reduce((total, power) => total + power, 0);
  return powers.map((power) => power / sum);
}

function best(values: Float64Array): number {
  return values.indexOf(Math.max(...values));
}
