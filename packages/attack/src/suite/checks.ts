/**
 * Signs that a verdict says less than it seems: a model that answers at random, probabilities in
 * place of logits, black-box attacks that break what gradients did not (the flags of AutoAttack;
 * Athalye et al. 2018; Carlini et al. 2019, section 4).
 */
import { rowOf } from '../batch.ts';
import type { Classifier } from '../model/classifier.ts';
import type { AttackRecord } from '../verdict.ts';

const rowsMax = 250;
const rounds = 5;
const randomnessMax = 1e-4;
const sumTolerance = 1e-5;
const gainMax = 0.002;

/** What the model's answers to clean rows tell; at most 5 × 250 queries. */
export interface ModelSigns {
  /** Five answers to the same rows differ. */
  readonly randomised: boolean;
  /** Every row of scores is a probability distribution. */
  readonly probabilities: boolean;
}

/** Asks the model the same few rows five times. */
export async function signsOf(model: Classifier, x: Float32Array): Promise<ModelSigns> {
  const size = model.inputShape.reduce((product, axis) => product * axis, 1);
  const some = x.subarray(0, Math.min(x.length, rowsMax * size));
  if (!model.givesScores) {
    const first = await model.predict(some);
    for (let round = 1; round < rounds; round++) {
      const again = await model.predict(some);
      if (again.some((answer, i) => answer !== first[i])) {
        return { randomised: true, probabilities: false };
      }
    }
    return { randomised: false, probabilities: false };
  }
  const first = await model.scores(some);
  const probabilities = areProbabilities(first.values, first.classes);
  for (let round = 1; round < rounds; round++) {
    const again = await model.scores(some);
    if (apart(first.values, again.values, first.classes) > randomnessMax) {
      return { randomised: true, probabilities };
    }
  }
  return { randomised: false, probabilities };
}

/** Whether every row of scores lies in [0, 1] and adds up to 1. */
export function areProbabilities(scores: Float32Array, classes: number): boolean {
  if (scores.length === 0) return false;
  for (let row = 0; row < scores.length / classes; row++) {
    let sum = 0;
    for (const value of rowOf(scores, row, classes)) {
      if (!(value > -sumTolerance && value < 1 + sumTolerance)) return false;
      sum += value;
    }
    if (Math.abs(sum - 1) > sumTolerance * Math.max(1, Math.sqrt(classes))) return false;
  }
  return true;
}

/** The greatest distance of two answers to one row, each made of length one. */
function apart(a: Float32Array, b: Float32Array, classes: number): number {
  let most = 0;
  const length = (row: Float32Array): number => Math.hypot(...row) + 1e-10;
  for (let row = 0; row < a.length / classes; row++) {
    const [one, other] = [rowOf(a, row, classes), rowOf(b, row, classes)];
    const [of, otherOf] = [length(one), length(other)];
    let squares = 0;
    for (let k = 0; k < classes; k++)
      squares += ((one[k] ?? 0) / of - (other[k] ?? 0) / otherOf) ** 2;
    most = Math.max(most, Math.sqrt(squares));
  }
  return most;
}

/** The remarks that a model's signs call for. */
export function remarksOn({ randomised, probabilities }: ModelSigns, averaged: boolean): string[] {
  const remarks: string[] = [];
  if (randomised && !averaged) {
    remarks.push('the model answers at random: use the suite autoattack-rand');
  }
  if (probabilities) remarks.push('the scores are probabilities: their logarithms are attacked');
  return remarks;
}

/** What an attack needs to be told apart by: gradients, or none. */
export interface Flagged {
  readonly record: AttackRecord;
  readonly needs: 'gradients' | 'scores' | 'decisions';
}

/**
 * Records with the reasons to doubt them. Where each attack met all samples (`each`), a search
 * that falls behind a weaker one is marked; in AutoAttack what Square gains over the gradients.
 */
export function flagged(records: readonly Flagged[], mode: 'each' | 'survivors'): AttackRecord[] {
  const gained = mode === 'each' ? gainOverAll(records) : gainInTurn(records);
  return records.map(({ record, needs }) => {
    if (record.unreliable !== undefined || record.norm === 'l0') return record;
    const weaker = mode === 'each' ? (weakerThan[record.name] ?? []) : [];
    const better = records.find(
      ({ record: { name, robustAccuracy } }) =>
        weaker.includes(name) && robustAccuracy < record.robustAccuracy,
    );
    if (better !== undefined) {
      const unreliable = `"${better.record.name}" breaks more: gradients may be masked`;
      return { ...record, unreliable };
    }
    if (needs !== 'gradients' || gained === undefined) return record;
    const points = `${(100 * gained).toFixed(1)} points`;
    return { ...record, unreliable: `"square" breaks ${points} more: gradients may be masked` };
  });
}

/** By how much Square beats the best gradient attack, when that is too much. */
function gainOverAll(records: readonly Flagged[]): number | undefined {
  const square = records.find(({ record }) => record.name === 'square')?.record;
  const white = records.filter(({ needs }) => needs === 'gradients');
  const strong = white.filter(({ record }) => record.name !== 'fgsm');
  if (square === undefined || strong.length === 0) return undefined;
  const best = Math.min(...white.map(({ record }) => record.robustAccuracy));
  const gain = best - square.robustAccuracy;
  return gain > gainMax ? gain : undefined;
}

/** How much Square takes of what the attacks before it left. */
function gainInTurn(records: readonly Flagged[]): number | undefined {
  const at = records.findIndex(({ record }) => record.name === 'square');
  const before = records[at - 1]?.record;
  const square = records[at]?.record;
  if (before === undefined || square === undefined) return undefined;
  const gain = before.robustAccuracy - square.robustAccuracy;
  return gain > gainMax ? gain : undefined;
}

/** For each search, the attacks that it should never fall behind. */
const weakerThan: Readonly<Record<string, readonly string[]>> = {
  bim: ['noise'],
  'mi-fgsm': ['noise'],
  pgd: ['fgsm', 'noise'],
  'pgd-restarts': ['fgsm', 'noise'],
  'apgd-ce': ['fgsm', 'noise'],
  'apgd-dlr': ['fgsm', 'noise'],
  'apgd-t': ['fgsm', 'noise'],
};
